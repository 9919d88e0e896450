#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/errors.hpp"
#include "file/atomic_replace.hpp"
#include "file_container_samples.hpp"
#include "file_faulty_disk.hpp"
#include "file_folder.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

Bytes from_hexadecimal(std::string_view text) {
    Bytes bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
    }
    return bytes;
}

// Remembers the largest piece it was given.
class MeasuringSink final : public ByteSink {
public:
    explicit MeasuringSink(Bytes& bytes) : sink_(bytes) {}
    void append(std::span<const std::byte> bytes) override {
        largest = std::max(largest, bytes.size());
        sink_.append(bytes);
    }
    std::size_t largest = 0;

private:
    MemorySink sink_;
};

}  // namespace

TEST_CASE("what is written into a container is read back from memory and from a file") {
    const Contents contents = small_contents();
    const Bytes file = make_container(contents);
    const Folder folder;
    PosixDisk disk;
    AtomicReplace replacement(disk, folder.at("index"));
    replacement.append(file);
    replacement.commit();

    const auto from_memory = read_all(file);
    const auto from_file = read_all(FileSource(disk, folder.at("index")));

    CHECK(from_memory.size() == 4);
    for (const auto& [kind, bytes] : contents) {
        if (kind != kExtra) CHECK(from_memory.at(kind) == bytes);
    }
    CHECK(from_file == from_memory);
}

TEST_CASE("the smallest containers are these bytes") {
    const Bytes none = make_container({}, {1, 2});
    const Bytes one = make_container({{7, from_hexadecimal("313233343536373839")}}, {1, 2});

    // Worked out from the description in container.hpp by a separate program.
    REQUIRE(none.size() == 4112);
    CHECK(Bytes(none.begin(), none.begin() + 60) ==
          from_hexadecimal("8956434e0d0a1a0a0100020000000000"
                           "1010000000000000"
                           "0010000000000000"
                           "00000000000000000000000000000000000000000000000000000000"));
    CHECK(Bytes(none.end() - 8, none.end()) == from_hexadecimal("56434e656e640d0a"));
    REQUIRE(one.size() == 8232);
    CHECK(Bytes(one.begin() + 4096, one.begin() + 4105) == from_hexadecimal("313233343536373839"));
    CHECK(Bytes(one.begin() + 8192, one.begin() + 8216) == from_hexadecimal("07000000"
                                                                            "0010000000000000"
                                                                            "0900000000000000"
                                                                            "839206e3"));
    CHECK(crc32c(none) == 0x9651b8eeu);
    CHECK(crc32c(one) == 0xdae22b75u);
}

TEST_CASE("sections start at multiples of 4 096 in the order they were given") {
    const Bytes file = make_container(small_contents());

    const MemorySource source(file);
    const Container container = Container::parse(source, kReader);

    std::vector<std::uint64_t> offsets;
    std::vector<SectionKind> kinds;
    for (const Section& section : container.sections()) {
        offsets.push_back(section.offset);
        kinds.push_back(section.kind);
    }
    CHECK(offsets == std::vector<std::uint64_t>{4096, 8192, 8192, 12288, 16384});
    CHECK(kinds == std::vector<SectionKind>{kFirst, kEmpty, kThird, kFourth, kExtra});
    CHECK(container.file_bytes() == file.size());
    CHECK(container.version().major == 1);
    CHECK(container.version().minor == 4);
}

TEST_CASE("strided rows are written without their gaps and in pieces of at most one block") {
    const std::size_t rows = 30'000, width = 100, stride = 128;
    const Bytes memory = random_bytes(rows * stride, 6);
    Bytes expected;
    for (std::size_t row = 0; row < rows; ++row) {
        const auto at = memory.begin() + static_cast<std::ptrdiff_t>(row * stride);
        expected.insert(expected.end(), at, at + width);
    }
    const Bytes tail = random_bytes(3, 7);
    expected.insert(expected.end(), tail.begin(), tail.end());
    const std::vector<SectionToWrite> sections{
        {kFirst, {Strip(memory.data(), width, rows, stride), Strip(), Strip(std::span(tail))}}};

    Bytes file;
    MeasuringSink sink(file);
    write_container(sink, kVersion, sections);

    CHECK(read_all(file).at(kFirst) == expected);
    CHECK(file.size() == container_bytes(sections));
    CHECK(sink.largest == kBlockBytes);
    CHECK(file == make_container({{kFirst, expected}}));
}

TEST_CASE("a section around the size of a block keeps one checksum for each started block") {
    for (const std::size_t length : {kBlockBytes - 1, kBlockBytes, kBlockBytes + 1, 2 * kBlockBytes}) {
        const Bytes bytes = random_bytes(length, 8);
        const Bytes file = make_container({{kFirst, bytes}});

        const MemorySource source(file);
        Container container = Container::parse(source, kReader);
        Bytes gathered;
        container.read_blocks(kFirst, [&](std::uint64_t offset, std::span<const std::byte> block) {
            CHECK(offset == gathered.size());
            gathered.insert(gathered.end(), block.begin(), block.end());
        });

        CHECK(container.section(kFirst).block_checksums.size() == (length + kBlockBytes - 1) / kBlockBytes);
        CHECK(gathered == bytes);
        CHECK(read_all(file).at(kFirst) == bytes);
    }
}

