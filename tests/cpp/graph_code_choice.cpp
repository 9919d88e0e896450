// What an index chooses to walk on, through the door its users take.
#include "graph/code_choice.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "codecs_stored.hpp"
#include "index/index.hpp"

namespace {

using namespace vicinal;
using trial::Bytes;

constexpr std::size_t kDim = 40;                    // more than those few that are always walked exactly
constexpr std::size_t kFew = 1'000, kMany = 1'300;  // on either side of the first judgement

Options options_of(Metric metric, Dtype dtype, Traversal traversal = Traversal::automatic, std::size_t dim = kDim) {
    Options options;
    options.dim = dim;
    options.metric = metric;
    options.dtype = dtype;
    options.traversal = traversal;
    options.M = 8;
    options.ef_construction = 40;
    return options;
}

Bytes whole_numbers(std::size_t n, std::uint64_t seed, std::size_t dim = kDim) {
    const auto drawn = trial::drawn_whole<std::uint8_t>(n * dim, seed, 0, 255);
    return trial::as_bytes(std::vector<float>(drawn.begin(), drawn.end()));
}

Bytes floats(std::size_t n, std::uint64_t seed, float offset = 0, float scale = 1, std::size_t dim = kDim) {
    std::vector<float> drawn = trial::drawn_floats(n * dim, seed);
    for (float& value : drawn) value = offset + scale * value;
    return trial::as_bytes(drawn);
}

void add(Index& index, const Bytes& rows) {
    Watch watch;
    index.add(rows.data(), rows.size() / given_bytes(index.options().dtype, index.options().dim), {}, 1, watch);
}

std::unique_ptr<Index> index_of(const Options& options, const Bytes& rows) {
    auto index = std::make_unique<Index>(options);
    add(*index, rows);
    return index;
}

Traversal walked(const Options& options, const Bytes& rows) { return index_of(options, rows)->graph_shape().walked; }

struct Answers {
    std::vector<std::int64_t> ids;
    std::vector<float> distances;
    std::vector<std::int64_t> counts;
    friend bool operator==(const Answers&, const Answers&) = default;
};

Answers search(const Index& index, const Bytes& queries, bool exact = false) {
    constexpr std::size_t kNeighbors = 5;
    const std::size_t n = queries.size() / given_bytes(index.options().dtype, index.options().dim);
    Answers answers{std::vector<std::int64_t>(n * kNeighbors), std::vector<float>(n * kNeighbors),
                    std::vector<std::int64_t>(n)};
    SearchOptions asked;
    asked.k = kNeighbors;
    asked.ef = 150;
    asked.exact = exact;
    Watch watch;
    index.search(queries.data(), n, asked, {answers.ids, answers.distances, answers.counts, {}}, watch);
    return answers;
}

// The share of places at which the walk and a comparison with all vectors agree, id and distance.
double share_found(const Index& index, const Bytes& queries) {
    const Answers found = search(index, queries), exact = search(index, queries, true);
    std::size_t same = 0;
    for (std::size_t i = 0; i < found.ids.size(); ++i)
        same += found.ids[i] == exact.ids[i] && found.distances[i] == exact.distances[i];
    return static_cast<double>(same) / static_cast<double>(found.ids.size());
}

void check_comes_back(const Index& index, const Bytes& more) {
    Watch watch;
    const auto loaded = Index::from_bytes(index.to_bytes(), watch);

    CHECK(loaded->graph_shape().walked == index.graph_shape().walked);
    CHECK(loaded->to_bytes() == index.to_bytes());
    CHECK(search(*loaded, more) == search(index, more));
}

}  // namespace

TEST_CASE("below the first judgement the vectors themselves are walked") {
    const Options options = options_of(Metric::l2, Dtype::f32);

    CHECK(walked(options, whole_numbers(kFew, 1)) == Traversal::exact);
    CHECK(walked(options, floats(kFew, 1)) == Traversal::exact);
    CHECK(Index(options).graph_shape().walked == Traversal::exact);
}

TEST_CASE("whole numbers are walked as u8, under cosine as sq8") {
    for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16}) {
        INFO(std::string(name_of(dtype)));
        CHECK(walked(options_of(Metric::l2, dtype), whole_numbers(kMany, 1)) == Traversal::u8);
        CHECK(walked(options_of(Metric::ip, dtype), whole_numbers(kMany, 1)) == Traversal::u8);
        CHECK(walked(options_of(Metric::cosine, dtype), whole_numbers(kMany, 1)) == Traversal::sq8);
    }
}

TEST_CASE("ordinary floats are walked as sq8, in few dimensions exactly") {
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
        INFO(std::string(name_of(metric)));
        CHECK(walked(options_of(metric, Dtype::f32), floats(kMany, 1)) == Traversal::sq8);
        CHECK(walked(options_of(metric, Dtype::f32, Traversal::automatic, 33), floats(kMany, 1, 0, 1, 33)) ==
              Traversal::sq8);
        CHECK(walked(options_of(metric, Dtype::f32, Traversal::automatic, 32), floats(kMany, 1, 0, 1, 32)) ==
              Traversal::exact);
    }
}

