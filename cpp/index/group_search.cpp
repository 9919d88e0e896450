// Which groups have a vector within a radius. Declared in index.hpp.
#include <string>
#include <vector>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "graph/search.hpp"
#include "index/checks.hpp"
#include "index/index.hpp"
#include "index/parts.hpp"

namespace vicinal {
namespace {

GroupsWithin joined(const std::vector<std::vector<GroupHit>>& each, std::vector<std::int64_t>&& compared) {
    GroupsWithin all;
    all.compared = std::move(compared);
    all.lims.reserve(each.size() + 1);
    all.lims.push_back(0);
    for (const auto& hits : each) {
        for (const GroupHit& hit : hits) {
            all.groups.push_back(hit.group);
            all.distances.push_back(hit.distance);
        }
        all.lims.push_back(static_cast<std::int64_t>(all.groups.size()));
    }
    return all;
}

}  // namespace

GroupsWithin Index::groups_within(const std::byte* given, std::size_t n, const GroupOptions& options,
                                  Watch& watch) const {
    check_threads(options.threads);
    if (options.ef == 0 || options.most == 0)
        throw InvalidArgumentError("ef is " + std::to_string(options.ef) + " and most " + std::to_string(options.most) +
                                   ", expected 1 or more");
    const Space& space = parts_->graph.space;
    const Reading reading(*parts_);
    const View& view = reading.view();
    if (!view.has_groups() && view.count != 0) throw InvalidArgumentError("this index was filled without groups");
    Team team(n <= 1 ? 1 : std::min(resolve_threads(options.threads), n));
    check_vectors(space, given, n, "queries", {team, watch});

    std::vector<std::vector<GroupHit>> each(n);
    std::vector<std::int64_t> compared(n);
    GroupsAsked asked;
    asked.most = options.most;
    asked.anchor = options.ef;
    asked.width = kWidestByEf * options.ef;
    asked.radius = options.radius;
    asked.exact = options.exact;
    const auto find_some = [&](std::size_t member, std::size_t begin, std::size_t end) {
        GroupsAsked here = asked;
        here.checkpoint = {&watch, member == 0};  // the calling thread is member 0 of its team
        for (std::size_t query = begin; query < end; ++query) {
            Search search(view, space, scratch_of_this_thread());
            search.find_groups(given + query * space.given_row_bytes(), here, each[query]);
            compared[query] =
                static_cast<std::int64_t>(search.tally.distances + search.tally.reranked + search.scanned);
        }
    };
    if (!team.run(n, 1, watch, find_some) || watch.stopped()) throw Stopped();
    return joined(each, std::move(compared));
}

}  // namespace vicinal
