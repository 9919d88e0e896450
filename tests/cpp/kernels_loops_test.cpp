// The loops over one vector, of every instruction set this processor runs, against what they are said to do.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/kernels.hpp"

namespace {

using vicinal::kernels::Loops;
using vicinal::kernels::Table;

constexpr std::uint64_t kSeed = 7;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<std::size_t> lengths() {
    std::vector<std::size_t> lengths;
    for (std::size_t n = 0; n <= 70; ++n) lengths.push_back(n);
    lengths.insert(lengths.end(), {127, 384, 784, 1025});
    return lengths;
}

std::vector<float> drawn(std::size_t n, float deviation) {
    std::mt19937_64 random(kSeed + n);
    std::normal_distribution<float> normal(0, deviation);
    std::vector<float> values(n);
    for (float& value : values) value = normal(random);
    return values;
}

// Calls test(loops) for every set, under its name.
template <class Test>
void on_every_set(const Test& test) {
    const Table* tables[8] = {};
    const std::size_t count = vicinal::kernels::runnable(tables, 8);
    REQUIRE(count >= 1);
    for (std::size_t i = 0; i < count; ++i) {
        INFO(std::string(tables[i]->name));
        test(*tables[i]->loops);
    }
}

}  // namespace

TEST_CASE("the largest magnitude is found wherever it is and NaN is above all") {
    on_every_set([](const Loops& loops) {
        for (const std::size_t n : lengths()) {
            std::vector<float> values = drawn(n, 1);
            for (std::size_t at = 0; at < n; ++at) {
                const float before = values[at];
                for (const float large : {-100.0F, kInfinity, kNan}) {
                    values[at] = large;
                    const auto found = std::bit_cast<float>(loops.largest_magnitude(values.data(), n));
                    const bool right = std::isnan(large) ? std::isnan(found) : found == std::abs(large);
                    if (!right) FAIL_CHECK(n, " values, ", large, " at ", at, ": ", found);
                }
                values[at] = before;
            }
        }
        CHECK(loops.largest_magnitude(nullptr, 0) == 0);
    });
}

TEST_CASE("sums of squares and scaled values have the same bits on every set") {
    on_every_set([](const Loops& loops) {
        for (const std::size_t n : lengths()) {
            const std::vector<float> values = drawn(n, 3);
            double lanes[8] = {};
            for (std::size_t i = 0; i < n; ++i) lanes[i % 8] += static_cast<double>(values[i]) * values[i];
            double expected = 0;
            for (const double lane : lanes) expected += lane;
            std::vector<float> scaled(n + 1, -7);

            loops.scale(values.data(), 0.3F, n, scaled.data());

            CHECK(loops.sum_of_squares(values.data(), n) == expected);
            bool same = scaled[n] == -7;
            for (std::size_t i = 0; i < n; ++i) same = same && scaled[i] == values[i] * 0.3F;
            CHECK(same);
        }
    });
}

TEST_CASE("steps are rounded to the nearest and ties to even") {
    on_every_set([](const Loops& loops) {
        for (const std::size_t n : lengths()) {
            std::vector<float> values = drawn(n, 40);
            for (float& value : values) value = std::clamp(value, -127.0F, 127.0F);
            if (n > 3) values[0] = 2.5F, values[1] = -3.5F, values[2] = 126.5F, values[3] = -127;
            std::vector<std::int8_t> steps(n + 1, 99);

            const std::int32_t squares = loops.round_to_steps(values.data(), 1, n, steps.data());

            std::int32_t expected = 0;
            bool right = steps[n] == 99;
            for (std::size_t i = 0; i < n; ++i) {
                const auto step = static_cast<std::int32_t>(std::nearbyint(values[i]));
                right = right && steps[i] == step;
                expected += step * step;
            }
            CHECK(right);
            CHECK(squares == expected);
        }
    });
}

