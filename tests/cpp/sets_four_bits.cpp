// Rows of four bits an element, and what is found and scored by them.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include <doctest/doctest.h>

#include "base/team.hpp"
#include "base/watch.hpp"
#include "sets/four_bits.hpp"
#include "sets/maxsim.hpp"

namespace {

using namespace vicinal;

std::vector<float> drawn(std::size_t n, unsigned seed, float size = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<float> spread(0, size);
    std::vector<float> values(n);
    for (float& value : values) value = spread(random);
    return values;
}

std::vector<float> kept(const std::vector<float>& row) {
    std::vector<std::byte> coded(four_bit_bytes(row.size()));
    std::vector<float> back(row.size());
    to_four_bits(row.data(), row.size(), coded.data());
    from_four_bits(coded.data(), row.size(), back.data());
    return back;
}

}  // namespace

TEST_CASE("four bits an element leave about a hundredth of a vector's square") {
    for (const std::size_t dim : {1U, 2U, 7U, 96U, 129U})
        for (const float size : {1e-3F, 1.0F, 1e4F}) {
            const std::vector<float> row = drawn(dim, static_cast<unsigned>(dim), size), back = kept(row);
            double lost = 0, whole = 0;
            for (std::size_t i = 0; i < dim; ++i) {
                lost += std::pow(static_cast<double>(row[i] - back[i]), 2);
                whole += std::pow(static_cast<double>(row[i]), 2);
            }
            CAPTURE(dim);
            CAPTURE(size);
            CHECK(lost < 0.02 * whole);
        }
}

TEST_CASE("rows of zeros and rows beyond float16 are kept as numbers") {
    CHECK(kept(std::vector<float>(5, 0.0F)) == std::vector<float>(5, 0.0F));
    for (const float value : kept(std::vector<float>(5, 1e30F))) {
        CHECK(std::isfinite(value));
        CHECK(value > 4e5F);
    }
}

TEST_CASE("MaxSim of four-bit documents is that of the vectors they stand for") {
    const std::size_t dim = 33, n = 40;
    const std::vector<float> rows = drawn(n * dim, 1), asked = drawn(3 * dim, 2);
    std::vector<std::byte> coded(n * four_bit_bytes(dim));
    std::vector<float> back(n * dim);
    for (std::size_t row = 0; row < n; ++row) {
        to_four_bits(rows.data() + row * dim, dim, coded.data() + row * four_bit_bytes(dim));
        from_four_bits(coded.data() + row * four_bit_bytes(dim), dim, back.data() + row * dim);
    }
    const std::vector<std::int64_t> query_starts{0, 3}, starts{0, 1, 9, 40}, lists{0, 3}, which{2, 0, 1};
    const auto bytes = [](const std::vector<float>& floats) {
        return reinterpret_cast<const std::byte*>(floats.data());
    };
    const VectorSets queries{bytes(asked), 3, dim, VectorSets::Type::f32, query_starts};
    const VectorSets few{coded.data(), n, dim, VectorSets::Type::b4, starts};
    const VectorSets whole{bytes(back), n, dim, VectorSets::Type::f32, starts};
    Team team(2);
    Watch watch;
    std::vector<float> by_codes(3), by_floats(3);
    maxsim(queries, few, {lists, which}, by_codes.data(), Crew{team, watch});
    maxsim(queries, whole, {lists, which}, by_floats.data(), Crew{team, watch});
    CHECK(by_codes == by_floats);
}
