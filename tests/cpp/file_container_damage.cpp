// Every accident a file can have, and some that are no accidents.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string_view>

#include "base/errors.hpp"
#include "file_container_samples.hpp"
#include "flipped_bits.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

enum class Outcome { kAccepted, kCorrupt, kNotAnIndex, kTooNew };

Outcome outcome_of(std::span<const std::byte> file) {
    try {
        read_all(file);
        return Outcome::kAccepted;
    } catch (const CorruptIndexError&) {
        return Outcome::kCorrupt;
    } catch (const NotAnIndexError&) {
        return Outcome::kNotAnIndex;
    } catch (const FormatTooNewError&) {
        return Outcome::kTooNew;
    }
}

Bytes bytes_of(std::string_view text) {
    Bytes bytes;
    for (const char letter : text) bytes.push_back(static_cast<std::byte>(letter));
    return bytes;
}

std::size_t table_of(const Bytes& file) {
    return static_cast<std::size_t>(load_number<std::uint64_t>(file, container::kTableAt));
}

std::size_t entry_of(const Bytes& file, std::size_t section) {
    return table_of(file) + section * container::kEntryBytes;
}

template <typename Unsigned>
Bytes with(Bytes file, std::size_t at, Unsigned number) {
    store_number<Unsigned>(file, at, number);
    repair(file);
    return file;
}

}  // namespace

TEST_CASE("every flipped bit of a container is refused") {
    Bytes file = make_container(small_contents());
    REQUIRE(outcome_of(file) == Outcome::kAccepted);
    std::size_t refused = 0;

    for (std::size_t bit = 0; bit < file.size() * 8; bit += vicinal::trial::kBitStep) {
        const auto mask = static_cast<std::byte>(1u << bit % 8);
        file[bit / 8] ^= mask;
        const Outcome outcome = outcome_of(file);
        file[bit / 8] ^= mask;
        INFO("bit " << bit % 8 << " of byte " << bit / 8);
        if (outcome == Outcome::kAccepted || (bit / 8 >= 4 && outcome != Outcome::kCorrupt)) {
            FAIL_CHECK("not refused as damaged");
        } else {
            ++refused;
        }
    }

    CHECK(refused == vicinal::trial::flipped_bits(file.size()));
    CHECK(outcome_of(file) == Outcome::kAccepted);
}

TEST_CASE("every truncation of a container is refused as damaged") {
    const Bytes file = make_container(small_contents());

    for (std::size_t length = 0; length < file.size(); ++length) {
        INFO("the first " << length << " bytes");
        REQUIRE(outcome_of(std::span(file).first(length)) == Outcome::kCorrupt);
    }
}

TEST_CASE("a container with anything after its end is refused") {
    const Bytes file = make_container(small_contents());

    for (const std::size_t more : {1u, 16u, 4096u, 5000u}) {
        Bytes longer = file;
        longer.resize(file.size() + more);
        CHECK(outcome_of(longer) == Outcome::kCorrupt);
    }
    Bytes doubled = file;
    doubled.insert(doubled.end(), file.begin(), file.end());
    CHECK(outcome_of(doubled) == Outcome::kCorrupt);
}

