// What an index refuses, in which words, and that nothing changes then.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;
using trial::add;
using trial::ask;

constexpr std::size_t kDim = 3;

// An index of 20 vectors, and a proof that nothing has changed in it.
class Unchanged {
public:
    explicit Unchanged(Metric metric = Metric::l2, Dtype dtype = Dtype::f32)
        : index(trial::options_with(kDim, metric, dtype)) {
        if (is_floating(dtype))
            add(index, trial::drawn_whole<float>(20 * kDim, 1, 1, 9));
        else
            add(index, trial::drawn_whole<std::uint8_t>(20 * kDim, 1, 1, 9));
        before_ = trial::digest(index);
    }
    ~Unchanged() {
        CHECK(trial::digest(index) == before_);
        CHECK(index.size() == 20);
    }
    Unchanged(const Unchanged&) = delete;
    Unchanged& operator=(const Unchanged&) = delete;

    Index index;

private:
    std::vector<std::byte> before_;
};

std::vector<float> rows_with(std::size_t n, std::size_t row, float value) {
    std::vector<float> vectors(n * kDim, 1.0F);
    vectors[row * kDim + 1] = value;
    return vectors;
}

void refuse(const Options& options, const char* words) {
    CHECK_THROWS_WITH_AS(Index{options}, words, InvalidArgumentError);
    CHECK_THROWS_WITH_AS(plan_memory(options, 10), words, InvalidArgumentError);
}

}  // namespace

TEST_CASE("settings out of range are refused with the value and the range") {
    Options options = trial::options_with(kDim);

    SUBCASE("dim of none") {
        options.dim = 0;
        refuse(options, "dim is 0, expected 1 to 65536");
    }
    SUBCASE("dim too large") {
        options.dim = 65'537;
        refuse(options, "dim is 65537, expected 1 to 65536");
    }
    SUBCASE("M too small") {
        options.M = 1;
        refuse(options, "M is 1, expected 2 to 4096");
    }
    SUBCASE("M too large") {
        options.M = 4'097;
        refuse(options, "M is 4097, expected 2 to 4096");
    }
    SUBCASE("ef_construction of none") {
        options.ef_construction = 0;
        refuse(options, "ef_construction is 0, expected 1 to 1000000");
    }
    SUBCASE("ef_construction too large") {
        options.ef_construction = 1'000'001;
        refuse(options, "ef_construction is 1000001, expected 1 to 1000000");
    }
    SUBCASE("bits that do not fill bytes") {
        options.dtype = Dtype::b1;
        options.metric = Metric::hamming;
        options.dim = 12;
        refuse(options, "dim is 12, expected a multiple of 8 for packed bits");
    }
}

TEST_CASE("a metric that does not go with the type is refused, and every other pair is taken") {
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine, Metric::hamming, Metric::jaccard})
        for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::u8, Dtype::b1}) {
            const bool of_bits = metric == Metric::hamming || metric == Metric::jaccard;
            const Options options = trial::options_with(16, metric, dtype);
            if (of_bits == (dtype == Dtype::b1)) {
                CHECK_NOTHROW(Index{options});
                continue;
            }
            const std::string words = "metric " + std::string(name_of(metric)) + " does not go with dtype " +
                                      std::string(name_of(dtype)) +
                                      ": l2, ip and cosine take f32, f16, bf16, i8 and u8; hamming and jaccard take b1";
            refuse(options, words.c_str());
        }
}

