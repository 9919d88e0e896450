// What goes into a file comes out of it.
#include <doctest/doctest.h>

#include <chrono>
#include <limits>
#include <thread>

#include "base/errors.hpp"
#include "file_folder.hpp"
#include "persist_samples.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

Bytes vectors_of(const Index& index) {
    const std::vector<std::int64_t> ids = index.ids();
    Bytes vectors(ids.size() * given_bytes(index.options().dtype, index.options().dim));
    index.get(ids, vectors.data());
    return vectors;
}

void check_same(const Index& loaded, const Index& original) {
    CHECK(loaded.size() == original.size());
    CHECK(loaded.ids() == original.ids());
    CHECK(vectors_of(loaded) == vectors_of(original));
    CHECK(search(loaded, 20, 1) == search(original, 20, 1));
    CHECK(search(loaded, 20, 2, {.k = 10, .exact = true}) == search(original, 20, 2, {.k = 10, .exact = true}));
    CHECK(loaded.to_bytes() == original.to_bytes());

    const GraphShape shape = loaded.graph_shape(), expected = original.graph_shape();
    CHECK(shape.removed == expected.removed);
    CHECK(shape.top_level == expected.top_level);
    CHECK(shape.level_counts == expected.level_counts);
    CHECK(shape.mean_degree == expected.mean_degree);
}

}  // namespace

TEST_CASE("an index of any kind comes back from its bytes as it was") {
    for (const Options& options : all_kinds()) {
        for (const std::size_t removed_step : {0u, 3u}) {
            INFO(kind_of(options) << ", removed_step " << removed_step);
            const auto index = make_index(options, 200, removed_step);

            const auto loaded = from_bytes(index->to_bytes());

            check_same(*loaded, *index);
        }
    }
}

TEST_CASE("an index of any kind goes on as if it had never been saved") {
    for (const Options& options : all_kinds()) {
        INFO(kind_of(options));
        const auto index = make_index(options, 100, 4);
        const auto loaded = from_bytes(index->to_bytes());

        for (Index* either : {index.get(), loaded.get()}) {
            add(*either, 150, 8);
            either->remove(std::vector<std::int64_t>{5, 101, 249});
        }

        check_same(*loaded, *index);
    }
}

TEST_CASE("an index comes back from a file and the file is its bytes") {
    const Folder folder;
    const std::string path = folder.at("index.vicinal");
    const auto index = make_index(all_kinds()[2], 300, 5);
    Watch watch;

    index->save(path);
    const auto loaded = Index::load(path, watch);
    loaded->save(path);

    check_same(*loaded, *index);
    const std::string content = content_of(path);
    const Bytes bytes = index->to_bytes();
    CHECK(content.size() == bytes.size());
    CHECK(std::memcmp(content.data(), bytes.data(), bytes.size()) == 0);
    CHECK(folder.names() == std::vector<std::string>{"index.vicinal"});
}

TEST_CASE("an empty index and one of a single vector come back") {
    for (const Options& options : all_kinds()) {
        for (const std::size_t n : {0u, 1u}) {
            INFO(kind_of(options) << ", " << n << " vectors");
            const auto index = make_index(options, n);
            const auto loaded = from_bytes(index->to_bytes());

            check_same(*loaded, *index);
            add(*index, 30, 9);
            add(*loaded, 30, 9);

            check_same(*loaded, *index);
        }
    }
}

TEST_CASE("an index of which everything was removed comes back empty and takes new vectors") {
    for (const Options& options : all_kinds()) {
        INFO(kind_of(options));
        const auto index = make_index(options, 40, 1);
        const auto loaded = from_bytes(index->to_bytes());

        CHECK(loaded->size() == 0);
        check_same(*loaded, *index);
        add(*index, 30, 9);
        add(*loaded, 30, 9);

        check_same(*loaded, *index);
        CHECK(loaded->ids().front() == 40);
    }
}

TEST_CASE("settings come back as they were") {
    for (const Lift lift : {Lift::automatic, Lift::on, Lift::off}) {
        Options options;
        options.dim = 3;
        options.metric = Metric::ip;
        options.M = 7;
        options.ef_construction = 33;
        options.lift = lift;
        options.seed = std::numeric_limits<std::uint64_t>::max();

        const auto loaded = from_bytes(make_index(options, 20)->to_bytes());

        CHECK(loaded->options().dim == 3);
        CHECK(loaded->options().metric == Metric::ip);
        CHECK(loaded->options().dtype == Dtype::f32);
        CHECK(loaded->options().M == 7);
        CHECK(loaded->options().ef_construction == 33);
        CHECK(loaded->options().lift == lift);
        CHECK(loaded->options().seed == options.seed);
    }
}

TEST_CASE("the largest settings come back as they were") {
    Options options;
    options.dim = kMaxDim;
    options.M = kMaxM;
    options.ef_construction = kMaxEf;

    const auto loaded = from_bytes(Index(options).to_bytes());

    CHECK(loaded->options().dim == kMaxDim);
    CHECK(loaded->options().M == kMaxM);
    CHECK(loaded->options().ef_construction == kMaxEf);
}

