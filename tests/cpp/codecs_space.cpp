// How vectors are stored and compared, against straightforward sums in double precision.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "codecs/space.hpp"
#include "codecs_stored.hpp"

namespace {

using namespace vicinal;
using trial::Bytes;
using trial::Stored;

struct Sums {
    double squares_of_a = 0, squares_of_b = 0, products = 0, squared_differences = 0, magnitudes = 0;
};

Sums sums_of(const std::vector<double>& a, const std::vector<double>& b) {
    Sums sums;
    for (std::size_t i = 0; i < a.size(); ++i) {
        sums.squares_of_a += a[i] * a[i];
        sums.squares_of_b += b[i] * b[i];
        sums.products += a[i] * b[i];
        sums.squared_differences += (a[i] - b[i]) * (a[i] - b[i]);
        sums.magnitudes += std::abs(a[i] * b[i]);
    }
    return sums;
}

double distance_by_definition(Metric metric, const Sums& sums) {
    switch (metric) {
        case Metric::l2:
        case Metric::hamming: return sums.squared_differences;
        case Metric::ip: return 1 - sums.products;
        case Metric::cosine: return 1 - sums.products / std::sqrt(sums.squares_of_a * sums.squares_of_b);
        case Metric::jaccard: {
            const double either = sums.squares_of_a + sums.squares_of_b - sums.products;
            return either == 0 ? 0 : 1 - sums.products / either;
        }
    }
    return 0;
}

// What rounding to float32 may cost, many times over; whole numbers are rounded once.
double tolerance(Metric metric, const Sums& sums) {
    constexpr double kRounding = 0x1p-20;
    switch (metric) {
        case Metric::l2: return kRounding * sums.squared_differences;
        case Metric::ip: return kRounding * (1 + sums.magnitudes);
        default: return kRounding;
    }
}

std::vector<std::size_t> dimensions(Dtype dtype) {
    if (dtype == Dtype::b1) return {8, 16, 24, 64, 72, 256, 1'000};
    return {1, 2, 3, 7, 8, 16, 31, 64, 100, 384, 785};
}

Bytes filled(std::size_t dim, float value) { return trial::as_bytes(std::vector<float>(dim, value)); }

// From a vector of small whole numbers to itself, to its double and so on.
std::vector<float> distances_from_multiples(Dtype dtype, std::size_t dim) {
    std::vector<std::uint8_t> vectors = trial::drawn_whole<std::uint8_t>(dim, dim, 1, 30);
    for (const int multiple : {2, 3, 4})
        for (std::size_t i = 0; i < dim; ++i) vectors.push_back(static_cast<std::uint8_t>(multiple * vectors[i]));
    const Bytes given = trial::as_bytes(vectors);
    return Stored(Space(Metric::cosine, dtype, dim), given).distances_from_given(given.data());
}

std::string fault_of(Metric metric, Dtype dtype, const Bytes& given) {
    const std::size_t dim = dtype == Dtype::b1 ? given.size() * 8 : given.size() / (is_floating(dtype) ? 4 : 1);
    return Space(metric, dtype, dim).fault(given.data());
}

}  // namespace

TEST_CASE("every metric of every type is what its definition says, from a query to rows") {
    for (const Metric metric : trial::all_metrics())
        for (const Dtype dtype : trial::all_dtypes()) {
            if (!go_together(metric, dtype)) continue;
            for (const std::size_t dim : dimensions(dtype)) {
                CAPTURE(name_of(metric));
                CAPTURE(name_of(dtype));
                CAPTURE(dim);
                const Space space(metric, dtype, dim);
                const Stored stored(space, trial::drawn_vectors(dtype, dim, 9, 100 + dim));
                const Bytes query = trial::drawn_vectors(dtype, dim, 1, 900 + dim);

                const std::vector<float> distances = stored.distances_from_given(query.data());

                const auto query_elements = trial::elements_of(dtype, dim, query.data());
                for (std::size_t i = 0; i < stored.n; ++i) {
                    const Sums sums = sums_of(query_elements, stored.elements(i));
                    const double expected = distance_by_definition(metric, sums);
                    CHECK(std::abs(static_cast<double>(distances[i]) - expected) <= tolerance(metric, sums));
                }
            }
        }
}

TEST_CASE("every metric of every type is what its definition says, from a row to rows") {
    for (const Metric metric : trial::all_metrics())
        for (const Dtype dtype : trial::all_dtypes()) {
            if (!go_together(metric, dtype)) continue;
            CAPTURE(name_of(metric));
            CAPTURE(name_of(dtype));
            const Space space(metric, dtype, 40);
            const Stored stored(space, trial::drawn_vectors(dtype, 40, 9, 3));
            std::vector<float> scratch;

            const Probe probe = space.probe_row(stored.row(4), stored.factor(4), scratch);
            const std::vector<float> distances = stored.distances(space.build_ruler(false, 0), probe);

            for (std::size_t i = 0; i < stored.n; ++i) {
                const Sums sums = sums_of(stored.elements(4), stored.elements(i));
                const double expected = distance_by_definition(metric, sums);
                CHECK(std::abs(static_cast<double>(distances[i]) - expected) <= tolerance(metric, sums));
            }
        }
}

TEST_CASE("what comes back is what was given, to the stored precision") {
    for (const Dtype dtype : trial::all_dtypes())
        for (const std::size_t dim : dimensions(dtype)) {
            CAPTURE(name_of(dtype));
            CAPTURE(dim);
            const Space space(dtype == Dtype::b1 ? Metric::hamming : Metric::l2, dtype, dim);
            const Bytes given = trial::drawn_vectors(dtype, dim, 5, dim);
            const Stored stored(space, given);

            for (std::size_t i = 0; i < stored.n; ++i) {
                const std::byte* const one = given.data() + i * space.given_row_bytes();
                const Bytes back = stored.decoded(i);
                if (dtype != Dtype::f16 && dtype != Dtype::bf16) {
                    CHECK(std::equal(back.begin(), back.end(), one));
                    continue;
                }
                const auto before = trial::elements_of(dtype, dim, one);
                const auto after = stored.elements(i);
                const double precision = dtype == Dtype::f16 ? 0x1p-11 : 0x1p-8;
                const double smallest = dtype == Dtype::f16 ? 0x1p-25 : 0;  // half of the least subnormal number
                for (std::size_t at = 0; at < dim; ++at)
                    CHECK(std::abs(after[at] - before[at]) <= precision * std::abs(before[at]) + smallest);
                // What has been rounded once stays as it is.
                const Stored again(space, back);
                CHECK(again.decoded(0) == back);
            }
        }
}

TEST_CASE("rows are whole cache lines, or a power of two below one, and hold their vector") {
    for (const Dtype dtype : trial::all_dtypes())
        for (std::size_t dim = 8; dim <= 1'024; dim += 8) {
            const Space space(dtype == Dtype::b1 ? Metric::hamming : Metric::l2, dtype, dim);
            const std::size_t stride = space.stride();

            REQUIRE(stride >= space.row_bytes());
            if (stride >= 64)
                REQUIRE(stride % 64 == 0);
            else
                REQUIRE((stride & (stride - 1)) == 0);
            REQUIRE(stride - space.row_bytes() < std::max<std::size_t>(64, space.row_bytes()));
        }
}

TEST_CASE("under cosine a vector of floats is at distance zero from itself and from its multiples") {
    for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16})
        for (std::size_t dim = 1; dim <= 200; ++dim) {
            CAPTURE(name_of(dtype));
            CAPTURE(dim);
            // Few digits, so that the multiples are whole in every type.
            std::vector<float> vectors = trial::drawn_whole<float>(dim, dim, 1, 9);
            for (const float multiple : {2.0F, 3.0F, 0.5F, 16.0F})
                for (std::size_t i = 0; i < dim; ++i) vectors.push_back(multiple * vectors[i]);
            const Bytes given = trial::as_bytes(vectors);
            const Stored stored(Space(Metric::cosine, dtype, dim), given);

            const std::vector<float> distances = stored.distances_from_given(given.data());

            for (const float distance : distances) {
                CHECK(distance >= 0);
                CHECK(distance < 1e-12F);
            }
        }
}

