// Candidates by centroids: each row of a document is known by its nearest centroid and by what is left, in four bits
// (Santhanam et al., PLAID, CIKM 2022, arXiv 2205.09707).
//
//   1. each vector of a query looks into the lists of its nearest centroids: documents that have a row there
//   2. these are scored as if their rows were the centroids: a table of all centroids by all vectors of the query
//   3. the best of them are scored once more with what is left added; the best of these are the candidates
#pragma once

#include <cstdint>
#include <span>

#include "base/team.hpp"
#include "sets/sets.hpp"

namespace vicinal {

struct CentroidTables {
    std::span<const float> centroids;  // rows of `dim`
    std::size_t dim;
    std::span<const std::int64_t> starts;        // of documents among rows, one more than there are documents
    std::span<const std::uint32_t> centroid_of;  // each row
    std::span<const std::byte> left;             // what each row is beyond it (four_bits.hpp)
    std::span<const std::int64_t> list_starts;   // one more than there are centroids
    std::span<const std::uint32_t> listed;       // documents by centroid
    std::size_t unlisted_from;                   // documents from here on are in no list: they are always scored
    std::span<const std::uint8_t> admitted;      // one a document: whether it may be found

    std::size_t size() const { return starts.size() - 1; }
};

struct CentroidEffort {
    std::size_t wanted;     // documents found for a query
    std::size_t probes;     // lists each of its vectors looks into at first; more where these hold too few documents
    std::size_t survivors;  // of step 2, at least `wanted`
};

// found[q * wanted ...] are the documents found for query q, best first, equal scores by number; -1 where there are no
// more. Finds `wanted` documents where so many are admitted. The same on any number of threads. Throws
// InvalidArgumentError where tables do not fit together. False when the watch said stop.
bool find_by_centroids(const VectorSets& queries, const CentroidTables& tables, const CentroidEffort& effort,
                       std::int64_t* found, const Crew& crew);

}  // namespace vicinal
