// MaxSim, or Chamfer similarity: for each vector of a query the largest inner product with a vector of a document,
// summed over the query's vectors (Khattab & Zaharia, ColBERT, SIGIR 2020).
//
// Maxima start at minus infinity: a document may have nothing but negative products with a query.
#pragma once

#include <cstdint>
#include <span>

#include "base/team.hpp"
#include "sets/sets.hpp"

namespace vicinal {

// Which documents each query is scored with: query q with documents[starts[q] .. starts[q + 1]].
struct ScoreLists {
    std::span<const std::int64_t> starts;
    std::span<const std::int64_t> documents;
};

// scores[i] belongs to lists.documents[i]; the same on any number of threads. Requires: queries are of f32 and of the
// documents' dimension; both are checked. Throws InvalidArgumentError where lists name a document that is not there.
// False when the watch said stop.
bool maxsim(const VectorSets& queries, const VectorSets& documents, const ScoreLists& lists, float* scores,
            const Crew& crew);

}  // namespace vicinal