TEST_CASE("under cosine a vector of whole numbers is within float rounding of itself and of its multiples") {
    for (const Dtype dtype : {Dtype::i8, Dtype::u8})
        for (std::size_t dim = 1; dim <= 200; ++dim) {
            CAPTURE(name_of(dtype));
            CAPTURE(dim);

            for (const float distance : distances_from_multiples(dtype, dim)) {
                CHECK(distance >= 0);
                CHECK(distance < 2e-7F);
            }
        }
}

TEST_CASE("a lifted ruler measures half the squared distance between rows with one coordinate more") {
    for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::u8}) {
        CAPTURE(name_of(dtype));
        constexpr std::size_t kDim = 24;
        const Space space(Metric::ip, dtype, kDim);
        Stored stored(space, trial::drawn_vectors(dtype, kDim, 20, 12));
        double ceiling = 0;
        for (std::size_t i = 0; i < stored.n; ++i) ceiling = std::max(ceiling, space.squared_norm(stored.row(i)));
        ceiling *= 1.3;
        stored.lift(ceiling);

        for (std::size_t from = 0; from < stored.n; ++from) {
            std::vector<float> scratch;
            const Probe probe = space.probe_row(stored.row(from), stored.factor(from), scratch);
            const std::vector<float> distances = stored.distances(space.build_ruler(true, ceiling), probe);

            for (std::size_t to = 0; to < stored.n; ++to) {
                const Sums sums = sums_of(stored.elements(from), stored.elements(to));
                const double rise = std::sqrt(ceiling - sums.squares_of_a) - std::sqrt(ceiling - sums.squares_of_b);
                const double expected = (sums.squared_differences + rise * rise) / 2;
                CHECK(std::abs(static_cast<double>(distances[to]) - expected) <= 0x1p-20 * ceiling);
            }
        }
    }
}

