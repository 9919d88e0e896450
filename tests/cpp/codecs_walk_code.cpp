// Codes against the vectors they stand for.
#include "codecs/walk_code.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "codecs_stored.hpp"

namespace {

using namespace vicinal;
using trial::Bytes;
using trial::Stored;

// The codes of vectors that a Space has stored.
class Coded {
public:
    Coded(const Stored& vectors, Traversal traversal)
        : code(vectors.space, traversal), codes_(vectors.n * code.stride()), factors_(vectors.n) {
        std::vector<float> scratch;
        for (std::size_t i = 0; i < vectors.n; ++i) {
            const Probe prepared = vectors.space.probe_row(vectors.row(i), vectors.factor(i), scratch);
            code.encode(static_cast<const float*>(prepared.data), codes_.data() + i * code.stride(), &factors_[i]);
        }
    }

    std::vector<float> distances(const Probe& probe) const {
        std::vector<std::uint32_t> slots(factors_.size());
        std::iota(slots.begin(), slots.end(), 0U);
        std::vector<float> distances(slots.size());
        code.ruler().measure(probe, {codes_.data(), code.stride(), code.length(), &factors_.data()->add}, slots.data(),
                             slots.size(), distances.data());
        return distances;
    }

    Probe of_row(std::size_t i) const { return code.probe_code(codes_.data() + i * code.stride(), factors_[i]); }

    const WalkCode code;

private:
    std::vector<std::byte> codes_;
    std::vector<CodeFactors> factors_;
};

// From one given vector to all stored ones, by their codes.
std::vector<float> coded_distances(const Stored& vectors, Traversal traversal, const std::byte* given) {
    const Coded coded(vectors, traversal);
    std::vector<float> prepared;
    std::vector<std::byte> scratch;
    const auto probe = coded.code.probe(vectors.space.probe_given(given, prepared), scratch);
    REQUIRE(probe);
    return coded.distances(*probe);
}

std::vector<float> of_length_one(std::vector<float> vectors, std::size_t dim) {
    for (std::size_t begin = 0; begin < vectors.size(); begin += dim) {
        double squares = 0;
        for (std::size_t i = begin; i < begin + dim; ++i) squares += static_cast<double>(vectors[i] * vectors[i]);
        for (std::size_t i = begin; i < begin + dim; ++i) vectors[i] /= static_cast<float>(std::sqrt(squares));
    }
    return vectors;
}

// Errors of coded distances from one vector to many, in units of the noise that is forecast for each.
std::vector<double> errors_in_noises(Traversal traversal, Metric metric, std::size_t dim, std::uint64_t seed) {
    constexpr std::size_t kRows = 400;
    const std::vector<float> drawn = of_length_one(trial::drawn_floats((kRows + 1) * dim, seed), dim);
    const Bytes all = trial::as_bytes(drawn);
    const Stored vectors(Space(metric, Dtype::f32, dim),
                         {all.begin() + static_cast<std::ptrdiff_t>(4 * dim), all.end()});

    const std::vector<float> exact = vectors.distances_from_given(all.data());
    const std::vector<float> coded = coded_distances(vectors, traversal, all.data());

    const WalkCode code(vectors.space, traversal);
    std::vector<double> errors(kRows);
    for (std::size_t i = 0; i < kRows; ++i) {
        const double forecast = static_cast<double>(code.noise(drawn.data(), exact[i]) * exact[i]);
        errors[i] = std::abs(static_cast<double>(coded[i]) - static_cast<double>(exact[i])) / forecast;
    }
    return errors;
}

double root_mean_square(const std::vector<double>& values) {
    return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0) /
                     static_cast<double>(values.size()));
}

