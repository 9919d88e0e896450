// Of each row, the one of some others whose inner product with it is largest: what k-means asks again and again.
#pragma once

#include <cstdint>

#include "base/team.hpp"

namespace vicinal {

// assigned[i] is the first of the `others` (of `dim` floats each, one or more) whose product with row i is largest. The
// same on any number of threads. False when the watch said stop.
bool assign_rows(const float* rows, std::size_t n, const float* others, std::size_t n_others, std::size_t dim,
                 std::uint32_t* assigned, const Crew& crew);

}  // namespace vicinal
