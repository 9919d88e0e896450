#include "graph/exact.hpp"

#include <array>
#include <vector>

namespace vicinal {

void answer_exactly(const ScanRows& rows, const Space& space, std::span<const ExactQuery> queries, std::size_t k,
                    const Checkpoint& checkpoint) {
    std::array<std::vector<float>, kQueriesPerScan> prepared;
    std::array<Probe, kQueriesPerScan> probes;
    std::array<Nearest, kQueriesPerScan> nearest;
    for (std::size_t i = 0; i < queries.size(); ++i) {
        probes[i] = space.probe_given(queries[i].given, prepared[i]);
        nearest[i].reset(k);
    }
    scan(rows, space.search_ruler(), {probes.data(), queries.size()}, {nearest.data(), queries.size()}, checkpoint);
    for (std::size_t i = 0; i < queries.size(); ++i)
        *queries[i].count = static_cast<std::int64_t>(write_answer(nearest[i].sorted(), k, queries[i].answer));
}

}  // namespace vicinal