TEST_CASE("the smallest and the largest settings work") {
    Options options = trial::options_with(1);
    options.M = 2;
    options.ef_construction = 1;
    const auto index = trial::index_of_vectors(options, trial::drawn_floats(300, 1));
    CHECK(ask(*index, std::vector<float>{0}, {.k = 5}).counts.front() == 5);

    Options largest = trial::options_with(65'536, Metric::l2, Dtype::u8);
    largest.M = 4'096;
    largest.ef_construction = 1'000'000;
    const auto large = trial::index_of_vectors(largest, trial::drawn_whole<std::uint8_t>(4 * 65'536, 2, 0, 255));
    CHECK(ask(*large, std::vector<std::uint8_t>(65'536), {.k = 2}).counts.front() == 2);
}

TEST_CASE("a search out of range is refused with the value and the range") {
    const Unchanged unchanged;
    const std::vector<float> query(kDim, 1.0F);
    const auto refused = [&](const SearchOptions& options, const char* words) {
        CHECK_THROWS_WITH_AS(ask(unchanged.index, query, options), words, InvalidArgumentError);
    };

    refused({.k = 0}, "k is 0, expected 1 to 10000");
    refused({.k = 10'001}, "k is 10001, expected 1 to 10000");
    refused({.k = 1, .ef = 1'000'001}, "ef is 1000001, expected 1 to 1000000");
    refused({.k = 1, .threads = 1'025}, "threads is 1025, expected 0 (all) to 1024");
    CHECK(ask(unchanged.index, query, {.k = 10'000}).counts.front() == 20);
    CHECK(ask(unchanged.index, query, {.k = 1, .ef = 1'000'000}).counts.front() == 1);
}

TEST_CASE("more neighbors than ten thousand may be asked of an index that has them") {
    const auto index = trial::index_of_vectors(trial::options_with(1, Metric::l2, Dtype::u8),
                                               trial::drawn_whole<std::uint8_t>(10'200, 3, 0, 255));
    const std::vector<std::uint8_t> query{7};

    CHECK(ask(*index, query, {.k = 10'200, .exact = true}).counts.front() == 10'200);
    CHECK_THROWS_WITH_AS(ask(*index, query, {.k = 10'201}), "k is 10201, expected 1 to 10200", InvalidArgumentError);
}

TEST_CASE("adding with too many threads is refused") {
    Unchanged unchanged;

    CHECK_THROWS_WITH_AS(add(unchanged.index, rows_with(1, 0, 2), {}, 1'025),
                         "threads is 1025, expected 0 (all) to 1024", InvalidArgumentError);
}

TEST_CASE("an id that is in the index already, or twice in the batch, is refused before anything changes") {
    Unchanged unchanged;
    const std::vector<float> three(3 * kDim, 1.0F);

    CHECK_THROWS_WITH_AS(add(unchanged.index, three, {50, 19, 51}), "id 19 is in the index already", DuplicateIdError);
    CHECK_THROWS_WITH_AS(add(unchanged.index, three, {50, 51, 50}), "id 50 is given twice in one batch",
                         DuplicateIdError);
}

TEST_CASE("negative ids and a wrong number of ids are refused") {
    Unchanged unchanged;
    const std::vector<float> three(3 * kDim, 1.0F);

    CHECK_THROWS_WITH_AS(add(unchanged.index, three, {50, 51, -1}), "ids[2] is -1, expected 0 or more",
                         InvalidArgumentError);
    CHECK_THROWS_WITH_AS(add(unchanged.index, three, {50, 51}), "ids has 2 entries, expected one for each of 3 vectors",
                         InvalidArgumentError);
}

TEST_CASE("a wrong vector is named by its row, the first one whatever the threads, and nothing is added") {
    Unchanged unchanged;
    for (const std::size_t threads : {1U, 2U, 5U})
        for (const std::size_t row : {0U, 1U, 255U, 256U, 600U, 2'999U}) {
            CAPTURE(threads);
            CAPTURE(row);
            std::vector<float> vectors = rows_with(3'000, row, std::numeric_limits<float>::quiet_NaN());
            for (std::size_t later = row + 1; later < 3'000; later += 7)
                vectors[later * kDim] = std::numeric_limits<float>::infinity();

            const std::string words = "vectors row " + std::to_string(row) + " holds NaN";
            CHECK_THROWS_WITH_AS(add(unchanged.index, vectors, {}, threads), words.c_str(), InvalidVectorError);
        }
}

TEST_CASE("every fault of a vector is named, in add and in search") {
    const auto refused = [](Metric metric, Dtype dtype, const std::vector<float>& vectors, const std::string& words) {
        Unchanged unchanged(metric, dtype);
        CHECK_THROWS_WITH_AS(add(unchanged.index, vectors), ("vectors " + words).c_str(), InvalidVectorError);
        CHECK_THROWS_WITH_AS(ask(unchanged.index, vectors), ("queries " + words).c_str(), InvalidVectorError);
        CHECK_THROWS_WITH_AS(ask(unchanged.index, vectors, {.exact = true}), ("queries " + words).c_str(),
                             InvalidVectorError);
    };
    const float infinity = std::numeric_limits<float>::infinity();

    refused(Metric::l2, Dtype::f32, rows_with(5, 3, std::numeric_limits<float>::quiet_NaN()), "row 3 holds NaN");
    refused(Metric::ip, Dtype::bf16, rows_with(5, 4, -infinity), "row 4 holds infinity, or a number beyond float32");
    refused(Metric::l2, Dtype::f16, rows_with(2, 1, 65'505), "row 1 holds 65505.000000, beyond float16's 65504");
    std::vector<float> with_zeros(4 * kDim, 1.0F);
    for (std::size_t i = 0; i < kDim; ++i) with_zeros[2 * kDim + i] = 0;
    refused(Metric::cosine, Dtype::f32, with_zeros,
            "row 2 is all zeros (or too close to zero), which has no direction under cosine");
}

TEST_CASE("whole numbers without direction are refused under cosine") {
    Unchanged unchanged(Metric::cosine, Dtype::u8);
    const std::vector<std::uint8_t> zeros(kDim);

    CHECK_THROWS_WITH_AS(add(unchanged.index, zeros), "vectors row 0 is all zeros, which has no direction under cosine",
                         InvalidVectorError);
    CHECK_THROWS_WITH_AS(ask(unchanged.index, zeros), "queries row 0 is all zeros, which has no direction under cosine",
                         InvalidVectorError);
}

TEST_CASE("an empty batch changes nothing") {
    Unchanged unchanged;

    const Added added = add(unchanged.index, std::vector<float>{});

    CHECK(added.complete);
    CHECK(added.ids.empty());
}
