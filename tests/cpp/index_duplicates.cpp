// Equal vectors that are nodes of their own, as other libraries keep them: counted as duplicates like ours.
#include <doctest/doctest.h>

#include <cstring>

#include "persist/arrays.hpp"
#include "persist_samples.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

Options small_kind() {
    Options options;
    options.dim = 3;
    options.M = 2;
    options.ef_construction = 20;
    return options;
}

// 40 nodes, of which these are equal to the first of them.
OwnedArrays with_equal(const std::vector<std::size_t>& rows) {
    OwnedArrays arrays = make_index(small_kind(), 40)->arrays();
    const std::size_t bytes = given_bytes(small_kind().dtype, small_kind().dim);
    for (const std::size_t row : rows)
        std::memcpy(&arrays.vectors[row * bytes], &arrays.vectors[rows.front() * bytes], bytes);
    return arrays;
}

std::unique_ptr<Index> adopted(const OwnedArrays& arrays) {
    Watch nobody;
    return Index::adopt(
        small_kind(),
        {arrays.vectors, arrays.ids, arrays.gone, arrays.levels, arrays.links, arrays.upper_links, arrays.entry},
        "the arrays", nobody);
}

std::size_t duplicates(const Index& index) {
    Watch nobody;
    return index.health(nobody).duplicates;
}

}  // namespace

TEST_CASE("nodes of the same bytes are one group of duplicates, with the copies that come to them later") {
    const OwnedArrays arrays = with_equal({2, 7, 21, 39});
    const auto index = adopted(arrays);
    CHECK(index->graph_shape().copies == 0);
    CHECK(duplicates(*index) == 1);
    const std::byte* twice = &arrays.vectors[2 * given_bytes(small_kind().dtype, small_kind().dim)];
    Watch nobody;

    index->add(twice, 1, {}, 1, nobody);

    CHECK(index->graph_shape().copies == 1);
    CHECK(duplicates(*index) == 1);
    std::vector<std::int64_t> ids(5), counts(1);
    std::vector<float> distances(5);
    index->search(twice, 1, {.k = 5, .exact = true}, {ids, distances, counts, {}}, nobody);
    CHECK(ids == std::vector<std::int64_t>{2, 7, 21, 39, 40});
}

TEST_CASE("of equal nodes that are removed but for one, that one is no duplicate") {
    const auto index = adopted(with_equal({2, 7, 21}));

    index->remove(std::vector<std::int64_t>{2, 21});

    CHECK(duplicates(*index) == 0);
}

TEST_CASE("a vector and its copies are one group, whoever of them is removed") {
    const auto index = make_index(small_kind(), 30);
    add(*index, 30, 7);  // the same again
    CHECK(duplicates(*index) == 30);

    index->remove(std::vector<std::int64_t>{0, 31});

    CHECK(duplicates(*index) == 28);
}