bool is_integral(float value) {
    // Among enough others that a vectorized loop and its rest both meet it.
    for (const std::size_t place : {std::size_t{0}, std::size_t{17}, std::size_t{36}}) {
        std::vector<float> values(37, 255.0F);
        values[place] = value;
        if (!WalkCode::integral(values.data(), values.size())) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("traversals have names and other names have no traversal") {
    for (const Traversal traversal :
         {Traversal::automatic, Traversal::exact, Traversal::u8, Traversal::sq8, Traversal::sq4})
        CHECK(traversal_named(name_of(traversal)) == traversal);
    CHECK(traversal_named("edge") == std::nullopt);
    CHECK(traversal_named("") == std::nullopt);
}

TEST_CASE("codes serve floats, whole numbers do not stay whole under cosine, and exact serves all") {
    for (const Metric metric : trial::all_metrics())
        for (const Dtype dtype : trial::all_dtypes()) {
            if (!go_together(metric, dtype)) continue;
            INFO(std::string(name_of(metric)) << " " << std::string(name_of(dtype)));
            const Space space(metric, dtype, 64);
            CHECK(WalkCode::serves(space, Traversal::exact));
            CHECK(WalkCode::serves(space, Traversal::sq8) == is_floating(dtype));
            CHECK(WalkCode::serves(space, Traversal::sq4) == is_floating(dtype));
            CHECK(WalkCode::serves(space, Traversal::u8) == (is_floating(dtype) && metric != Metric::cosine));
        }
}

TEST_CASE("a code takes a byte a dimension or half of one and nothing when the walk is exact") {
    const Space space(Metric::l2, Dtype::f32, 100);

    CHECK_FALSE(WalkCode(space, Traversal::exact).on());
    CHECK(WalkCode(space, Traversal::exact).stride() == 0);
    CHECK(WalkCode(space, Traversal::exact).factor_bytes() == 0);
    CHECK(WalkCode(space, Traversal::u8).stride() == 128);
    CHECK(WalkCode(space, Traversal::u8).factor_bytes() == 0);
    CHECK(WalkCode(space, Traversal::u8).lossless());
    CHECK(WalkCode(space, Traversal::sq8).stride() == 128);
    CHECK(WalkCode(space, Traversal::sq8).factor_bytes() == 8);
    CHECK_FALSE(WalkCode(space, Traversal::sq8).lossless());
    CHECK(WalkCode(space, Traversal::sq4).stride() == 64);
    CHECK(WalkCode(space, Traversal::sq4).length() == 128);
    CHECK(WalkCode(space, Traversal::sq4).factor_bytes() == 8);
    CHECK_FALSE(WalkCode(space, Traversal::sq4).lossless());
}

TEST_CASE("whole numbers from 0 to 255 are integral and nothing else is") {
    for (const float value : {0.0F, -0.0F, 1.0F, 254.0F, 255.0F}) {
        INFO(value);
        CHECK(is_integral(value));
    }
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    for (const float value : {0.5F, 254.5F, 254.99998F, -1.0F, -0.5F, -1e-30F, 1e-30F, 256.0F, 255.5F, 1e30F, -1e30F,
                              kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
        INFO(value);
        CHECK_FALSE(is_integral(value));
    }
}

TEST_CASE("u8 distances equal exact ones bit for bit below 2 to the 24th") {
    for (const Metric metric : {Metric::l2, Metric::ip})
        for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16})
            for (const std::size_t dim : {1u, 7u, 33u, 64u, 128u, 258u}) {  // 258 * 255^2 < 2^24
                INFO(std::string(name_of(metric)) << " " << std::string(name_of(dtype)) << ", " << dim);
                std::vector<float> drawn(60 * dim);
                const auto whole = trial::drawn_whole<std::uint8_t>(drawn.size(), dim, 0, 255);
                std::copy(whole.begin(), whole.end(), drawn.begin());
                std::fill_n(drawn.begin(), dim, 0.0F);  // the farthest two
                std::fill_n(drawn.begin() + static_cast<std::ptrdiff_t>(dim), dim, 255.0F);
                const Bytes given = trial::as_bytes(drawn);
                const Stored vectors(Space(metric, dtype, dim), given);

                for (const std::size_t query : {0u, 1u, 2u, 59u}) {
                    const std::byte* asked = given.data() + query * 4 * dim;
                    CHECK(coded_distances(vectors, Traversal::u8, asked) == vectors.distances_from_given(asked));
                }
            }
}

TEST_CASE("distances by rounded codes stray from exact ones by the noise that is forecast") {
    for (const Traversal traversal : {Traversal::sq8, Traversal::sq4})
        for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine})
            for (const std::size_t dim : {33u, 64u, 128u, 384u, 1'000u}) {
                INFO(std::string(name_of(traversal)) << " " << std::string(name_of(metric)) << ", " << dim);

                const std::vector<double> errors = errors_in_noises(traversal, metric, dim, 5);

                CHECK(root_mean_square(errors) < 1.3);
                CHECK(*std::max_element(errors.begin(), errors.end()) < 5);
                // A forecast of much more is no forecast.
                if (metric != Metric::ip) CHECK(root_mean_square(errors) > 0.5);
            }
}

