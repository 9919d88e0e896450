#include "graph/exact.hpp"

#include <array>
#include <span>
#include <vector>

namespace vicinal {

void answer_exactly(const ScanRows& rows, const Space& space, const std::byte* queries, std::size_t n, std::size_t k,
                    const Answer* answers, std::int64_t* counts) {
    std::array<std::vector<float>, kQueriesPerScan> prepared;
    std::array<Probe, kQueriesPerScan> probes;
    std::array<Nearest, kQueriesPerScan> nearest;
    for (std::size_t i = 0; i < n; ++i) {
        probes[i] = space.probe_given(queries + i * space.given_row_bytes(), prepared[i]);
        nearest[i].reset(k);
    }
    scan(rows, space.search_ruler(), {probes.data(), n}, {nearest.data(), n});
    for (std::size_t i = 0; i < n; ++i)
        counts[i] = static_cast<std::int64_t>(write_answer(nearest[i].sorted(), k, answers[i]));
}

}  // namespace vicinal