TEST_CASE("vectors that rounding would blur are walked exactly") {
    CHECK(walked(options_of(Metric::l2, Dtype::f32), floats(kMany, 1, 100)) == Traversal::exact);
    CHECK(walked(options_of(Metric::cosine, Dtype::f32), floats(kMany, 1, 100)) == Traversal::exact);
}

TEST_CASE("vectors stored as integers are their own codes") {
    CHECK(walked(options_of(Metric::l2, Dtype::u8), trial::drawn_vectors(Dtype::u8, kDim, kMany, 1)) ==
          Traversal::exact);
    CHECK(walked(options_of(Metric::ip, Dtype::i8), trial::drawn_vectors(Dtype::i8, kDim, kMany, 1)) ==
          Traversal::exact);
    CHECK(walked(options_of(Metric::hamming, Dtype::b1), trial::drawn_vectors(Dtype::b1, kDim, kMany, 1)) ==
          Traversal::exact);
}

TEST_CASE("the choice is made anew when the graph has doubled") {
    Index index(options_of(Metric::l2, Dtype::f32));
    add(index, floats(kMany, 1, 100));
    REQUIRE(index.graph_shape().walked == Traversal::exact);

    add(index, floats(3 * kMany, 2));

    CHECK(index.graph_shape().walked == Traversal::sq8);
    CHECK(share_found(index, floats(50, 3)) > 0.9);
}

TEST_CASE("a walk on u8 is the exact walk: the same answers from the same graph") {
    const Bytes rows = whole_numbers(2 * kMany, 1);
    for (const Metric metric : {Metric::l2, Metric::ip}) {
        INFO(std::string(name_of(metric)));
        const auto coded = index_of(options_of(metric, Dtype::f32), rows);
        const auto exact = index_of(options_of(metric, Dtype::f32, Traversal::exact), rows);
        REQUIRE(coded->graph_shape().walked == Traversal::u8);

        CHECK(search(*coded, whole_numbers(100, 2)) == search(*exact, whole_numbers(100, 2)));
        CHECK(search(*coded, floats(100, 3, 128, 60)) == search(*exact, floats(100, 3, 128, 60)));
    }
}

TEST_CASE("a fraction after whole numbers ends the walk on u8 and answers stay right") {
    // Spread as widely as the whole numbers: rounding to 8 bits does not blur them.
    for (const float scale : {60.0F, 0.01F}) {
        INFO(scale);
        Index index(options_of(Metric::l2, Dtype::f32));
        add(index, whole_numbers(kMany, 1));
        REQUIRE(index.graph_shape().walked == Traversal::u8);

        const Bytes fractions = floats(1, 2, 128, scale);
        add(index, fractions);

        CHECK(index.graph_shape().walked == Traversal::sq8);
        const Answers found = search(index, fractions);
        CHECK(found.ids[0] == static_cast<std::int64_t>(kMany));
        CHECK(found.distances[0] == 0.0F);
        CHECK(share_found(index, whole_numbers(50, 3)) > 0.95);
        CHECK(share_found(index, floats(50, 4, 128, 60)) > 0.95);
    }
}

TEST_CASE("a fraction after whole numbers that rounding would blur is walked exactly") {
    // 200 and a little: whole numbers, but so near each other that a step of 200 / 127 covers them.
    std::vector<float> near(kMany * kDim);
    const auto small = trial::drawn_whole<std::uint8_t>(near.size(), 1, 200, 201);
    std::copy(small.begin(), small.end(), near.begin());
    Index index(options_of(Metric::l2, Dtype::f32));
    add(index, trial::as_bytes(near));
    REQUIRE(index.graph_shape().walked == Traversal::u8);

    add(index, floats(1, 2, 200, 0.5F));

    CHECK(index.graph_shape().walked == Traversal::exact);
    CHECK(share_found(index, floats(50, 3, 200, 0.5F)) > 0.9);
}

TEST_CASE("u8 that was asked for refuses fractions before anything changes") {
    Index index(options_of(Metric::l2, Dtype::f32, Traversal::u8));
    add(index, whole_numbers(50, 1));
    const Bytes before = index.to_bytes();
    Bytes mixed = whole_numbers(20, 2);
    const Bytes fraction = floats(1, 3);
    std::copy(fraction.begin(), fraction.end(), mixed.begin() + 17 * 4 * kDim);

    CHECK_THROWS_WITH_AS(add(index, mixed),
                         "vectors row 17 holds other than whole numbers from 0 to 255, which traversal u8 walks on",
                         InvalidVectorError);

    CHECK(index.to_bytes() == before);
    add(index, whole_numbers(20, 2));
    CHECK(index.size() == 70);
}