TEST_CASE("flipped bits and exchanged blocks of a large section are refused") {
    const unsigned seed = 21;
    std::mt19937 random(seed);
    Bytes file = make_container({{kFirst, random_bytes(2 * kBlockBytes + 12'345, 20)}});

    for (int round = 0; round < 200; ++round) {
        const std::size_t at = random() % file.size();
        const auto mask = static_cast<std::byte>(1u << random() % 8);
        file[at] ^= mask;
        INFO("seed " << seed << ", byte " << at);
        CHECK(outcome_of(file) != Outcome::kAccepted);
        file[at] ^= mask;
    }
    const auto first = file.begin() + container::kAlignment;
    std::swap_ranges(first, first + kBlockBytes, first + kBlockBytes);
    CHECK(outcome_of(file) == Outcome::kCorrupt);
}

TEST_CASE("files of other kinds are not an index") {
    CHECK(outcome_of(bytes_of("not an index at all")) == Outcome::kNotAnIndex);
    CHECK(outcome_of(bytes_of("x")) == Outcome::kNotAnIndex);
    CHECK(outcome_of(bytes_of("\x89PNG\r\n\x1a\n and so on")) == Outcome::kNotAnIndex);
    CHECK(outcome_of(Bytes(10'000)) == Outcome::kNotAnIndex);
    CHECK(outcome_of(random_bytes(10'000, 22)) == Outcome::kNotAnIndex);
    CHECK(outcome_of({}) == Outcome::kCorrupt);
}

TEST_CASE("a transfer in text mode is named as what it is") {
    const Bytes file = make_container(small_contents());
    const auto replaced = [&](std::string_view what, std::string_view by) {
        Bytes changed;
        const Bytes from = bytes_of(what);
        const Bytes to = bytes_of(by);
        for (auto at = file.begin(); at != file.end();) {
            const bool here =
                static_cast<std::size_t>(file.end() - at) >= from.size() && std::equal(from.begin(), from.end(), at);
            if (here) changed.insert(changed.end(), to.begin(), to.end());
            if (!here) changed.push_back(*at);
            at += here ? static_cast<std::ptrdiff_t>(from.size()) : 1;
        }
        return changed;
    };
    Bytes seven_bits = file;
    for (std::byte& byte : seven_bits) byte &= std::byte{0x7f};

    for (const Bytes& damaged : {replaced("\r\n", "\n"), replaced("\n", "\r\n"), replaced("\r", "\n"), seven_bits}) {
        CHECK_THROWS_WITH_AS(
            read_all(damaged),
            "the given bytes is damaged: its first 8 bytes were changed, as a transfer in text mode does",
            CorruptIndexError);
    }
}

TEST_CASE("sections swapped or doubled or dropped are refused even with repaired checksums") {
    const Bytes file = make_container(small_contents());
    const std::size_t first = entry_of(file, 0), third = entry_of(file, 2), fourth = entry_of(file, 3);

    SUBCASE("the contents of two sections of one length") {
        Bytes swapped = file;
        std::swap_ranges(swapped.begin() + 4096, swapped.begin() + 4196, swapped.begin() + 12288);
        repair(swapped);
        CHECK(outcome_of(swapped) == Outcome::kCorrupt);
    }
    SUBCASE("two entries of the table") {
        Bytes swapped = file;
        const auto entry = [&](std::size_t at) { return swapped.begin() + static_cast<std::ptrdiff_t>(at); };
        std::swap_ranges(entry(first), entry(first) + container::kEntryBytes, entry(third));
        repair(swapped);
        CHECK(outcome_of(swapped) == Outcome::kCorrupt);
    }
    SUBCASE("one kind twice") { CHECK(outcome_of(with<std::uint32_t>(file, fourth, kFirst)) == Outcome::kCorrupt); }
    SUBCASE("two entries for one place") {
        const Bytes doubled = with<std::uint64_t>(file, fourth + container::kEntryOffsetAt, 4096);
        CHECK(outcome_of(doubled) == Outcome::kCorrupt);
    }
    SUBCASE("the last entry dropped and its bytes left as padding") {
        CHECK(outcome_of(with<std::uint32_t>(file, container::kCountAt, 4)) == Outcome::kCorrupt);
    }
    SUBCASE("an entry more than there are") {
        CHECK(outcome_of(with<std::uint32_t>(file, container::kCountAt, 6)) == Outcome::kCorrupt);
    }
    SUBCASE("the end of another container of the same shape") {
        Contents other = small_contents();
        other[0].second = random_bytes(100, 99);
        const Bytes another = make_container(other, {1, 3});
        Bytes mixed = file;
        std::copy(another.begin() + 4096, another.end(), mixed.begin() + 4096);
        CHECK(outcome_of(another) == Outcome::kAccepted);
        CHECK(outcome_of(mixed) == Outcome::kCorrupt);
    }
}

TEST_CASE("impossible sizes are refused even with repaired checksums") {
    const Bytes file = make_container(small_contents());
    const std::size_t table = table_of(file);
    const std::uint64_t sizes[] = {0,
                                   1,
                                   63,
                                   4095,
                                   4097,
                                   table - 4096,
                                   table - 1,
                                   table + 1,
                                   table + 4096,
                                   file.size(),
                                   file.size() + 4096,
                                   std::uint64_t{1} << 32,
                                   std::uint64_t{1} << 63,
                                   std::numeric_limits<std::uint64_t>::max() - 4095,
                                   std::numeric_limits<std::uint64_t>::max()};

    for (const std::uint64_t size : sizes) {
        INFO("size " << size);
        CHECK(outcome_of(with<std::uint64_t>(file, container::kFileLengthAt, size)) ==
              (size == file.size() ? Outcome::kAccepted : Outcome::kCorrupt));
        CHECK(outcome_of(with<std::uint64_t>(file, container::kTableAt, size)) == Outcome::kCorrupt);
        for (std::size_t section = 0; section < 5; ++section) {
            const std::size_t entry = entry_of(file, section);
            for (const std::size_t at : {entry + container::kEntryOffsetAt, entry + container::kEntryLengthAt}) {
                const bool is_so = load_number<std::uint64_t>(file, at) == size;
                CHECK(outcome_of(with<std::uint64_t>(file, at, size)) ==
                      (is_so ? Outcome::kAccepted : Outcome::kCorrupt));
            }
        }
    }
    for (const std::uint32_t count : {0u, 1u, 1000u, 1001u, 0x7fffffffu, 0xffffffffu}) {
        CHECK(outcome_of(with<std::uint32_t>(file, container::kCountAt, count)) == Outcome::kCorrupt);
    }
    CHECK(outcome_of(with<std::uint8_t>(file, container::kZerosAt + 5, 1)) == Outcome::kCorrupt);
    CHECK(outcome_of(with<std::uint16_t>(file, container::kMajorAt, 0)) == Outcome::kCorrupt);
    CHECK(outcome_of(with<std::uint16_t>(file, container::kMajorAt, 2)) == Outcome::kTooNew);
    CHECK(outcome_of(with<std::uint8_t>(file, 64, 1)) == Outcome::kCorrupt);
    CHECK(outcome_of(with<std::uint8_t>(file, 4095, 1)) == Outcome::kCorrupt);
    CHECK(outcome_of(with<std::uint8_t>(file, 4196, 1)) == Outcome::kCorrupt);
    CHECK(outcome_of(with<std::uint8_t>(file, table - 1, 1)) == Outcome::kCorrupt);
}

TEST_CASE("a table of the wrong length or in the wrong place is refused even with repaired checksums") {
    const Bytes file = make_container(small_contents());
    const auto at = [](Bytes& bytes, std::size_t offset) {
        return bytes.begin() + static_cast<std::ptrdiff_t>(offset);
    };
    const std::size_t table = table_of(file);
    const std::size_t end_of_table = file.size() - container::kFooterBytes;

    Bytes one_checksum_more = file;
    one_checksum_more.insert(at(one_checksum_more, end_of_table), 4, std::byte{0});
    Bytes one_checksum_less = file;
    one_checksum_less.erase(at(one_checksum_less, end_of_table - 4), at(one_checksum_less, end_of_table));
    Bytes a_page_later = file;
    a_page_later.insert(at(a_page_later, table), container::kAlignment, std::byte{0});
    store_number<std::uint64_t>(a_page_later, container::kTableAt, table + container::kAlignment);

    for (Bytes* damaged : {&one_checksum_more, &one_checksum_less, &a_page_later}) {
        CHECK(outcome_of(with<std::uint64_t>(*damaged, container::kFileLengthAt, damaged->size())) ==
              Outcome::kCorrupt);
    }
}

TEST_CASE("more sections than a container may have are refused") {
    for (const std::size_t count : {container::kMostSections, container::kMostSections + 1}) {
        Bytes file = make_container({});
        Bytes entries(count * container::kEntryBytes);
        for (std::size_t i = 0; i < count; ++i) {
            const auto kind = kOptionalSection | static_cast<SectionKind>(i);
            store_number<std::uint32_t>(entries, i * container::kEntryBytes, kind);
            store_number<std::uint64_t>(entries, i * container::kEntryBytes + container::kEntryOffsetAt, 4096);
        }
        file.insert(file.begin() + 4096, entries.begin(), entries.end());
        store_number<std::uint32_t>(file, container::kCountAt, static_cast<std::uint32_t>(count));
        const Bytes repaired = with<std::uint64_t>(file, container::kFileLengthAt, file.size());

        CHECK(outcome_of(repaired) == (count == container::kMostSections ? Outcome::kAccepted : Outcome::kCorrupt));
    }
}

TEST_CASE("whatever numbers a repaired header and table hold a container is refused or sound") {
    const unsigned seed = 23;
    std::mt19937_64 random(seed);
    const Bytes file = make_container(small_contents());
    const std::size_t table = table_of(file);
    std::size_t accepted = 0;

    for (int round = 0; round < 20'000; ++round) {
        Bytes damaged = file;
        for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
            const bool in_table = random() % 2 == 0;
            const std::size_t start = in_table ? table : container::kMajorAt;
            const std::size_t room = in_table ? file.size() - table : container::kHeaderBytes - container::kMajorAt;
            const std::size_t width = std::size_t{1} << random() % 4;
            const std::size_t at = start + random() % (room - width + 1);
            const std::uint64_t near = load_number<std::uint64_t>(file, at < file.size() - 8 ? at : 0) + random() % 3;
            const std::uint64_t number = random() % 2 == 0 ? near : random() >> random() % 64;
            for (std::size_t i = 0; i < width; ++i) damaged[at + i] = static_cast<std::byte>(number >> 8 * i & 0xffu);
        }
        repair(damaged);
        INFO("seed " << seed << ", round " << round);
        REQUIRE_NOTHROW(accepted += outcome_of(damaged) == Outcome::kAccepted);
    }

    CHECK(accepted > 0);
    CHECK(accepted < 10'000);
}
