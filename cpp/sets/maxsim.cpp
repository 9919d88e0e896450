#include "sets/maxsim.hpp"

#include <algorithm>
#include <string>

#include "base/errors.hpp"
#include "sets/panel.hpp"

namespace vicinal {
namespace {

void check(const ScoreLists& lists, std::size_t queries, std::size_t documents) {
    if (lists.starts.size() != queries + 1 || lists.starts.front() != 0 ||
        lists.starts.back() != static_cast<std::int64_t>(lists.documents.size()) ||
        !std::is_sorted(lists.starts.begin(), lists.starts.end()))
        throw InvalidArgumentError("lists: expected one for each query, end to end");
    for (const std::int64_t document : lists.documents)
        if (document < 0 || document >= static_cast<std::int64_t>(documents))
            throw InvalidArgumentError("lists: there is no document " + std::to_string(document) + " of " +
                                       std::to_string(documents));
}

}  // namespace

bool maxsim(const VectorSets& queries, const VectorSets& documents, const ScoreLists& lists, float* scores,
            const Crew& crew) {
    check(lists, queries.size(), documents.size());
    constexpr std::size_t kAtOnce = 32;  // documents, for which one panel is laid out
    return crew.aside(lists.documents.size(), kAtOnce, [&](std::size_t, std::size_t first, std::size_t last) {
        Panel panel(queries.dim);
        WidenedRows query_rows, rows;
        std::size_t end = first;  // of what is asked of the present query
        for (std::size_t i = first; i < last; ++i) {
            if (i == end) {
                const auto after =
                    std::upper_bound(lists.starts.begin(), lists.starts.end(), static_cast<std::int64_t>(i));
                const auto query = static_cast<std::size_t>(after - lists.starts.begin()) - 1;
                panel.set(query_rows.of(queries, queries.begin(query), queries.count(query)), queries.count(query));
                end = static_cast<std::size_t>(*after);
            }
            const auto document = static_cast<std::size_t>(lists.documents[i]);
            const std::size_t n = documents.count(document);
            scores[i] = panel.score(rows.of(documents, documents.begin(document), n), n);
        }
    });
}

}  // namespace vicinal
