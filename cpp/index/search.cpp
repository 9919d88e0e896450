#include "graph/search.hpp"

#include <algorithm>
#include <array>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "graph/code_choice.hpp"
#include "graph/exact.hpp"
#include "index/checks.hpp"
#include "index/effort.hpp"
#include "index/filter.hpp"
#include "index/parts.hpp"

namespace vicinal {
namespace {

// Queries as callers hand them in, and where the answers go.
struct Queries {
    const std::byte* given;
    std::size_t n, k;
    const Found& found;

    Answer answer(std::size_t query) const {
        return {found.ids.data() + query * k, found.distances.data() + query * k};
    }
};

// The calling thread is member 0 of its team.
Checkpoint checkpoint_of(std::size_t member, Watch& watch) { return {&watch, member == 0}; }

// Without filters, or with one for all queries: groups of them share each reading of the rows.
bool answer_all_exactly(const ScanRows& rows, const Space& space, const Queries& queries, Team& team, Watch& watch) {
    const auto answer_some = [&](std::size_t member, std::size_t begin, std::size_t end) {
        std::array<ExactQuery, kQueriesPerScan> group{};
        for (std::size_t query = begin; query < end; ++query)
            group[query - begin] = {queries.given + query * space.given_row_bytes(), queries.answer(query),
                                    &queries.found.counts[query]};
        answer_exactly(rows, space, {group.data(), end - begin}, queries.k, checkpoint_of(member, watch));
        for (std::size_t query = begin; query < end && !queries.found.work.empty(); ++query) {
            Work& work = queries.found.work[query];
            work = {};
            const std::uint32_t met = rows.admitted == nullptr ? rows.count : rows.admitted->count();
            work.distances = work.effort = met;
            work.bytes = static_cast<std::int64_t>(met * space.row_bytes());
            work.strategy = rows.admitted == nullptr ? Strategy::exact : Strategy::scan;
        }
    };
    return team.run(queries.n, kQueriesPerScan, watch, answer_some) && !watch.stopped();
}

Work work_of(const Search& search, const View& view, const Space& space) {
    const Tally& tally = search.tally;
    Work work;
    work.distances = static_cast<std::int64_t>(tally.distances + search.scanned);
    work.hops = static_cast<std::int64_t>(tally.hops);
    work.bytes = static_cast<std::int64_t>(search.compared_bytes + tally.hops * view.links.stride() +
                                           search.scanned * space.row_bytes());
    work.reranked = static_cast<std::int64_t>(tally.reranked);
    work.effort = static_cast<std::int64_t>(search.effort);
    work.strategy = search.strategy;
    return work;
}

void answer_one(const View& view, const Space& space, const Queries& queries, std::size_t query, const Asked& asked) {
    Search search(view, space, scratch_of_this_thread());
    const std::byte* given = queries.given + query * space.given_row_bytes();
    const std::size_t count = search.answer(given, asked, queries.answer(query));
    queries.found.counts[query] = static_cast<std::int64_t>(count);
    if (!queries.found.work.empty()) queries.found.work[query] = work_of(search, view, space);
}

// One filter for all queries, or none.
bool answer_all(const View& view, const Space& space, const Queries& queries, const Asked& asked, Team& team,
                Watch& watch) {
    if (asked.exact && asked.per_group == 0) {
        ScanRows rows = rows_of(view);
        rows.admitted = asked.admitted;
        return answer_all_exactly(rows, space, queries, team, watch);
    }
    const auto answer_some = [&](std::size_t member, std::size_t begin, std::size_t end) {
        Asked here = asked;
        here.checkpoint = checkpoint_of(member, watch);
        for (std::size_t query = begin; query < end; ++query) answer_one(view, space, queries, query, here);
    };
    return team.run(queries.n, 1, watch, answer_some) && !watch.stopped();
}

void ask_to_rerank(std::size_t rerank, const View& view, Asked& asked) {
    if (rerank == 0) return;
    if (!is_tier(choice_of(view).walked()) && view.count != 0)
        throw InvalidArgumentError("rerank is " + std::to_string(rerank) +
                                   ", and this index has no codes of its own to rank by: it was made without codes");
    if (rerank > kMaxEf)
        throw InvalidArgumentError("rerank is " + std::to_string(rerank) + ", expected 1 to " + std::to_string(kMaxEf));
    asked.rerank = rerank;
    asked.width = std::max(asked.width, rerank);
}

}  // namespace

void Index::search(const std::byte* given, std::size_t n, const SearchOptions& options, const Found& found,
                   Watch& watch) const {
    check_threads(options.threads);
    const Space& space = parts_->graph.space;
    const Reading reading(*parts_);
    const View& view = reading.view();
    check_k(options.k, view.size());
    Asked asked = effort_of(options, view);
    asked.exact = options.exact;
    asked.per_group = options.per_group;
    ask_to_rerank(options.rerank, view, asked);
    const std::span filters = options.filters;
    if (!filters.empty()) check_filters(filters, n, view);
    if (options.per_group != 0 && !view.has_groups() && view.count != 0)
        throw InvalidArgumentError("per_group needs groups, and this index was filled without");
    const Queries queries{given, n, options.k, found};
    Admitted room;
    if (n == 1 && !options.exact) {
        // What services ask all day: a team of threads, though it be of one, costs as much as a short search.
        check_vector(space, given, "queries", 0);
        asked.checkpoint = {&watch, true};
        with_admitted(filters.empty() ? nullptr : &filters[0], view, *parts_, options.exact, room,
                      [&](const Admitted* admitted) {
                          asked.admitted = admitted;
                          answer_one(view, space, queries, 0, asked);
                      });
        if (watch.stopped()) throw Stopped();
        return;
    }
    Team team(n <= 1 ? 1 : std::min(resolve_threads(options.threads), n));
    check_vectors(space, given, n, "queries", {team, watch});

    bool whole = true;
    if (filters.size() <= 1) {
        with_admitted(filters.empty() ? nullptr : &filters[0], view, *parts_, options.exact, room,
                      [&](const Admitted* admitted) {
                          asked.admitted = admitted;
                          whole = answer_all(view, space, queries, asked, team, watch);
                      });
    } else {
        std::vector<Admitted> rooms(team.size());  // not the thread's scratch: a checkpoint may run another search
        const auto answer_some = [&](std::size_t member, std::size_t begin, std::size_t end) {
            Asked here = asked;
            here.checkpoint = checkpoint_of(member, watch);
            for (std::size_t query = begin; query < end; ++query)
                with_admitted(&filters[query], view, *parts_, options.exact, rooms[member],
                              [&](const Admitted* admitted) {
                                  here.admitted = admitted;
                                  answer_one(view, space, queries, query, here);
                              });
        };
        whole = team.run(n, 1, watch, answer_some) && !watch.stopped();
    }
    if (!whole) throw Stopped();
}

void exact_search(const Options& options, const Vectors& base, const Vectors& given, const SearchOptions& asked,
                  const Found& found, Watch& watch) {
    check(options);
    check_threads(asked.threads);
    check_k(asked.k, base.n);
    if (base.n >= kMaxSlots)
        throw InvalidArgumentError("a scan takes at most " + std::to_string(kMaxSlots - 1) + " rows");
    // Rows are compared where the caller has them, so only as what the caller has: the half types are stored rounded.
    if (options.dtype == Dtype::f16 || options.dtype == Dtype::bf16)
        throw InvalidArgumentError("exact_search compares rows as they are: dtype f32, i8, u8 or b1");
    const Space space(options.metric, options.dtype, options.dim);
    Team team(resolve_threads(asked.threads));
    const Crew crew{team, watch};
    check_vectors(space, base.rows, base.n, "base", crew);
    check_vectors(space, given.rows, given.n, "queries", crew);

    std::vector<float> factors(options.metric == Metric::cosine ? base.n : 0);
    const bool normalized = crew.aside(factors.size(), 256, [&](std::size_t, std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row)
            factors[row] = space.inverse_norm(base.rows + row * space.given_row_bytes());
    });
    if (!normalized) throw Stopped();
    const kernels::Rows vectors{base.rows, space.given_row_bytes(), options.dim, factors.data()};
    const ScanRows rows{vectors, static_cast<std::uint32_t>(base.n)};
    if (!answer_all_exactly(rows, space, {given.rows, given.n, asked.k, found}, team, watch)) throw Stopped();
}

}  // namespace vicinal
