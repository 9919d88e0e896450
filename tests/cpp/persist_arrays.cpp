// Graphs that come and go as arrays.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "base/watch.hpp"
#include "graph_grown.hpp"
#include "persist/arrays.hpp"
#include "persist/write.hpp"

namespace {

using namespace vicinal;

constexpr std::size_t kDim = 8, kRows = 300;

Space space() { return {Metric::l2, Dtype::f32, kDim}; }

GraphOptions options() {
    GraphOptions chosen;
    chosen.M = 4;
    chosen.ef_construction = 30;
    return chosen;
}

// Some of its vectors are there twice.
OwnedArrays arrays_of_a_graph() {
    std::vector<float> vectors = trial::drawn_whole<float>(kDim * kRows, 11, 0, 99);
    std::copy(vectors.begin(), vectors.begin() + 20 * kDim, vectors.end() - 20 * kDim);
    return arrays_of(trial::grown(space(), options(), vectors, 1));
}

GraphArrays lent(const OwnedArrays& arrays) {
    return {arrays.vectors, arrays.ids, arrays.gone, arrays.levels, arrays.links, arrays.upper_links, arrays.entry};
}

StoredIndex adopted(const OwnedArrays& arrays) {
    Watch nobody;
    return adopt(space(), options(), lent(arrays), "the arrays", nobody);
}

std::string refusal_of(const std::function<void(OwnedArrays&)>& damage) {
    OwnedArrays arrays = arrays_of_a_graph();
    damage(arrays);
    try {
        adopted(arrays);
    } catch (const CorruptIndexError& error) {
        return error.what();
    }
    return "";
}

bool says(const std::string& message, const std::string& what) { return message.find(what) != std::string::npos; }

}  // namespace

TEST_CASE("a graph that goes out as arrays comes back as it was") {
    const OwnedArrays arrays = arrays_of_a_graph();
    const StoredIndex back = adopted(arrays);
    CHECK(back.next_id == kRows);
    CHECK(back.graph.view.copies == 20);
    const OwnedArrays again = arrays_of(back.graph);
    CHECK(again.vectors == arrays.vectors);
    CHECK(again.ids == arrays.ids);
    CHECK(again.levels == arrays.levels);
    CHECK(again.links == arrays.links);
    CHECK(again.upper_links == arrays.upper_links);
    CHECK(again.entry == arrays.entry);

    Watch nobody;
    CHECK_FALSE(index_as_bytes(back.graph, back.next_id, nobody).empty());
}

TEST_CASE("rows that are gone are adopted as removed") {
    OwnedArrays arrays = arrays_of_a_graph();
    arrays.gone[3] = arrays.gone[200] = 1;
    const StoredIndex back = adopted(arrays);
    CHECK(back.graph.view.removed() == 2);
    CHECK_FALSE(back.graph.view.is_live(Slot{3}));
    CHECK(back.graph.view.holds(Slot{3}));
}

TEST_CASE("no rows are an empty graph") {
    const StoredIndex back = adopted({});
    CHECK(back.graph.view.empty());
    CHECK(back.next_id == 0);
}

TEST_CASE("arrays that are no sound graph are refused, and the first fault is named") {
    CHECK(says(refusal_of([](OwnedArrays& a) { a.vectors.pop_back(); }), "the number of bytes of vectors"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.gone.pop_back(); }), "the number of marks of removal"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.levels.pop_back(); }), "the number of levels"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.links.pop_back(); }), "the number of lanes of links on level 0"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.upper_links.pop_back(); }), "the number of lanes of upper links"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.levels[5] = 17; }), "the level of row 5"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.entry = kRows; }), "the entry"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.ids[7] = -1; }), "the id of row 7"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.ids[7] = 8; }), "id 8 stands for two live rows"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.links[9 * 8] = kRows; }), "a link of row 9"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.links[9 * 8 + 1] = a.links[9 * 8]; }), "has two links"));
    CHECK(says(refusal_of([](OwnedArrays& a) { a.links[9 * 8] = 9; }), "after the last link"));
    CHECK(says(refusal_of([](OwnedArrays& a) { std::fill_n(a.vectors.begin(), 4, std::byte{0xff}); }), "row 0"));
}
