// The linear algebra that codes are fitted with, in one order of additions: numpy's libraries order theirs by how many
// threads they have, and the same seed would make other codes on another machine.
#pragma once

#include <cstddef>
#include <span>

#include "base/team.hpp"

namespace vicinal {

// Rows of floats, one after the other.
struct FloatRows {
    const float* data;
    std::size_t n, dim;
};

// products[i * b.n + j] = <row i of a, row j of b>, by the kernels. False when the watch said stop.
bool all_products(const FloatRows& a, const FloatRows& b, float* products, const Crew& crew);

// Makes n rows of `dim` doubles orthonormal, first to last (Gram-Schmidt, twice). Requires: n <= dim. False, and the
// rows are of no use, where a row is a combination of those before it.
bool orthonormalize(std::span<double> rows, std::size_t n, std::size_t dim);

// Takes apart a symmetric matrix of dim * dim doubles, which becomes its eigenvectors, one a row, in the order of
// `values`, which ascend. By Householder's reflections and the QL iterations with implicit shifts (Golub & Van Loan,
// Matrix Computations, ch. 8). False if it did not converge, as on values that are not finite.
bool symmetric_eigen(std::span<double> matrix, std::size_t dim, std::span<double> values);

}  // namespace vicinal