TEST_CASE("parsing reads no section") {
    Bytes file = make_container(small_contents());
    file[4096] ^= std::byte{1};
    const MemorySource source(file);

    Container container = Container::parse(source, kReader);

    Bytes first(100);
    CHECK_THROWS_AS(container.read(kFirst, first), CorruptIndexError);
    CHECK_THROWS_AS(container.check_unread(), CorruptIndexError);
}

TEST_CASE("a section nobody asked for is still checked") {
    Bytes file = make_container(small_contents());
    file[16384] ^= std::byte{1};  // the optional section

    CHECK_THROWS_AS(read_all(file), CorruptIndexError);
}

TEST_CASE("unknown sections are refused unless they are optional") {
    const Bytes file = make_container(small_contents());
    const SectionKind fewer[] = {kFirst, kEmpty, kThird};

    CHECK_THROWS_AS(read_all(file, {kVersion, fewer}), CorruptIndexError);
    CHECK_THROWS_AS(read_all(file, {{1, 3}, fewer}), FormatTooNewError);
    CHECK_NOTHROW(read_all(file, kReader));
}

TEST_CASE("a newer major version is too new and both versions are named") {
    const Bytes file = make_container(small_contents(), {2, 7});

    CHECK_THROWS_WITH_AS(read_all(file), "the given bytes has format version 2.7; this library reads up to 1.4",
                         FormatTooNewError);
    CHECK_NOTHROW(read_all(file, {{2, 7}, kKnown}));
    CHECK_NOTHROW(read_all(file, {{2, 0}, kKnown}));
    CHECK_NOTHROW(read_all(file, {{3, 0}, kKnown}));
}

TEST_CASE("a missing section and a destination of the wrong size are refused") {
    const Bytes file = make_container({{kFirst, random_bytes(10, 9)}});
    const MemorySource source(file);
    Container container = Container::parse(source, kReader);
    Bytes eleven(11);

    CHECK_FALSE(container.has(kThird));
    CHECK_THROWS_AS(container.section(kThird), CorruptIndexError);
    CHECK_THROWS_AS(container.read(kThird, eleven), CorruptIndexError);
    CHECK_THROWS_AS(container.read(kFirst, eleven), std::invalid_argument);
}

TEST_CASE("a writer refuses one kind twice and sizes that overflow") {
    Bytes file;
    MemorySink sink(file);
    const std::byte byte{};
    const std::vector<SectionToWrite> twice{{kFirst, {}}, {kFirst, {}}};
    const std::vector<SectionToWrite> huge{{kFirst, {Strip(&byte, SIZE_MAX / 2, 3, SIZE_MAX / 2)}}};
    const std::vector<SectionToWrite> huge_sum{
        {kFirst, {Strip(&byte, SIZE_MAX / 2, 1, SIZE_MAX / 2), Strip(&byte, SIZE_MAX / 2 + 9, 1, SIZE_MAX / 2)}}};
    const std::vector<SectionToWrite> hardly_rounded{{kFirst, {Strip(&byte, SIZE_MAX - 9000, 1, SIZE_MAX - 9000)}},
                                                     {kThird, {Strip(&byte, 9000, 1, 9000)}}};

    CHECK_THROWS_AS(write_container(sink, kVersion, twice), std::invalid_argument);
    CHECK_THROWS_AS(write_container(sink, kVersion, std::vector<SectionToWrite>(1001)), std::invalid_argument);
    CHECK_THROWS_AS(write_container(sink, kVersion, huge), std::overflow_error);
    CHECK_THROWS_AS(write_container(sink, kVersion, huge_sum), std::overflow_error);
    CHECK_THROWS_AS(write_container(sink, kVersion, hardly_rounded), std::overflow_error);
    CHECK(file.empty());
}

TEST_CASE("a failing disk call at any point of a load is reported and closes the file") {
    const Folder folder;
    PosixDisk sound;
    {
        AtomicReplace replacement(sound, folder.at("index"));
        const Bytes file = make_container(small_contents());
        replacement.append(file);
        replacement.commit();
    }
    FaultyDisk counting;
    read_all(FileSource(counting, folder.at("index")));
    REQUIRE(counting.calls() > 10);
    const auto descriptors = open_descriptors();

    for (std::size_t n = 0; n < counting.calls(); ++n) {
        FaultyDisk disk(n);
        CHECK_THROWS_AS(read_all(FileSource(disk, folder.at("index"))), IoError);
        CHECK_FALSE(disk.failed_call().empty());
    }
    CHECK(open_descriptors() == descriptors);
}
