// The inner loop of MaxSim on every instruction set, against plain sums in double precision.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/kernels.hpp"

namespace {

using namespace vicinal::kernels;

std::vector<const Table*> runnable_tables() {
    const Table* tables[8] = {};
    return {tables, tables + runnable(tables, 8)};
}

std::vector<float> drawn(std::size_t n, std::mt19937& random, float least) {
    std::uniform_real_distribution<float> spread(least, 1.0F);
    std::vector<float> values(n);
    for (float& value : values) value = spread(random);
    return values;
}

}  // namespace

TEST_CASE("of each column the largest product with a row is kept, whatever was there before") {
    std::mt19937 random(3);
    for (const Table* table : runnable_tables())
        for (const std::size_t groups : {1U, 2U, 3U})
            for (const std::size_t rows : {0U, 1U, 5U, 6U, 7U, 8U, 9U, 17U})
                for (const std::size_t dim : {1U, 3U, 16U, 96U}) {
                    const std::string where = std::string(table->name) + ", groups " + std::to_string(groups) +
                                              ", rows " + std::to_string(rows) + ", dim " + std::to_string(dim);
                    CAPTURE(where);
                    const std::size_t columns = groups * kMaximaGroup;
                    const std::vector<float> panel = drawn(columns * dim, random, -1.0F);
                    const std::vector<float> given = drawn(rows * dim, random, rows % 2 == 0 ? -1.0F : 0.0F);
                    std::vector<float> maxima(columns, -std::numeric_limits<float>::infinity());
                    maxima[1] = 1e9F;
                    const std::vector<float> before = maxima;
                    (*table->raise_maxima)(panel.data(), groups, given.data(), rows, dim, maxima.data());

                    bool right = true;
                    for (std::size_t column = 0; column < columns; ++column) {
                        double most = static_cast<double>(before[column]);
                        for (std::size_t row = 0; row < rows; ++row) {
                            double sum = 0;
                            for (std::size_t i = 0; i < dim; ++i) {
                                const std::size_t at =
                                    (column / kMaximaGroup * dim + i) * kMaximaGroup + column % kMaximaGroup;
                                sum += static_cast<double>(panel[at]) * static_cast<double>(given[row * dim + i]);
                            }
                            most = std::max(most, sum);
                        }
                        const auto found = static_cast<double>(maxima[column]);
                        right = right && (found == most || std::abs(found - most) < 1e-5 * (1 + std::abs(most)));
                    }
                    CHECK(right);
                }
}