TEST_CASE("the largest id there can be comes back and a removed id may come back under the same number") {
    Options options;
    options.dim = 4;
    const std::vector<std::int64_t> ids{std::numeric_limits<std::int64_t>::max(), 0, 17};
    const Bytes vectors = random_vectors(options, 3, 1);
    Index index(options);
    Watch watch;
    index.add(vectors.data(), 3, ids, 1, watch);
    index.remove(std::vector<std::int64_t>{17});
    index.add(vectors.data(), 1, std::vector<std::int64_t>{17}, 1, watch);

    const auto loaded = from_bytes(index.to_bytes());

    check_same(*loaded, index);
    CHECK(loaded->ids() == std::vector<std::int64_t>{0, 17, ids[0]});
    CHECK_THROWS_AS(add(*loaded, 1, 2), InvalidArgumentError);  // no number is left above the largest
}

TEST_CASE("a traversal that is chosen automatically is chosen alike before and after a save") {
    Options options;
    options.dim = 40;
    options.M = 4;
    options.ef_construction = 10;
    Options whole_numbers = options;
    whole_numbers.traversal = Traversal::u8;
    const Bytes whole = random_vectors(whole_numbers, 1'200, 1), fractions = random_vectors(options, 1'200, 2);
    Index index(options);
    Watch watch;
    index.add(whole.data(), 900, {}, 1, watch);
    const auto saved_early = from_bytes(index.to_bytes());
    for (Index* either : {&index, saved_early.get()}) either->add(whole.data(), 1'200, {}, 1, watch);
    const auto saved_coded = from_bytes(index.to_bytes());
    check_same(*saved_early, index);
    for (Index* one : {&index, saved_early.get(), saved_coded.get()}) one->add(fractions.data(), 1'200, {}, 1, watch);

    check_same(*saved_early, index);
    check_same(*saved_coded, index);
    check_same(*from_bytes(index.to_bytes()), index);
}

TEST_CASE("vectors at the ends of a type's range are turned away or come back") {
    std::size_t accepted = 0, refused = 0;
    for (const Options& options : all_kinds()) {
        if (!is_floating(options.dtype) || options.traversal == Traversal::u8) continue;
        for (const float value : {3.402e38F, 3.39e38F, 1e38F, 65'519.0F, 65'504.0F, 6e-8F, 3e-8F, 2e-8F, 1e-10F, 1e-38F,
                                  3e-39F, 2e-39F, 7e-41F, 1e-45F}) {
            INFO(kind_of(options) << " " << value);
            const std::vector<float> vector(options.dim, value);
            Index index(options);
            Watch watch;
            try {
                index.add(reinterpret_cast<const std::byte*>(vector.data()), 1, {}, 1, watch);
                ++accepted;
                CHECK_NOTHROW(from_bytes(index.to_bytes()));
            } catch (const InvalidVectorError&) {
                ++refused;
            }
        }
    }
    CHECK(accepted > 20);
    CHECK(refused > 20);
}

TEST_CASE("longer vectors under inner product move the ceiling before and after a save alike") {
    Options options;
    options.dim = 5;
    options.metric = Metric::ip;
    options.M = 4;
    const auto index = make_index(options, 50);
    const auto loaded = from_bytes(index->to_bytes());
    std::vector<float> growing;
    for (std::size_t i = 0; i < 50 * options.dim; ++i) growing.push_back(static_cast<float>(i));
    Watch watch;

    for (Index* either : {index.get(), loaded.get()})
        either->add(reinterpret_cast<const std::byte*>(growing.data()), 50, {}, 1, watch);

    check_same(*loaded, *index);
}

TEST_CASE("info tells what is in a file without loading it") {
    const Folder folder;
    const std::string path = folder.at("index");
    const auto index = make_index(all_kinds()[1], 90, 9);
    index->save(path);

    const Info info = Index::info(path);

    CHECK(info.options.dim == index->options().dim);
    CHECK(info.options.metric == index->options().metric);
    CHECK(info.options.dtype == index->options().dtype);
    CHECK(info.options.M == index->options().M);
    CHECK(info.options.seed == index->options().seed);
    CHECK(info.size == 80);
    CHECK(info.removed == 10);
    CHECK(info.file_bytes == content_of(path).size());
    CHECK(info.format_major == 1);
    CHECK(info.format_minor == 0);
}

TEST_CASE("a load reports its progress and stops when asked to") {
    Options options;
    options.dim = 768;
    options.M = 2;
    const Bytes bytes = make_index(options, 3'000)->to_bytes();
    std::size_t last = 0, total = 0;
    Watch counting([&](std::size_t done, std::size_t of) {
        CHECK(done >= last);
        CHECK(done <= of);
        last = done;
        total = of;
        return true;
    });
    Watch refusing([](std::size_t done, std::size_t of) {
        CHECK(done < of / 2);
        return false;
    });

    CHECK(Index::from_bytes(bytes, counting)->size() == 3'000);
    CHECK(last == total);
    CHECK(last > 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(60));  // longer than a watch pauses between two questions
    CHECK_THROWS_AS(Index::from_bytes(bytes, refusing), Stopped);
}

TEST_CASE("a missing file and a folder are errors of the operating system") {
    const Folder folder;
    Watch watch;

    CHECK_THROWS_AS(Index::load(folder.at("nothing"), watch), IoError);
    CHECK_THROWS_AS(Index::load(folder.path(), watch), IoError);
    CHECK_THROWS_AS(Index::info(folder.at("nothing")), IoError);
    CHECK_THROWS_AS(make_index(all_kinds()[0], 3)->save(folder.at("missing/index")), IoError);
}
