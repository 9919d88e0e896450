// Containers to damage, and the one way every test reads them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <span>
#include <vector>

#include "file/bytes.hpp"
#include "file/checksum.hpp"
#include "file/container_read.hpp"
#include "file/container_write.hpp"
#include "file/little_endian.hpp"

namespace vicinal::testing {

using Bytes = std::vector<std::byte>;

constexpr FormatVersion kVersion{1, 4};
constexpr SectionKind kFirst = 0x11, kEmpty = 0x22, kThird = 0x33, kFourth = 0x44;
constexpr SectionKind kExtra = kOptionalSection | 0x55;
constexpr SectionKind kKnown[] = {kFirst, kEmpty, kThird, kFourth};
constexpr ReaderKnowledge kReader{kVersion, kKnown};

inline Bytes random_bytes(std::size_t n, unsigned seed) {
    std::mt19937 random(seed);
    Bytes bytes(n);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 0xffu);
    return bytes;
}

using Contents = std::vector<std::pair<SectionKind, Bytes>>;

inline Bytes make_container(const Contents& contents, FormatVersion version = kVersion) {
    std::vector<SectionToWrite> sections;
    for (const auto& [kind, bytes] : contents) sections.push_back({kind, {Strip(std::span(bytes))}});
    Bytes file;
    MemorySink sink(file);
    write_container(sink, version, sections);
    return file;
}

// Three full kinds and an empty one, one of them a page long to the byte, and one this reader skips.
inline Contents small_contents() {
    return {{kFirst, random_bytes(100, 1)},
            {kEmpty, {}},
            {kThird, random_bytes(4096, 3)},
            {kFourth, random_bytes(100, 4)},
            {kExtra, random_bytes(10, 5)}};
}

// Reads all there is, as a careful caller does.
inline std::map<SectionKind, Bytes> read_all(const ByteSource& source, const ReaderKnowledge& knowledge = kReader) {
    Container container = Container::parse(source, knowledge);
    std::map<SectionKind, Bytes> contents;
    for (const SectionKind kind : knowledge.kinds) {
        if (!container.has(kind)) continue;
        Bytes& bytes = contents[kind];
        bytes.resize(static_cast<std::size_t>(container.section(kind).length));
        container.read(kind, bytes);
    }
    container.check_unread();
    return contents;
}

inline std::map<SectionKind, Bytes> read_all(std::span<const std::byte> file,
                                             const ReaderKnowledge& knowledge = kReader) {
    return read_all(MemorySource(file), knowledge);
}

// Makes the checksums of header, table and footer right again, as an attacker would; those of blocks stay.
inline void repair(Bytes& file) {
    using namespace container;
    const std::span<std::byte> bytes(file);
    const std::uint32_t header = crc32c(bytes.first(kHeaderChecksumAt));
    store_number(bytes, kHeaderChecksumAt, header);
    const auto footer = bytes.last(kFooterBytes);
    store_number(footer, kHeaderChecksumAgainAt, header);
    const auto table_at = load_number<std::uint64_t>(bytes, kTableAt);
    if (table_at > file.size() - kFooterBytes) return;
    const auto table = bytes.first(file.size() - kFooterBytes).subspan(static_cast<std::size_t>(table_at));
    store_number(footer, kTableChecksumAt, crc32c(table));
}

}  // namespace vicinal::testing