TEST_CASE("what was asked for is walked from the first vector on") {
    CHECK(walked(options_of(Metric::l2, Dtype::f32, Traversal::u8), whole_numbers(3, 1)) == Traversal::u8);
    CHECK(walked(options_of(Metric::l2, Dtype::f32, Traversal::sq8), floats(3, 1)) == Traversal::sq8);
    CHECK(walked(options_of(Metric::l2, Dtype::f32, Traversal::sq4), floats(3, 1)) == Traversal::sq4);
    CHECK(walked(options_of(Metric::l2, Dtype::f32, Traversal::sq8), floats(kMany, 1, 100)) == Traversal::sq8);
    CHECK(walked(options_of(Metric::l2, Dtype::f32, Traversal::exact), whole_numbers(kMany, 1)) == Traversal::exact);
}

TEST_CASE("a loaded index has the same bytes and walks on the same") {
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine})
        for (const Bytes& rows : {whole_numbers(kMany, 1), floats(kMany, 1), floats(kMany, 1, 100), floats(kFew, 1)})
            check_comes_back(*index_of(options_of(metric, Dtype::f32), rows), floats(30, 5, 50, 50));
}

TEST_CASE("a loaded index chooses anew when the one that was saved would have") {
    for (const std::size_t n : {kFew, kMany}) {
        const auto index = index_of(options_of(Metric::l2, Dtype::f32), floats(n, 1, 100));
        Watch watch;
        const auto loaded = Index::from_bytes(index->to_bytes(), watch);

        for (std::uint64_t step = 0; step < 8; ++step) {
            INFO(n << " vectors, step " << step);
            add(*index, floats(500, 10 + step));
            add(*loaded, floats(500, 10 + step));
            CHECK(loaded->graph_shape().walked == index->graph_shape().walked);
            REQUIRE(loaded->to_bytes() == index->to_bytes());
        }
        CHECK(index->graph_shape().walked == Traversal::sq8);
    }
}

TEST_CASE("many dimensions are walked as sq4, above codes of u8 or sq8") {
    constexpr std::size_t kMuch = 192;
    const auto options = [](Metric metric) { return options_of(metric, Dtype::f32, Traversal::automatic, kMuch); };
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
        INFO(std::string(name_of(metric)));
        CHECK(walked(options(metric), floats(kMany, 1, 0, 1, kMuch)) == Traversal::sq4);
        CHECK(walked(options(metric), whole_numbers(kMany, 1, kMuch)) == Traversal::sq4);
        CHECK(walked(options_of(metric, Dtype::f32, Traversal::automatic, kMuch - 1),
                     floats(kMany, 1, 0, 1, kMuch - 1)) == Traversal::sq8);
    }
    CHECK(walked(options(Metric::l2), floats(kFew, 1, 0, 1, kMuch)) == Traversal::exact);
    // Four bits blur these, eight do not.
    CHECK(walked(options(Metric::l2), floats(kMany, 1, 3, 1, kMuch)) == Traversal::sq8);
}

TEST_CASE("an index that walks on sq4 finds what a comparison with all vectors finds and comes back from a file") {
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine})
        for (const bool whole : {true, false}) {
            INFO(std::string(name_of(metric)) << ", whole numbers: " << whole);
            const Bytes rows = whole ? whole_numbers(kMany, 1) : floats(kMany, 1, 128, 75);
            const auto index = index_of(options_of(metric, Dtype::f32, Traversal::sq4), rows);
            REQUIRE(index->graph_shape().walked == Traversal::sq4);

            CHECK(share_found(*index, whole_numbers(50, 3)) > 0.95);
            CHECK(share_found(*index, floats(50, 4, 128, 75)) > 0.95);
            check_comes_back(*index, floats(30, 5, 50, 50));
        }
}

TEST_CASE("a fraction after whole numbers leaves a walk on sq4 what it is") {
    Index index(options_of(Metric::l2, Dtype::f32, Traversal::sq4));
    add(index, whole_numbers(kMany, 1));
    const std::size_t codes = index.memory().codes;

    const Bytes fractions = floats(1, 2, 128, 60);
    add(index, fractions);

    CHECK(index.graph_shape().walked == Traversal::sq4);
    CHECK(index.memory().codes > codes + 8 * kMany);  // sq8 has two factors a row, u8 has none
    const Answers found = search(index, fractions);
    CHECK(found.ids[0] == static_cast<std::int64_t>(kMany));
    CHECK(found.distances[0] == 0.0F);
}

TEST_CASE("a forecast takes floats for sq4 or sq8, and few dimensions and integers as they are") {
    const auto likely = [](Dtype dtype, std::size_t dim, Traversal asked = Traversal::automatic) {
        return likely_choice(Space(Metric::l2, dtype, dim), asked);
    };
    CHECK(likely(Dtype::f32, 192) == CodeChoice{Traversal::sq8, Traversal::sq4});
    CHECK(likely(Dtype::f32, 33) == CodeChoice{Traversal::sq8, Traversal::exact});
    CHECK(likely(Dtype::f32, 32) == CodeChoice{});
    CHECK(likely(Dtype::f32, 32, Traversal::sq8) == CodeChoice{Traversal::sq8, Traversal::exact});
    CHECK(likely(Dtype::f32, 32, Traversal::sq4) == CodeChoice{Traversal::sq8, Traversal::sq4});
    CHECK(likely(Dtype::u8, 768) == CodeChoice{});
}
