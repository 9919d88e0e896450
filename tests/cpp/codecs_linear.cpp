// The linear algebra that codes are fitted with.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "base/team.hpp"
#include "base/watch.hpp"
#include "codecs/centroids.hpp"
#include "codecs/linear.hpp"

namespace {

using namespace vicinal;

std::vector<double> drawn(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<double> spread;
    std::vector<double> values(n);
    for (double& value : values) value = spread(random);
    return values;
}

// The largest distance of the rows' products from those of an orthonormal set.
double off_orthonormal(const std::vector<double>& rows, std::size_t n, std::size_t dim) {
    double most = 0;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            double sum = i == j ? -1 : 0;
            for (std::size_t k = 0; k < dim; ++k) sum += rows[i * dim + k] * rows[j * dim + k];
            most = std::max(most, std::abs(sum));
        }
    return most;
}

}  // namespace

TEST_CASE("a symmetric matrix is its eigenvectors' squares, each as large as its value says") {
    for (const std::size_t dim : {1U, 2U, 3U, 7U, 40U}) {
        for (const bool repeated : {false, true}) {
            const std::vector<double> half = drawn(dim * dim, static_cast<unsigned>(dim));
            std::vector<double> matrix(dim * dim), values(dim);
            for (std::size_t i = 0; i < dim; ++i)
                for (std::size_t j = 0; j < dim; ++j)
                    matrix[i * dim + j] = repeated ? (i == j ? 3.0 : 0.0) : half[i * dim + j] + half[j * dim + i];
            std::vector<double> vectors = matrix;

            REQUIRE(symmetric_eigen(vectors, dim, values));

            CHECK(off_orthonormal(vectors, dim, dim) < 1e-12);
            double off = 0;
            for (std::size_t i = 0; i < dim; ++i)
                for (std::size_t j = 0; j < dim; ++j) {
                    double sum = -matrix[i * dim + j];
                    for (std::size_t v = 0; v < dim; ++v)
                        sum += values[v] * vectors[v * dim + i] * vectors[v * dim + j];
                    off = std::max(off, std::abs(sum));
                }
            CHECK(off < 1e-11);
            for (std::size_t v = 1; v < dim; ++v) CHECK(values[v - 1] <= values[v]);
        }
    }
}

TEST_CASE("a matrix with NaN in it has no eigenvectors") {
    std::vector<double> matrix(9, std::numeric_limits<double>::quiet_NaN()), values(3);

    CHECK_FALSE(symmetric_eigen(matrix, 3, values));
}

TEST_CASE("rows become orthonormal, and a row that says nothing new is told") {
    std::vector<double> rows = drawn(5 * 12, 4);
    CHECK(orthonormalize(rows, 5, 12));
    CHECK(off_orthonormal(rows, 5, 12) < 1e-14);

    std::vector<double> twice = drawn(2 * 6, 5);
    for (std::size_t i = 0; i < 6; ++i) twice[6 + i] = 3 * twice[i];
    CHECK_FALSE(orthonormalize(twice, 2, 6));
}

TEST_CASE("products of all rows with all rows are the same on any number of threads") {
    const std::size_t dim = 19, n = 70, m = 600;
    std::mt19937 random(6);
    std::normal_distribution<float> spread;
    std::vector<float> a(n * dim), b(m * dim);
    for (float& value : a) value = spread(random);
    for (float& value : b) value = spread(random);
    Watch watch;
    Team one(1), three(3);
    std::vector<float> alone(n * m), together(n * m);

    REQUIRE(all_products({a.data(), n, dim}, {b.data(), m, dim}, alone.data(), {one, watch}));
    REQUIRE(all_products({a.data(), n, dim}, {b.data(), m, dim}, together.data(), {three, watch}));

    CHECK(alone == together);
    double most = 0;
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < m; ++j) {
            double sum = 0;
            for (std::size_t k = 0; k < dim; ++k)
                sum += static_cast<double>(a[i * dim + k]) * static_cast<double>(b[j * dim + k]);
            most = std::max(most, std::abs(sum - static_cast<double>(alone[i * m + j])));
        }
    CHECK(most < 1e-4);
}

TEST_CASE("each piece of a row is named by its nearest centroid, the first of equals") {
    const std::vector<float> books{0, 0, 4, 4, 0, 0, /**/ 1, 1, 9, 9, 5, 5};
    const std::vector<float> rows{3, 3, 8, 8, /**/ 0, 1, 3, 3};
    std::vector<std::uint8_t> codes(4);
    std::vector<float> lost(2);
    Watch watch;
    Team team(2);

    REQUIRE(nearest_centroids({books.data(), 2, 3, 2}, rows.data(), 2, codes.data(), lost.data(), {team, watch}));

    CHECK(codes == std::vector<std::uint8_t>{1, 1, 0, 0});  // the last piece is as near to the first as to the third
    CHECK(lost == std::vector<float>{4, 9});
}