TEST_CASE("a row longer than the ceiling lies at height zero") {
    const Space space(Metric::ip, Dtype::f32, 2);
    const Stored stored(space, trial::as_bytes(std::vector<float>{3, 4}));

    CHECK(space.squared_norm(stored.row(0)) == 25);
    CHECK(space.height(stored.row(0), 34) == 3);
    CHECK(space.height(stored.row(0), 25) == 0);
    CHECK(space.height(stored.row(0), 24) == 0);
}

TEST_CASE("usable vectors have no fault") {
    for (const Metric metric : trial::all_metrics())
        for (const Dtype dtype : trial::all_dtypes())
            if (go_together(metric, dtype))
                CHECK(fault_of(metric, dtype, trial::drawn_vectors(dtype, 40, 1, 8)).empty());
    CHECK(fault_of(Metric::l2, Dtype::f32, filled(9, 0)).empty());
    CHECK(fault_of(Metric::ip, Dtype::i8, Bytes(9)).empty());
    CHECK(fault_of(Metric::hamming, Dtype::b1, Bytes(9)).empty());
    CHECK(fault_of(Metric::l2, Dtype::f16, filled(9, -65'504)).empty());
    CHECK(fault_of(Metric::cosine, Dtype::f32, filled(9, std::numeric_limits<float>::max())).empty());
    for (const Metric metric : {Metric::l2, Metric::ip}) {
        CHECK(fault_of(metric, Dtype::f32, filled(9, 1.99e18F)).empty());
        CHECK(fault_of(metric, Dtype::f32, filled(9, 2.01e18F)) ==
              "is longer than 6e18, so that distances from it could leave float32");
    }
}

TEST_CASE("a number that is none is a fault wherever it stands") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float infinity = std::numeric_limits<float>::infinity();
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine})
        for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16})
            for (std::size_t at = 0; at < 37; ++at) {
                CAPTURE(at);
                std::vector<float> values(37, 1.0F);
                const auto fault = [&](float value) {
                    values[at] = value;
                    return fault_of(metric, dtype, trial::as_bytes(values));
                };
                CHECK(fault(nan) == "holds NaN");
                CHECK(fault(-nan) == "holds NaN");
                CHECK(fault(infinity) == "holds infinity, or a number beyond float32");
                CHECK(fault(-infinity) == "holds infinity, or a number beyond float32");
            }
}

TEST_CASE("a number that half precision cannot hold is a fault that names the number") {
    std::vector<float> values(9, 1.0F);
    values[7] = -70'000;

    CHECK(fault_of(Metric::l2, Dtype::f16, trial::as_bytes(values)) == "holds 70000.000000, beyond float16's 65504");
    CHECK(fault_of(Metric::l2, Dtype::bf16, trial::as_bytes(values)).empty());
}

TEST_CASE("a vector without direction is a fault under cosine") {
    for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16})
        for (const float value : {0.0F, -0.0F, 1e-42F})
            CHECK(fault_of(Metric::cosine, dtype, filled(9, value)) ==
                  "is all zeros (or too close to zero), which has no direction under cosine");
    for (const Dtype dtype : {Dtype::i8, Dtype::u8})
        CHECK(fault_of(Metric::cosine, dtype, Bytes(9)) == "is all zeros, which has no direction under cosine");

    Bytes nearly(9);
    nearly[8] = std::byte{1};
    CHECK(fault_of(Metric::cosine, Dtype::u8, nearly).empty());
}

TEST_CASE("a vector that half precision rounds to zero is a fault under cosine, and one that it does not is none") {
    constexpr const char* kWords = "is all zeros (or too close to zero), which has no direction under cosine";

    CHECK(fault_of(Metric::cosine, Dtype::f16, filled(9, 1e-9F)) == kWords);
    CHECK(fault_of(Metric::cosine, Dtype::f16, filled(9, 1e-6F)).empty());
    CHECK(fault_of(Metric::cosine, Dtype::bf16, filled(9, 1e-9F)).empty());
    CHECK(fault_of(Metric::l2, Dtype::f16, filled(9, 1e-9F)).empty());
}

TEST_CASE("a number that bfloat16 rounds to infinity is a fault, and the largest that it does not is none") {
    const float largest = std::bit_cast<float>(0x7f7f'7fffU);  // rounds down to the largest of bfloat16
    const float next = std::bit_cast<float>(0x7f7f'8000U);
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
        CHECK(fault_of(metric, Dtype::bf16, filled(9, next)) ==
              "holds a number beyond bfloat16, which ends at 3.3895e38");
        if (metric != Metric::cosine) continue;  // under which alone a vector may be as long as that
        CHECK(fault_of(metric, Dtype::bf16, filled(9, -largest)).empty());
        CHECK(fault_of(metric, Dtype::f32, filled(9, next)).empty());
    }
}
