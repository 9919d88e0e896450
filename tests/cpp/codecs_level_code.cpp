// Codes of few bits an element: what is written, and that scans say what the written numbers say.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <doctest/doctest.h>

#include "base/team.hpp"
#include "base/watch.hpp"
#include "codecs/code_scan.hpp"
#include "codecs/level_code.hpp"

namespace {

using namespace vicinal;

struct Coded {
    std::vector<float> values;
    std::vector<std::uint8_t> rows;
    std::size_t n;
};

Coded coded(const LevelCode& code, std::size_t n, std::mt19937& random) {
    std::normal_distribution<float> spread;
    Coded made{std::vector<float>(n * code.dim()), std::vector<std::uint8_t>(n * code.row_bytes()), n};
    for (float& value : made.values) value = spread(random);
    for (std::size_t i = 0; i < n; ++i)
        code.encode(made.values.data() + i * code.dim(), made.rows.data() + i * code.row_bytes());
    return made;
}

int level(const LevelCode& code, const std::uint8_t* row, std::size_t i) {
    const std::size_t bit = i * code.bits();
    return (row[bit / 8] >> (bit % 8)) & ((1 << code.bits()) - 1);
}

// sum of (2 c_x - t) (2 c_y - t), element by element.
std::int64_t whole_product(const LevelCode& code, const std::uint8_t* x, const std::uint8_t* y) {
    const int t = (1 << code.bits()) - 1;
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < code.dim(); ++i) sum += (2 * level(code, x, i) - t) * (2 * level(code, y, i) - t);
    return sum;
}

}  // namespace

TEST_CASE("a distance between codes is the whole number of their levels times two scales, to the last bit") {
    std::mt19937 random(7);
    Watch watch;
    Team team(2);
    for (const unsigned bits : {1U, 2U, 4U, 8U})
        for (const std::size_t dim : {1U, 9U, 64U, 385U}) {
            const LevelCode code(dim, bits, CodeScale::length);
            const Coded base = coded(code, 70, random), asked = coded(code, 3, random);
            const CodeRows rows{base.rows.data(), base.n, code.row_bytes()};
            const CodeRows queries{asked.rows.data(), asked.n, code.row_bytes()};
            std::vector<float> found(base.n * asked.n);
            REQUIRE(scan_codes(code, Metric::ip, queries, rows, found.data(), {team, watch}));

            bool right = true;
            for (std::size_t q = 0; q < asked.n; ++q)
                for (std::size_t r = 0; r < base.n; ++r) {
                    const double scales = static_cast<double>(code.factors_of(queries.row(q)).scale) *
                                          static_cast<double>(code.factors_of(rows.row(r)).scale);
                    const std::int64_t whole = whole_product(code, queries.row(q), rows.row(r));
                    right =
                        right && found[q * base.n + r] == static_cast<float>(1 - scales * static_cast<double>(whole));
                }
            CHECK_MESSAGE(right, "bits ", bits, ", dim ", dim);
        }
}

TEST_CASE("a distance of floats to a code is that to the decoded vector") {
    std::mt19937 random(8);
    Watch watch;
    Team team(2);
    for (const unsigned bits : {1U, 2U, 4U, 8U})
        for (const std::size_t dim : {3U, 33U, 96U}) {
            const LevelCode code(dim, bits, CodeScale::length);
            const Coded base = coded(code, 21, random), asked = coded(code, 2, random);
            std::vector<float> found(base.n * asked.n), decoded(dim);
            const CodeRows rows{base.rows.data(), base.n, code.row_bytes()};
            REQUIRE(scan_floats(code, Metric::l2, asked.values.data(), asked.n, rows, found.data(), {team, watch}));

            bool right = true;
            for (std::size_t q = 0; q < asked.n; ++q)
                for (std::size_t r = 0; r < base.n; ++r) {
                    code.decode(rows.row(r), decoded.data());
                    double squared = 0;
                    for (std::size_t i = 0; i < dim; ++i)
                        squared += std::pow(
                            static_cast<double>(asked.values[q * dim + i]) - static_cast<double>(decoded[i]), 2);
                    right =
                        right && std::abs(static_cast<double>(found[q * base.n + r]) - squared) < 1e-4 * (1 + squared);
                }
            CHECK_MESSAGE(right, "bits ", bits, ", dim ", dim);
        }
}

TEST_CASE("of more bits less is lost, and the length is kept") {
    std::mt19937 random(9);
    double before = 1;
    for (const unsigned bits : {1U, 2U, 4U, 8U}) {
        const LevelCode code(256, bits, CodeScale::length);
        const Coded base = coded(code, 8, random);
        std::vector<float> decoded(256);
        double lost = 0, all = 0, kept = 0;
        for (std::size_t r = 0; r < base.n; ++r) {
            code.decode(base.rows.data() + r * code.row_bytes(), decoded.data());
            for (std::size_t i = 0; i < 256; ++i) {
                const auto value = static_cast<double>(base.values[r * 256 + i]),
                           back = static_cast<double>(decoded[i]);
                lost += (value - back) * (value - back);
                all += value * value;
                kept += back * back;
            }
        }
        CHECK(lost / all < before);
        CHECK(kept == doctest::Approx(all).epsilon(1e-5));
        before = lost / all / 2;
    }
    CHECK(before < 1e-4);
}

TEST_CASE("zeros have a code, and it is at distance zero from itself") {
    const LevelCode code(20, 4, CodeScale::unbiased);
    const std::vector<float> zeros(20);
    std::vector<std::uint8_t> row(code.row_bytes());
    code.encode(zeros.data(), row.data());
    Watch watch;
    Team team(1);
    float distance = -1;
    const CodeRows rows{row.data(), 1, row.size()};

    REQUIRE(scan_codes(code, Metric::l2, rows, rows, &distance, {team, watch}));

    CHECK(distance == 0);
    CHECK(code.factors_of(row.data()).scale == 0);
}
