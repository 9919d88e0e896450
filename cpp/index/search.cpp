#include <algorithm>
#include <array>

#include "base/errors.hpp"
#include "base/team.hpp"
#include "graph/exact.hpp"
#include "graph/search.hpp"
#include "index/checks.hpp"
#include "index/parts.hpp"

namespace vicinal {
namespace {

Answer answer_of(const Found& found, std::size_t query, std::size_t k) {
    return {found.ids.data() + query * k, found.distances.data() + query * k};
}

bool search_all_exactly(const ScanRows& rows, const Space& space, const std::byte* queries, std::size_t n,
                        std::size_t k, Team& team, const Found& found, Watch& watch) {
    return team.run(n, kQueriesPerScan, watch, [&](std::size_t, std::size_t begin, std::size_t end) {
        std::array<Answer, kQueriesPerScan> answers{};
        for (std::size_t query = begin; query < end; ++query) answers[query - begin] = answer_of(found, query, k);
        answer_exactly(rows, space, queries + begin * space.given_row_bytes(), end - begin, k, answers.data(),
                       found.counts.data() + begin);
        for (std::size_t query = begin; query < end && !found.work.empty(); ++query) {
            found.work[query] = {};
            found.work[query].distances = rows.count;
            found.work[query].bytes = static_cast<std::int64_t>(rows.count * space.row_bytes());
        }
    });
}

Work work_of(const Tally& tally, const View& view, const Space& space, std::size_t width) {
    Work work;
    work.distances = static_cast<std::int64_t>(tally.distances);
    work.hops = static_cast<std::int64_t>(tally.hops);
    work.bytes = static_cast<std::int64_t>(tally.distances * space.row_bytes() + tally.hops * view.links.stride());
    work.effort = static_cast<std::int64_t>(width);
    return work;
}

}  // namespace

void Index::search(const std::byte* queries, std::size_t n, const SearchOptions& options, const Found& found,
                   Watch& watch) const {
    check_threads(options.threads);
    const Space& space = parts_->graph.space;
    const Reading reading(*parts_);
    const View& view = reading.view();
    const Asked asked{options.k, width_of(options)};
    check_k(options.k, view.count - view.removed);
    Team team(n <= 1 ? 1 : std::min(resolve_threads(options.threads), n));
    check_vectors(space, queries, n, "queries", team);

    bool whole = true;
    if (options.exact) {
        whole = search_all_exactly(rows_of(view), space, queries, n, options.k, team, found, watch);
    } else {
        whole = team.run(n, 1, watch, [&](std::size_t, std::size_t begin, std::size_t end) {
            ThreadScratch& scratch = scratch_of_this_thread();
            for (std::size_t query = begin; query < end; ++query) {
                Tally tally;
                found.counts[query] = static_cast<std::int64_t>(
                    vicinal::search(view, space, queries + query * space.given_row_bytes(), asked,
                                    answer_of(found, query, options.k), scratch, tally));
                if (!found.work.empty()) found.work[query] = work_of(tally, view, space, asked.width);
            }
        });
    }
    if (!whole) throw Stopped();
}

void exact_search(const Options& options, const std::byte* rows, std::size_t n, const std::byte* queries,
                  std::size_t n_queries, std::size_t k, std::size_t threads, const Found& found, Watch& watch) {
    check(options);
    check_threads(threads);
    check_k(k, n);
    if (n >= kMaxSlots) throw InvalidArgumentError("a scan takes at most " + std::to_string(kMaxSlots - 1) + " rows");
    const Space space(options.metric, options.dtype, options.dim);
    Team team(resolve_threads(threads));
    check_vectors(space, rows, n, "base", team);
    check_vectors(space, queries, n_queries, "queries", team);

    // Rows are compared where the caller has them. Only float32 and integers can be: the others are stored rounded.
    if (options.dtype == Dtype::f16 || options.dtype == Dtype::bf16)
        throw InvalidArgumentError("exact_search compares rows as they are: dtype f32, i8, u8 or b1");
    std::vector<float> factors(options.metric == Metric::cosine ? n : 0);
    team.run_whole(factors.size(), 256, [&](std::size_t, std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row)
            factors[row] = space.inverse_norm(rows + row * space.given_row_bytes());
    });
    const kernels::Rows vectors{rows, space.given_row_bytes(), options.dim, factors.data()};
    const ScanRows scanned{vectors, static_cast<std::uint32_t>(n)};
    if (!search_all_exactly(scanned, space, queries, n_queries, k, team, found, watch)) throw Stopped();
}

}  // namespace vicinal
