// Graphs of other libraries are lived in: adopted through the public door, then changed, kept and mapped.
#include <unistd.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "base/random.hpp"
#include "index_asked.hpp"
#include "persist/arrays.hpp"

namespace {

using namespace vicinal;
using trial::ask;
using Ids = std::vector<std::int64_t>;

constexpr std::size_t kDim = 16, kRows = 240;

// Vectors of whole numbers, which every type holds; the last of them are there before already.
std::vector<std::byte> vectors_of(const Options& options, std::uint64_t seed) {
    const std::size_t bytes = given_bytes(options.dtype, options.dim);
    std::vector<std::byte> rows(kRows * bytes);
    const auto whole = trial::drawn_whole<std::uint8_t>(kRows * options.dim, seed, 1, 100);
    for (std::size_t i = 0; i < whole.size() && options.dtype != Dtype::b1; ++i) {
        const auto value = static_cast<float>(whole[i]);
        if (is_floating(options.dtype))
            std::memcpy(rows.data() + i * sizeof(float), &value, sizeof(float));
        else
            rows[i] = static_cast<std::byte>(whole[i]);
    }
    if (options.dtype == Dtype::b1)
        for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::byte>(draw(seed, i));
    const std::size_t twice = kRows / 8 * bytes;
    std::memcpy(rows.data() + rows.size() - twice, rows.data(), twice);
    return rows;
}

// A graph no builder of ours would make: each node of a level has links drawn at random to others of it, from none to
// as many as there is room for, few of them back; equal vectors are nodes of their own; a tenth is removed.
OwnedArrays foreign(const Options& options, std::uint64_t seed) {
    OwnedArrays arrays;
    arrays.vectors = vectors_of(options, seed);
    arrays.ids = trial::counting(5, kRows, 3);
    arrays.gone.resize(kRows);
    arrays.levels.resize(kRows);
    std::array<std::vector<std::uint32_t>, 4> of_level;
    for (std::uint32_t slot = 0; slot < kRows; ++slot) {
        arrays.gone[slot] = trial::drawn(seed + 1, slot) < 0.1 ? 1 : 0;
        std::int8_t level = 0;
        while (level < 3 && trial::drawn(seed + 2, 4 * slot + static_cast<std::uint64_t>(level)) < 0.25) ++level;
        arrays.levels[slot] = level;
        for (std::int8_t under = 0; under <= level; ++under) of_level[static_cast<std::size_t>(under)].push_back(slot);
    }
    arrays.entry = static_cast<std::uint32_t>(std::max_element(arrays.levels.begin(), arrays.levels.end()) -
                                              arrays.levels.begin());
    std::uint64_t drawn = 0;
    const auto append = [&](std::vector<std::uint32_t>& lanes, std::uint32_t slot, std::size_t level,
                            std::size_t width) {
        const auto& others = of_level[level];
        std::set<std::uint32_t> links;
        for (std::size_t tries = draw(seed + 3, ++drawn) % (2 * width + 1); tries > 0; --tries) {
            const std::uint32_t to = others[draw(seed + 4, ++drawn) % others.size()];
            if (to != slot && links.size() < width) links.insert(to);
        }
        lanes.insert(lanes.end(), links.begin(), links.end());
        lanes.resize(lanes.size() + width - links.size(), slot);
    };
    for (std::uint32_t slot = 0; slot < kRows; ++slot) append(arrays.links, slot, 0, 2 * options.M);
    for (std::uint32_t slot = 0; slot < kRows; ++slot)
        for (std::int8_t level = 1; level <= arrays.levels[slot]; ++level)
            append(arrays.upper_links, slot, static_cast<std::size_t>(level), options.M);
    return arrays;
}

std::unique_ptr<Index> adopted(const Options& options, const OwnedArrays& arrays) {
    Watch nobody;
    return Index::adopt(
        options,
        {arrays.vectors, arrays.ids, arrays.gone, arrays.levels, arrays.links, arrays.upper_links, arrays.entry},
        "the arrays", nobody);
}

Batch some_of(const Options& options, const std::vector<std::byte>& rows, const Ids& ids, std::size_t first = 0) {
    return {rows.data() + first * given_bytes(options.dtype, options.dim), ids.size(), ids};
}

std::size_t unreachable(const Index& index) {
    Watch nobody;
    return index.health(nobody).unreachable;
}

// The nearest of each of these rows, by a beam just too narrow to become a scan, are as near as comparing finds them:
// most of them, since links drawn at random lead nowhere in particular.
void check_answers(const Index& index, const std::vector<std::byte>& rows) {
    const auto walked = ask(index, rows, {.k = 3, .ef = index.size() / 2 - 1});
    const auto compared = ask(index, rows, {.k = 3, .exact = true});
    std::size_t same = 0;
    for (std::size_t i = 0; i < walked.distances.size(); ++i)
        same += walked.distances[i] == compared.distances[i] ? 1U : 0U;
    CHECK(static_cast<double>(same) >= 0.7 * static_cast<double>(walked.distances.size()));
}

// The same bytes after they have been out.
void check_kept(const Index& index) {
    Watch nobody;
    const std::vector<std::byte> bytes = index.to_bytes();
    CHECK(Index::from_bytes(bytes, nobody)->to_bytes() == bytes);
}

std::string folder() {
    const auto path = std::filesystem::temp_directory_path() / ("vicinal-adopt-" + std::to_string(::getpid()));
    std::filesystem::create_directories(path);
    return path.string();
}

struct Kind {
    Metric metric;
    Dtype dtype;
    std::size_t M;
};

constexpr std::array<Kind, 9> kKinds{{{Metric::l2, Dtype::f32, 2},
                                      {Metric::l2, Dtype::f32, 5},
                                      {Metric::ip, Dtype::f32, 7},
                                      {Metric::cosine, Dtype::f32, 3},
                                      {Metric::l2, Dtype::f16, 4},
                                      {Metric::cosine, Dtype::bf16, 4},
                                      {Metric::ip, Dtype::u8, 4},
                                      {Metric::l2, Dtype::i8, 16},
                                      {Metric::hamming, Dtype::b1, 9}}};

Options options_of(const Kind& kind) {
    Options options = trial::options_with(kind.dtype == Dtype::b1 ? 64 : kDim, kind.metric, kind.dtype);
    options.M = kind.M;
    options.ef_construction = 20;
    return options;
}

}  // namespace