TEST_CASE("whole numbers from 0 to 255 are bytes and nothing else is") {
    on_every_set([](const Loops& loops) {
        for (const std::size_t n : lengths()) {
            std::vector<float> values(n);
            for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<float>(i * 37 % 256);
            if (n > 1) values[1] = -0.0F;
            std::vector<std::uint8_t> bytes(n + 1, 99);

            loops.to_bytes(values.data(), n, bytes.data());

            CHECK(loops.are_bytes(values.data(), n));
            bool right = bytes[n] == 99;
            for (std::size_t i = 0; i < n; ++i) right = right && static_cast<float>(bytes[i]) == values[i];
            CHECK(right);
            for (std::size_t at = 0; at < n; ++at) {
                const float before = values[at];
                for (const float other :
                     {0.5F, 254.99998F, 256.0F, -1.0F, -1e-30F, 1e-30F, 1e30F, kInfinity, -kInfinity, kNan}) {
                    values[at] = other;
                    if (loops.are_bytes(values.data(), n)) FAIL_CHECK(other, " at ", at, " of ", n);
                }
                values[at] = before;
            }
        }
    });
}

TEST_CASE("few steps are held between -7 and 7, packed in blocks of 64, and the same bits on every set") {
    const Loops& plain = *vicinal::kernels::active().loops;
    on_every_set([&](const Loops& loops) {
        for (const std::size_t n : {64u, 128u, 192u, 832u}) {
            const std::vector<float> values = drawn(n, 1);
            for (const float inverse : {0.0F, 1.0F, 3.0F, 20.0F}) {
                std::vector<std::uint8_t> nibbles(n / 2 + 1, 99);
                float along = 0, squares = 0, plain_along = 0, plain_squares = 0;

                loops.to_nibbles(values.data(), inverse, n, nibbles.data());
                loops.fit_few_steps(values.data(), inverse, n, &along, &squares);

                plain.fit_few_steps(values.data(), inverse, n, &plain_along, &plain_squares);
                CHECK(along == plain_along);
                CHECK(squares == plain_squares);
                double expected_along = 0, expected_squares = 0;
                bool right = nibbles[n / 2] == 99;
                for (std::size_t i = 0; i < n; ++i) {
                    const float step = std::clamp(std::nearbyint(values[i] * inverse), -7.0F, 7.0F);
                    const int both = nibbles[i / 64 * 32 + i % 32];
                    right = right && (i % 64 < 32 ? both & 15 : both >> 4) - 8 == static_cast<int>(step);
                    expected_along += static_cast<double>(values[i] * step);
                    expected_squares += static_cast<double>(step * step);
                }
                CHECK(right);
                CHECK(along == doctest::Approx(expected_along).epsilon(1e-5));
                CHECK(squares == doctest::Approx(expected_squares).epsilon(1e-5));
            }
        }
    });
}

TEST_CASE("crumbs are the nearest odd steps from -3 to 3, packed in blocks of 64, and the same bits on every set") {
    const Loops& plain = *vicinal::kernels::active().loops;
    on_every_set([&](const Loops& loops) {
        for (const std::size_t n : {64u, 128u, 832u}) {
            const std::vector<float> values = drawn(n, 1);
            for (const float inverse : {0.0F, 1.0F, 3.0F, 20.0F}) {
                std::vector<std::uint8_t> crumbs(n / 4 + 1, 99);
                float along = 0, squares = 0, plain_along = 0, plain_squares = 0;

                loops.to_crumbs(values.data(), inverse, n, crumbs.data());
                loops.fit_crumbs(values.data(), inverse, n, &along, &squares);

                plain.fit_crumbs(values.data(), inverse, n, &plain_along, &plain_squares);
                CHECK(along == plain_along);
                CHECK(squares == plain_squares);
                double expected_along = 0, expected_squares = 0;
                bool right = crumbs[n / 4] == 99;
                for (std::size_t i = 0; i < n; ++i) {
                    const float half = std::clamp((values[i] * inverse - 1.0F) * 0.5F, -2.0F, 1.0F);
                    const float step = 2.0F * std::nearbyint(half) + 1.0F;
                    const int four = crumbs[i / 64 * 16 + i % 16];
                    right = right && 2 * (four >> (i % 64 / 16 * 2) & 3) - 3 == static_cast<int>(step);
                    expected_along += static_cast<double>(values[i] * step);
                    expected_squares += static_cast<double>(step * step);
                }
                CHECK(right);
                CHECK(along == doctest::Approx(expected_along).epsilon(1e-5));
                CHECK(squares == doctest::Approx(expected_squares).epsilon(1e-5));
            }
        }
    });
}