TEST_CASE("a vector's copy is at sq8 distance 0") {
    for (const Metric metric : {Metric::l2, Metric::cosine})
        for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16})
            for (const std::size_t dim : {1u, 5u, 64u, 384u, 4'096u}) {
                INFO(std::string(name_of(metric)) << " " << std::string(name_of(dtype)) << ", " << dim);
                const Stored vectors(Space(metric, dtype, dim), trial::drawn_vectors(dtype, dim, 8, 3));
                const Coded coded(vectors, Traversal::sq8);

                for (std::size_t i = 0; i < vectors.n; ++i) CHECK(coded.distances(coded.of_row(i))[i] == 0.0F);
            }
}

TEST_CASE("a row's own code asks as the vector it was made of does") {
    for (const Traversal traversal : {Traversal::u8, Traversal::sq8})
        for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
            if (traversal == Traversal::u8 && metric == Metric::cosine) continue;
            INFO(std::string(name_of(traversal)) << " " << std::string(name_of(metric)));
            constexpr std::size_t kDim = 70;
            std::vector<float> drawn(20 * kDim);
            const auto whole = trial::drawn_whole<std::uint8_t>(drawn.size(), 6, 0, 255);
            std::copy(whole.begin(), whole.end(), drawn.begin());
            const Bytes given = trial::as_bytes(drawn);
            const Stored vectors(Space(metric, Dtype::f32, kDim), given);
            const Coded coded(vectors, traversal);

            for (const std::size_t i : {0u, 7u, 19u})
                CHECK(coded.distances(coded.of_row(i)) ==
                      coded_distances(vectors, traversal, given.data() + i * 4 * kDim));
        }
}

TEST_CASE("a zero vector has a code and its distances are the lengths of the others") {
    constexpr std::size_t kDim = 48;
    const Stored vectors(Space(Metric::l2, Dtype::f32, kDim), trial::drawn_vectors(Dtype::f32, kDim, 20, 4));
    const Bytes zero(4 * kDim);

    const std::vector<float> exact = vectors.distances_from_given(zero.data());
    for (const Traversal traversal : {Traversal::sq8, Traversal::sq4}) {
        const std::vector<float> coded = coded_distances(vectors, traversal, zero.data());
        for (std::size_t i = 0; i < exact.size(); ++i) CHECK(coded[i] == doctest::Approx(exact[i]).epsilon(0.01));
    }
}

TEST_CASE("a query of other than whole numbers has no u8 code") {
    constexpr std::size_t kDim = 40;
    const WalkCode u8(Space(Metric::l2, Dtype::f32, kDim), Traversal::u8);
    std::vector<float> query(kDim, 200.0F);
    std::vector<std::byte> scratch;
    CHECK(u8.probe({query.data()}, scratch));

    for (const float value : {0.5F, -1.0F, 256.0F}) {
        query[kDim - 1] = value;
        CHECK_FALSE(u8.probe({query.data()}, scratch));
    }
    CHECK(WalkCode(Space(Metric::l2, Dtype::f32, kDim), Traversal::sq8).probe({query.data()}, scratch));
}

TEST_CASE("noise grows as vectors draw near and with a component that stands out") {
    constexpr std::size_t kDim = 64;
    const WalkCode code(Space(Metric::l2, Dtype::f32, kDim), Traversal::sq8);
    std::vector<float> values = trial::drawn_floats(kDim, 9);
    const float usual = code.noise(values.data(), 10);

    CHECK(code.noise(values.data(), 0.1F) == doctest::Approx(10 * usual));
    values[5] = 50;
    CHECK(code.noise(values.data(), 10) > 10 * usual);
}
