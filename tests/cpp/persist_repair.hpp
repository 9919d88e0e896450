// A saved index taken apart: its sections, to be changed and put together again with checksums that are right.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "file/checksum.hpp"
#include "file/container_read.hpp"
#include "file/container_write.hpp"
#include "file/little_endian.hpp"
#include "persist/format.hpp"
#include "persist_samples.hpp"

namespace vicinal::testing {

struct Piece {
    SectionKind kind = 0;
    Bytes bytes;
};

inline std::vector<Piece> take_apart(std::span<const std::byte> file) {
    const MemorySource source(file);
    Container container = Container::parse(source, {format::kVersion, format::kKinds});
    std::vector<Piece> pieces;
    for (const Section& section : container.sections()) {
        pieces.push_back({section.kind, Bytes(static_cast<std::size_t>(section.length))});
        container.read(section.kind, pieces.back().bytes);
    }
    return pieces;
}

inline Bytes put_together(const std::vector<Piece>& pieces, FormatVersion version = format::kVersion) {
    std::vector<SectionToWrite> sections;
    for (const Piece& piece : pieces) sections.push_back({piece.kind, {Strip(std::span(piece.bytes))}});
    Bytes file;
    MemorySink sink(file);
    write_container(sink, version, sections);
    return file;
}

inline Bytes& piece(std::vector<Piece>& pieces, SectionKind kind) {
    return std::ranges::find(pieces, kind, &Piece::kind)->bytes;
}

// The file with one number of one section changed.
template <class Unsigned>
Bytes with(std::span<const std::byte> file, SectionKind kind, std::size_t at, Unsigned number) {
    std::vector<Piece> pieces = take_apart(file);
    store_number<Unsigned>(piece(pieces, kind), at, number);
    return put_together(pieces);
}

// A file whose sections, all shorter than a block, may be changed in place: a hundred times quicker than putting it
// together again.
class OpenFile {
public:
    explicit OpenFile(std::span<const std::byte> file) : bytes_(file.begin(), file.end()) {
        const MemorySource source(bytes_);
        const Container container = Container::parse(source, {format::kVersion, format::kKinds});
        sections_.assign(container.sections().begin(), container.sections().end());
    }

    std::span<std::byte> section(SectionKind kind) {
        const Section& found = *std::ranges::find(sections_, kind, &Section::kind);
        return std::span(bytes_).subspan(static_cast<std::size_t>(found.offset),
                                         static_cast<std::size_t>(found.length));
    }

    // Makes every checksum right again.
    std::span<const std::byte> repair() {
        using namespace container;
        const std::span<std::byte> file(bytes_);
        const auto footer = file.last(kFooterBytes);
        const auto table_at = static_cast<std::size_t>(load_number<std::uint64_t>(file, kTableAt));
        const auto table = file.subspan(table_at, file.size() - kFooterBytes - table_at);
        std::size_t at = sections_.size() * kEntryBytes;
        for (const Section& one : sections_) {
            if (one.length == 0) continue;
            store_number<std::uint32_t>(table, at, crc32c(section(one.kind)));
            at += kChecksumBytes;
        }
        store_number<std::uint32_t>(footer, kTableChecksumAt, crc32c(table));
        return bytes_;
    }

private:
    Bytes bytes_;
    std::vector<Section> sections_;
};

}  // namespace vicinal::testing
