// An index that is used where it lies in its file.
#include "persist/map.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <random>

#include "base/errors.hpp"
#include "file_faulty_disk.hpp"
#include "file_folder.hpp"
#include "index/index.hpp"
#include "persist_repair.hpp"
#include "persist_samples.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::unique_ptr<Index> map(const std::string& path) {
    Watch watch;
    return Index::map(path, watch);
}

std::unique_ptr<Index> map_bytes(const Folder& folder, std::span<const std::byte> bytes) {
    put(folder.at("index"), text_of(bytes));
    return map(folder.at("index"));
}

Bytes vectors_of(const Index& index) {
    const std::vector<std::int64_t> ids = index.ids();
    Bytes vectors(ids.size() * given_bytes(index.options().dtype, index.options().dim));
    index.get(ids, vectors.data());
    return vectors;
}

// Several groups of rows and of links, with copies and removed ones.
std::unique_ptr<Index> a_large_index() {
    Options options;
    options.dim = 200;
    options.M = 32;
    options.ef_construction = 10;
    auto index = make_index(options, 6'000);
    add(*index, 20, 7);  // the first once more
    std::vector<std::int64_t> gone;
    for (std::int64_t id = 49; id < 6'000; id += 50) gone.push_back(id);
    index->remove(gone);
    return index;
}

}  // namespace

TEST_CASE("a mapped index of any kind answers as the loaded one does") {
    for (Options options : all_kinds()) {
        for (const std::size_t removed_step : {0u, 3u}) {
            INFO(kind_of(options) << ", removed_step " << removed_step);
            const Folder folder;
            const auto index = make_index(options, 200, removed_step);
            index->save(folder.at("index"));

            const auto mapped = map(folder.at("index"));

            CHECK(mapped->is_mapped());
            CHECK(mapped->ids() == index->ids());
            CHECK(vectors_of(*mapped) == vectors_of(*index));
            CHECK(search(*mapped, 20, 2, {.k = 10, .exact = true}) == search(*index, 20, 2, {.k = 10, .exact = true}));
            CHECK(search(*mapped, 20, 1, {.k = 5, .ef = 20}) == search(*mapped, 20, 1, {.k = 5, .ef = 20}));
            CHECK(mapped->to_bytes() == index->to_bytes());
            for (const std::int64_t id : {0, 1, 2, 199, 200, 5'000}) CHECK(mapped->contains(id) == index->contains(id));
        }
    }
}

TEST_CASE("a walk on a mapped index is the walk on the vectors of the loaded one") {
    const Folder folder;
    Options options;
    options.dim = 24;
    options.traversal = Traversal::exact;
    for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
        options.metric = metric;
        const auto index = make_index(options, 3'000, 9);
        index->save(folder.at("index"));

        const auto mapped = map(folder.at("index"));

        CHECK(search(*mapped, 50, 4, {.k = 10, .ef = 40}) == search(*index, 50, 4, {.k = 10, .ef = 40}));
    }
}

TEST_CASE("ids in no order are found in a mapped index") {
    const Folder folder;
    Options options;
    options.dim = 4;
    Index index(options);
    const std::vector<std::int64_t> ids{90, 7, 40, 12, 3};
    const Bytes vectors = random_vectors(options, ids.size(), 1);
    Watch watch;
    index.add(vectors.data(), ids.size(), ids, 1, watch);
    index.remove(std::vector<std::int64_t>{40});
    index.save(folder.at("index"));

    const auto mapped = map(folder.at("index"));

    for (std::int64_t id = 0; id < 100; ++id) CHECK(mapped->contains(id) == index.contains(id));
}

TEST_CASE("a mapped index refuses every change and can be saved again") {
    const Folder folder;
    Options options;
    options.dim = 6;
    const auto index = make_index(options, 50);
    index->save(folder.at("index"));
    const auto mapped = map(folder.at("index"));
    const Bytes vectors = random_vectors(options, 1, 3);
    Watch watch;

    CHECK_THROWS_AS(mapped->add(vectors.data(), 1, {}, 1, watch), ReadOnlyError);
    CHECK_THROWS_AS(mapped->remove(std::vector<std::int64_t>{3}), ReadOnlyError);
    CHECK_THROWS_AS(mapped->repair(watch), ReadOnlyError);
    mapped->save(folder.at("again"));
    mapped->save(folder.at("index"));

    CHECK(content_of(folder.at("again")) == text_of(index->to_bytes()));
    CHECK(content_of(folder.at("index")) == text_of(index->to_bytes()));
    CHECK(mapped->ids() == index->ids());  // of the file that was mapped
}

TEST_CASE("a flipped byte of a mapped file is found by the call that comes to it, and by no other") {
    const Folder folder;
    const auto index = a_large_index();
    const Bytes bytes = index->to_bytes();
    const Container container = [&] {
        static Bytes kept;
        kept = bytes;
        static const MemorySource source(kept);
        return Container::parse(source, {format::kVersion, format::kKinds});
    }();

    for (const SectionKind kind : {format::kRows, format::kLinks}) {
        const Section& section = container.section(kind);
        REQUIRE(section.length > 0);
        Bytes damaged = bytes;
        // The copies, whose links are looked at when the file is opened, are the last rows.
        const std::uint64_t place = kind == format::kRows ? section.length - 100 : 100;
        damaged[static_cast<std::size_t>(section.offset + place)] ^= std::byte{4};

        const auto mapped = map_bytes(folder, damaged);

        Bytes row(200 * sizeof(float));
        CHECK_NOTHROW(mapped->get(std::vector<std::int64_t>{1}, row.data()));
        if (kind == format::kRows)
            CHECK_THROWS_AS(mapped->get(std::vector<std::int64_t>{6'019}, row.data()), CorruptIndexError);
        CHECK_THROWS_AS(search(*mapped, 100, 3, {.k = 10, .ef = 400}), CorruptIndexError);
        CHECK_THROWS_AS(mapped->to_bytes(), CorruptIndexError);
        CHECK_THROWS_AS(mapped->save(folder.at("other")), CorruptIndexError);
    }
    for (const SectionKind kind : {format::kIds, format::kLevels, format::kStates, format::kUpperLinks}) {
        Bytes damaged = bytes;
        damaged[static_cast<std::size_t>(container.section(kind).offset)] ^= std::byte{4};
        CHECK_THROWS_AS(map_bytes(folder, damaged), CorruptIndexError);
    }
}

TEST_CASE("a mapped file with right checksums and wrong values is refused before they are used") {
    const Folder folder;
    Options options;
    options.dim = 8;
    options.M = 4;
    const Bytes bytes = make_index(options, 300)->to_bytes();
    const std::uint32_t far = 1'000'000, outside = 300;

    for (const Bytes& damaged :
         {with<std::uint32_t>(bytes, format::kLinks, 0, far), with<std::uint32_t>(bytes, format::kLinks, 40, outside),
          with<std::uint32_t>(bytes, format::kRows, 64, 0x7fc00000u)}) {
        const auto mapped = map_bytes(folder, damaged);
        CHECK_THROWS_AS(search(*mapped, 30, 1, {.k = 10, .ef = 100}), CorruptIndexError);
    }
    CHECK_THROWS_AS(map_bytes(folder, with<std::uint32_t>(bytes, format::kUpperLinks, 0, far)), CorruptIndexError);
    CHECK_THROWS_AS(map_bytes(folder, with<std::uint8_t>(bytes, format::kLevels, 1, 200)), CorruptIndexError);
}

TEST_CASE("an inverse norm that is not that of its row is refused by a load, and by a map when it can be none") {
    const Folder folder;
    Options options;
    options.dim = 8;
    options.metric = Metric::cosine;
    const Bytes bytes = make_index(options, 30)->to_bytes();

    const Bytes other = with<std::uint32_t>(bytes, format::kFactors, 8, 0x3f800000u);
    const Bytes none = with<std::uint32_t>(bytes, format::kFactors, 8, 0x7fc00000u);

    CHECK_THROWS_AS(from_bytes(other), CorruptIndexError);
    CHECK_NOTHROW(map_bytes(folder, other));
    CHECK_THROWS_AS(map_bytes(folder, none), CorruptIndexError);
}

TEST_CASE("a cosine file without inverse norms is mapped all the same") {
    const Folder folder;
    Options options;
    options.dim = 8;
    options.metric = Metric::cosine;
    const auto index = make_index(options, 300);
    std::vector<Piece> pieces = take_apart(index->to_bytes());
    std::erase_if(pieces, [](const Piece& piece) { return piece.kind == format::kFactors; });

    const auto mapped = map_bytes(folder, put_together(pieces));

    CHECK(search(*mapped, 20, 2, {.k = 10, .exact = true}) == search(*index, 20, 2, {.k = 10, .exact = true}));
}

TEST_CASE("a map that fails at any call of the disk says so") {
    const Folder folder;
    Options options;
    options.dim = 8;
    make_index(options, 30)->save(folder.at("index"));

    for (std::size_t call = 0; call < 3; ++call) {
        FaultyDisk disk(call);
        Watch watch;
        CHECK_THROWS_AS(map_index(disk, folder.at("index"), watch), IoError);
    }
    put(folder.at("empty"), "");
    CHECK_THROWS_AS(map(folder.at("empty")), CorruptIndexError);
    CHECK_THROWS_AS(map(folder.at("missing")), IoError);
}

TEST_CASE("a damaged file with right checksums is refused by a map or by a call, and never ends the process") {
    const Folder folder;
    std::vector<Bytes> files;
    for (const Metric metric : {Metric::l2, Metric::cosine, Metric::ip}) {
        Options options;
        options.dim = 5;
        options.metric = metric;
        options.M = 3;
        options.ef_construction = 10;
        auto index = make_index(options, 120, 7);
        add(*index, 5, 7);  // the first once more
        files.push_back(index->to_bytes());
    }
    constexpr SectionKind kSections[] = {format::kLinks, format::kLinks,      format::kLinks,  format::kRows,
                                         format::kRows,  format::kUpperLinks, format::kLevels, format::kStates,
                                         format::kIds,   format::kSettings};
    std::size_t at_once = 0, by_a_call = 0, used = 0;
    for (unsigned round = 0; round < 3'000; ++round) {
        std::mt19937 random(round);
        OpenFile file(files[round % files.size()]);
        for (auto changes = 1 + random() % 2; changes > 0; --changes) {
            const std::span<std::byte> section = file.section(kSections[random() % std::size(kSections)]);
            const std::size_t place = random() % section.size();
            section[place] = static_cast<std::byte>(random() % 4 == 0 ? random() : random() % 130);
        }
        INFO("round " << round);
        std::unique_ptr<Index> mapped;
        try {
            mapped = map_bytes(folder, file.repair());
        } catch (const CorruptIndexError&) {
            ++at_once;
            continue;
        }
        try {
            search(*mapped, 3, round, {.k = 5, .ef = 30});
            search(*mapped, 2, round, {.k = 5, .exact = true});
            vectors_of(*mapped);
            mapped->contains(3);
            Watch watch;
            mapped->health(watch);
            mapped->graph_shape();
            ++used;
        } catch (const CorruptIndexError&) {
            ++by_a_call;
        }
    }
    MESSAGE(at_once << " refused at once, " << by_a_call << " by a call, " << used << " used");
    CHECK(at_once > 300);
    CHECK(by_a_call > 100);
    CHECK(used > 300);
}
