#include "file/disk.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/errors.hpp"
#include "file/bytes.hpp"
#include "file_folder.hpp"

using vicinal::IoError;
using vicinal::PosixDisk;
using vicinal::testing::content_of;
using vicinal::testing::Folder;
using vicinal::testing::put;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

template <typename Step>
int error_of(Step step) {
    try {
        step();
    } catch (const IoError& error) {
        return error.error_number();
    }
    return 0;
}

}  // namespace

TEST_CASE("a created file holds what was written and a name is created once only") {
    const Folder folder;
    PosixDisk disk;

    const auto file = disk.create(folder.at("a"), std::nullopt);
    file->write(bytes_of("some "));
    file->write(bytes_of("bytes"));
    file->sync();
    file->close();

    CHECK(content_of(folder.at("a")) == "some bytes");
    CHECK(error_of([&] { disk.create(folder.at("a"), std::nullopt); }) == EEXIST);
    CHECK_THROWS_WITH(disk.create(folder.at("a"), std::nullopt),
                      ("cannot create '" + folder.at("a") + "': File exists").c_str());
    CHECK(content_of(folder.at("a")) == "some bytes");
}

TEST_CASE("reading past the end of a file gives what there is") {
    const Folder folder;
    put(folder.at("a"), "0123456789");
    PosixDisk disk;

    const auto file = disk.open(folder.at("a"));
    std::array<std::byte, 8> space{};

    CHECK(file->size() == 10);
    CHECK(file->read_at(0, space) == 8);
    CHECK(std::memcmp(space.data(), "01234567", 8) == 0);
    CHECK(file->read_at(7, space) == 3);
    CHECK(std::memcmp(space.data(), "789", 3) == 0);
    CHECK(file->read_at(10, space) == 0);
}

TEST_CASE("a file source that shrinks after opening is refused where it ends") {
    const Folder folder;
    put(folder.at("a"), "0123456789");
    PosixDisk disk;
    const vicinal::FileSource source(disk, folder.at("a"));
    std::filesystem::resize_file(folder.at("a"), 4);
    std::array<std::byte, 8> space{};

    CHECK(source.size() == 10);
    CHECK_THROWS_AS(source.read_at(0, space), vicinal::CorruptIndexError);
}

TEST_CASE("opening says why it cannot and never waits for a pipe") {
    const Folder folder;
    PosixDisk disk;
    REQUIRE(::mkfifo(folder.at("pipe").c_str(), 0600) == 0);
    const auto descriptors = vicinal::testing::open_descriptors();

    CHECK(error_of([&] { disk.open(folder.at("nothing")); }) == ENOENT);
    CHECK(error_of([&] { disk.open(folder.path()); }) == EISDIR);
    CHECK(error_of([&] { disk.open(folder.at("pipe")); }) == EINVAL);
    CHECK(error_of([&] { disk.open(std::string("a\0b", 3)); }) == EINVAL);
    CHECK(error_of([&] { disk.open(""); }) == ENOENT);
    CHECK(vicinal::testing::open_descriptors() == descriptors);
}

TEST_CASE("symbolic links are followed to the end whether or not anything is there") {
    const Folder folder;
    PosixDisk disk;
    std::filesystem::create_directory(folder.at("deep"));
    put(folder.at("deep/file"), "x");
    std::filesystem::create_symlink("file", folder.at("deep/relative"));
    std::filesystem::create_symlink(folder.at("deep/relative"), folder.at("absolute"));
    std::filesystem::create_symlink("deep/missing", folder.at("dangling"));
    std::filesystem::create_symlink("round", folder.at("round"));

    CHECK(disk.follow_links(folder.at("deep/file")) == folder.at("deep/file"));
    CHECK(disk.follow_links(folder.at("absolute")) == folder.at("deep/file"));
    CHECK(disk.follow_links(folder.at("dangling")) == folder.at("deep/missing"));
    CHECK(disk.follow_links(folder.at("nothing")) == folder.at("nothing"));
    CHECK(error_of([&] { disk.follow_links(folder.at("round")); }) == ELOOP);
}

TEST_CASE("exchanged names have changed places and a missing one changes nothing") {
    const Folder folder;
    PosixDisk disk;
    put(folder.at("a"), "was a");
    put(folder.at("b"), "was b");

    CHECK_FALSE(disk.exchange(folder.at("a"), folder.at("nothing")));
    CHECK(content_of(folder.at("a")) == "was a");
    if (!disk.exchange(folder.at("a"), folder.at("b"))) {
        MESSAGE("SKIPPED: the file system of the temporary folder cannot exchange names");
        return;
    }
    CHECK(content_of(folder.at("a")) == "was b");
    CHECK(content_of(folder.at("b")) == "was a");
}

TEST_CASE("the folder of a path is what stands before its last name") {
    CHECK(vicinal::folder_of("name") == ".");
    CHECK(vicinal::folder_of("folder/name") == "folder");
    CHECK(vicinal::folder_of("/name") == "/");
    CHECK(vicinal::folder_of("/a/b/name") == "/a/b");
}
