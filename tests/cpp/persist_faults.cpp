// A disk that fails at any one of its calls: nothing is lost, and what cannot be read is not made up.
#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "file_faulty_disk.hpp"
#include "file_folder.hpp"
#include "persist/read.hpp"
#include "persist/write.hpp"
#include "persist_samples.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

Watch nobody;

// More than a block of the file, so that it is written and read in several pieces.
StoredIndex an_index(std::size_t n, unsigned seed) {
    Options options;
    options.dim = 300;
    options.M = 4;
    options.ef_construction = 10;
    const Bytes bytes = make_index(options, n, 7, seed)->to_bytes();
    Watch watch;
    return read_index(MemorySource(bytes), watch);
}

std::string text_of(const StoredIndex& stored) {
    const Bytes bytes = index_as_bytes(stored.graph, stored.next_id, nobody);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("a save that fails at any call of the disk leaves the old file as it was") {
    const StoredIndex old_index = an_index(200, 1), new_index = an_index(1'000, 2);
    const std::string old_bytes = text_of(old_index), new_bytes = text_of(new_index);

    for (const Fault fault : {Fault::kOnce, Fault::kFromThenOn}) {
        std::size_t failures = 0;
        for (std::size_t call = 0;; ++call) {
            const Folder folder;
            const std::string path = folder.at("index");
            PosixDisk sound;
            write_index(sound, path, old_index.graph, old_index.next_id, nobody);
            FaultyDisk disk(call, fault);
            bool saved = true;

            try {
                write_index(disk, path, new_index.graph, new_index.next_id, nobody);
            } catch (const IoError& error) {
                saved = false;
                CHECK(error.path() == path);
            }

            INFO("call " << call << ", " << disk.failed_call());
            // A disk that lets the new file take the name and then refuses everything cannot be made to take it back.
            const bool stuck = disk.failed_call() == "sync_folder" && fault == Fault::kFromThenOn;
            const std::string found = content_of(path);
            CHECK((found == (saved || stuck ? new_bytes : old_bytes)));
            if (disk.failed_call().empty()) break;
            if (!saved) ++failures;
            // Where names cannot be exchanged there is rename; where the old file cannot be removed it stays, renamed.
            const bool may_succeed = disk.failed_call() == "exchange" || disk.failed_call() == "remove";
            CHECK((!saved || may_succeed));
            REQUIRE(call < 100);
        }
        CHECK(failures >= 6);
    }
}

TEST_CASE("a save that is stopped by its last word leaves the old file") {
    const Folder folder;
    const std::string path = folder.at("index");
    const StoredIndex old_index = an_index(50, 5), new_index = an_index(60, 6);
    PosixDisk disk;
    write_index(disk, path, old_index.graph, old_index.next_id, nobody);
    const std::string before = content_of(path);
    Watch watch([](std::size_t done, std::size_t total) { return done < total; });

    CHECK_THROWS_AS(write_index(disk, path, new_index.graph, new_index.next_id, watch), Stopped);

    CHECK(content_of(path) == before);
}

TEST_CASE("a load that fails at any call of the disk says so") {
    const Folder folder;
    const std::string path = folder.at("index");
    const StoredIndex index = an_index(1'000, 3);
    PosixDisk sound;
    write_index(sound, path, index.graph, index.next_id, nobody);
    std::size_t failures = 0;

    for (std::size_t call = 0;; ++call) {
        FaultyDisk disk(call);
        Watch watch;
        INFO("call " << call);
        REQUIRE(call < 200);
        try {
            const StoredIndex loaded = read_index(FileSource(disk, path), watch);
            CHECK(text_of(loaded) == text_of(index));
            CHECK(disk.failed_call().empty());
            break;
        } catch (const IoError&) {
            CHECK_FALSE(disk.failed_call().empty());
            ++failures;
        }
    }

    CHECK(failures >= 10);
}

TEST_CASE("a file that shrinks while it is read is refused as damaged") {
    // Says it is as long as it was, and ends earlier.
    class Shrunk final : public ByteSource {
    public:
        Shrunk(std::span<const std::byte> bytes, std::size_t left) : whole_(bytes), left_(bytes.first(left)) {}
        std::uint64_t size() const override { return whole_.size(); }
        void read_at(std::uint64_t offset, std::span<std::byte> to) const override { left_.read_at(offset, to); }
        const std::string& name() const override { return left_.name(); }

    private:
        std::span<const std::byte> whole_;
        MemorySource left_;
    };
    const StoredIndex index = an_index(20, 4);
    const Bytes bytes = index_as_bytes(index.graph, index.next_id, nobody);

    for (std::size_t left = 0; left < bytes.size(); left += 97) {
        Watch watch;
        INFO("the first " << left << " bytes");
        CHECK_THROWS_AS(read_index(Shrunk(bytes, left), watch), CorruptIndexError);
    }
}