TEST_CASE("whatever graph is adopted, once it is repaired and compacted everything in it is found") {
    for (const Kind& kind : kKinds) {
        const Options options = options_of(kind);
        const std::uint64_t seed = 100 * kind.M;
        INFO("metric " << static_cast<int>(kind.metric) << ", type " << static_cast<int>(kind.dtype) << ", M "
                       << kind.M);
        const OwnedArrays arrays = foreign(options, seed);
        const auto index = adopted(options, arrays);
        check_kept(*index);
        const std::size_t live =
            kRows - static_cast<std::size_t>(std::accumulate(arrays.gone.begin(), arrays.gone.end(), 0));
        CHECK(index->size() == live);

        Watch nobody;
        index->compact(1, nobody);
        index->repair(nobody);
        CHECK(index->size() == live);
        CHECK(index->graph_shape().removed == 0);
        CHECK(unreachable(*index) == 0);
        check_answers(*index, arrays.vectors);
        check_kept(*index);
        index->optimize(1, nobody);
        CHECK(unreachable(*index) == 0);
        check_answers(*index, arrays.vectors);
    }
}

TEST_CASE("an adopted graph takes additions, updates, upserts and removals down to nothing, and begins again") {
    for (const Kind& kind : kKinds) {
        const Options options = options_of(kind);
        const std::uint64_t seed = 100 * kind.M + 7;
        INFO("metric " << static_cast<int>(kind.metric) << ", type " << static_cast<int>(kind.dtype) << ", M "
                       << kind.M);
        const OwnedArrays arrays = foreign(options, seed);
        const auto index = adopted(options, arrays);
        const std::vector<std::byte> others = vectors_of(options, seed + 50);
        Watch nobody;

        CHECK(index->next_id() == 5 + 3 * static_cast<std::int64_t>(kRows - 1) + 1);
        index->add(some_of(options, arrays.vectors, trial::counting(10'000, 60)), 2, nobody);  // equal to nodes
        Ids present = index->ids();
        present.resize(80);
        index->update(some_of(options, others, present), 2, nobody);
        index->upsert(some_of(options, others, trial::counting(9'980, 60), 100), 1, nobody);
        check_kept(*index);
        index->repair(nobody);
        check_answers(*index, others);

        Ids all = index->ids();
        for (std::size_t i = all.size(); i-- > 1;) std::swap(all[i], all[draw(seed, i) % (i + 1)]);
        while (all.size() > 20) {
            const Ids some(all.end() - 20, all.end());
            all.resize(all.size() - 20);
            index->remove(some);
            CHECK(index->size() == all.size());
        }
        index->repair(nobody);
        CHECK(unreachable(*index) == 0);
        check_answers(*index, others);
        index->remove(all);
        CHECK(index->graph_shape().removed == 0);
        index->add(some_of(options, others, trial::counting(0, kRows)), 1, nobody);
        CHECK(unreachable(*index) == 0);
        check_answers(*index, others);
        check_kept(*index);
    }
}

TEST_CASE("where the entry, or every node, is gone, an adopted graph is walked and written to all the same") {
    for (const bool all : {false, true}) {
        const Options options = options_of(kKinds[1]);
        OwnedArrays arrays = foreign(options, 31);
        for (std::uint32_t slot = 0; slot < kRows; ++slot)
            arrays.gone[slot] = all || slot == arrays.entry ? 1 : arrays.gone[slot];
        const auto index = adopted(options, arrays);
        const auto found = ask(*index, arrays.vectors, {.k = 2, .ef = 30});
        const auto none = std::count(found.counts.begin(), found.counts.end(), 0);
        CHECK(none == (all ? static_cast<std::ptrdiff_t>(kRows) : 0));
        check_kept(*index);

        Watch nobody;
        index->add(some_of(options, arrays.vectors, trial::counting(2'000, 100)), 1, nobody);
        index->compact(1, nobody);
        index->repair(nobody);
        CHECK(index->graph_shape().removed == 0);
        CHECK(unreachable(*index) == 0);
        check_answers(*index, arrays.vectors);
    }
}

TEST_CASE("an adopted graph is mapped from its file, held by snapshots, and answers the same") {
    const Options options = options_of(kKinds[2]);
    const OwnedArrays arrays = foreign(options, 41);
    const auto index = adopted(options, arrays);
    const std::string path = folder() + "/adopted.vic";
    index->save(path);
    Watch nobody;
    const auto mapped = Index::map(path, nobody);
    const SearchOptions asked{.k = 5, .ef = 40};
    const auto before = ask(*index, arrays.vectors, asked);
    CHECK(ask(*mapped, arrays.vectors, asked) == before);

    const auto held = index->snapshot();
    Ids some = index->ids();
    some.resize(100);
    index->remove(some);
    index->compact(1, nobody);
    CHECK(ask(*held, arrays.vectors, {.k = 5, .exact = true}) == ask(*mapped, arrays.vectors, {.k = 5, .exact = true}));
    std::filesystem::remove_all(folder());
}

TEST_CASE("what arrays() hands on is adopted again as it was") {
    for (const Kind& kind : kKinds) {
        const Options options = options_of(kind);
        Index index(options);
        Watch nobody;
        const std::vector<std::byte> rows = vectors_of(options, 3);
        index.add(some_of(options, rows, trial::counting(0, kRows)), 1, nobody);
        const OwnedArrays arrays = index.arrays();
        const auto back = adopted(options, arrays);
        CHECK(back->arrays().links == arrays.links);
        CHECK(back->graph_shape().copies == index.graph_shape().copies);
        const SearchOptions asked{.k = 4, .ef = 20};
        CHECK(ask(*back, rows, asked) == ask(index, rows, asked));
    }
}

TEST_CASE("arrays are not handed on while a pass of repairs is under way") {
    const Options options = options_of(kKinds[0]);
    const OwnedArrays arrays = foreign(options, 51);
    const auto index = adopted(options, arrays);
    CHECK(index->arrays().gone == arrays.gone);  // none has begun
    CHECK(index->arrays().links == arrays.links);
    index->remove(Ids{index->ids().back()});
    CHECK_THROWS_AS(index->arrays(), InvalidArgumentError);
    Watch nobody;
    index->compact(1, nobody);
    CHECK(index->arrays().ids.size() == index->size());
}

TEST_CASE("options that the rows do not allow, or that are none, are refused") {
    Options options = options_of(kKinds[1]);
    OwnedArrays arrays = foreign(options, 61);
    options.traversal = Traversal::u8;
    CHECK_NOTHROW(adopted(options, arrays));
    const float half = 0.5F;
    std::memcpy(arrays.vectors.data() + 7 * kDim * sizeof(float), &half, sizeof half);
    CHECK_THROWS_WITH_AS(
        adopted(options, arrays),
        "row 7 of the arrays holds other than whole numbers from 0 to 255, which traversal u8 walks on",
        InvalidVectorError);
    options.M = 1;
    CHECK_THROWS_AS(adopted(options, arrays), InvalidArgumentError);
}

TEST_CASE("adopting stops when the watch says so, before it has looked at all rows") {
    const Options options = options_of(kKinds[1]);
    OwnedArrays arrays = foreign(options, 71);
    std::fill_n(arrays.vectors.end() - 4, 4, std::byte{0xff});  // damage that is never come to
    Watch watch([](std::size_t, std::size_t) { return false; }, std::chrono::milliseconds(0));
    const GraphArrays lent{arrays.vectors, arrays.ids,         arrays.gone, arrays.levels,
                           arrays.links,   arrays.upper_links, arrays.entry};
    CHECK_THROWS_AS(Index::adopt(options, lent, "the arrays", watch), Stopped);
}
