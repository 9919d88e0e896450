// Everything within a radius. Declared in index.hpp.
#include <algorithm>
#include <vector>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "graph/search.hpp"
#include "index/checks.hpp"
#include "index/index.hpp"
#include "index/parts.hpp"

namespace vicinal {
namespace {

Within joined(const std::vector<std::vector<Hit>>& each) {
    Within all;
    std::size_t total = 0;
    for (const auto& hits : each) total += hits.size();
    all.ids.reserve(total);
    all.distances.reserve(total);
    all.lims.reserve(each.size() + 1);
    all.lims.push_back(0);
    for (const auto& hits : each) {
        for (const Hit& hit : hits) {
            all.ids.push_back(number_of(hit.id));
            all.distances.push_back(hit.distance);
        }
        all.lims.push_back(static_cast<std::int64_t>(all.ids.size()));
    }
    return all;
}

}  // namespace

Within Index::range_search(const std::byte* given, std::size_t n, float radius, bool exact, std::size_t threads,
                           Watch& watch) const {
    check_threads(threads);
    const Space& space = parts_->graph.space;
    const Reading reading(*parts_);
    Team team(n <= 1 ? 1 : std::min(resolve_threads(threads), n));
    check_vectors(space, given, n, "queries", {team, watch});
    std::vector<std::vector<Hit>> each(n);
    const auto find_some = [&](std::size_t member, std::size_t begin, std::size_t end) {
        const Checkpoint checkpoint{&watch, member == 0};  // the calling thread is member 0 of its team
        Search search(reading.view(), space, scratch_of_this_thread());
        for (std::size_t query = begin; query < end; ++query)
            search.find_within(given + query * space.given_row_bytes(), radius, exact, checkpoint, each[query]);
    };
    if (!team.run(n, 1, watch, find_some) || watch.stopped()) throw Stopped();
    return joined(each);
}

}  // namespace vicinal
