#include "file/container_write.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>

#include "base/checked.hpp"
#include "file/checksum.hpp"
#include "file/little_endian.hpp"

namespace vicinal {
namespace {

using namespace container;

struct Place {
    std::size_t offset = 0;
    std::size_t length = 0;
};

struct Layout {
    std::vector<Place> sections;
    Place table;
    std::size_t file_length = 0;
};

std::size_t length_of(const SectionToWrite& section) {
    std::size_t length = 0;
    for (const Strip& strip : section.strips) {
        length = checked_add(length, checked_multiply(strip.width, strip.count));
    }
    return length;
}

Layout lay_out(std::span<const SectionToWrite> sections) {
    if (sections.size() > kMostSections) throw std::invalid_argument("a container of more than 1000 sections");
    Layout layout;
    std::set<SectionKind> kinds;
    std::size_t end = kHeaderBytes;
    layout.table.length = sections.size() * kEntryBytes;
    for (const SectionToWrite& section : sections) {
        if (!kinds.insert(section.kind).second) {
            throw std::invalid_argument("a container with two sections of kind " + std::to_string(section.kind));
        }
        const Place place{round_up(end, kAlignment), length_of(section)};
        end = checked_add(place.offset, place.length);
        layout.table.length += static_cast<std::size_t>(block_count(place.length)) * kChecksumBytes;
        layout.sections.push_back(place);
    }
    layout.table.offset = round_up(end, kAlignment);
    layout.file_length = checked_add(layout.table.offset, checked_add(layout.table.length, kFooterBytes));
    return layout;
}

std::vector<std::byte> make_header(FormatVersion version, const Layout& layout) {
    std::vector<std::byte> header(kHeaderBytes);
    std::memcpy(header.data(), kMagic.data(), kMagic.size());
    store_number<std::uint16_t>(header, kMajorAt, version.major);
    store_number<std::uint16_t>(header, kMinorAt, version.minor);
    store_number<std::uint32_t>(header, kCountAt, static_cast<std::uint32_t>(layout.sections.size()));
    store_number<std::uint64_t>(header, kFileLengthAt, layout.file_length);
    store_number<std::uint64_t>(header, kTableAt, layout.table.offset);
    store_number<std::uint32_t>(header, kHeaderChecksumAt, crc32c(std::span(header).first(kHeaderChecksumAt)));
    return header;
}

std::vector<std::byte> make_table(std::span<const SectionToWrite> sections, const Layout& layout,
                                  std::span<const std::uint32_t> block_checksums) {
    std::vector<std::byte> table(layout.table.length);
    std::size_t at = 0;
    for (std::size_t i = 0; i < sections.size(); ++i, at += kEntryBytes) {
        store_number<std::uint32_t>(table, at + kEntryKindAt, sections[i].kind);
        store_number<std::uint64_t>(table, at + kEntryOffsetAt, layout.sections[i].offset);
        store_number<std::uint64_t>(table, at + kEntryLengthAt, layout.sections[i].length);
    }
    for (const std::uint32_t checksum : block_checksums) {
        store_number<std::uint32_t>(table, at, checksum);
        at += kChecksumBytes;
    }
    assert(at == table.size());
    return table;
}

std::vector<std::byte> make_footer(std::span<const std::byte> header, std::span<const std::byte> table) {
    std::vector<std::byte> footer(kFooterBytes);
    store_number<std::uint32_t>(footer, kTableChecksumAt, crc32c(table));
    store_number<std::uint32_t>(footer, kHeaderChecksumAgainAt, load_number<std::uint32_t>(header, kHeaderChecksumAt));
    std::memcpy(footer.data() + kEndMarkAt, kEndMark.data(), kEndMark.size());
    return footer;
}

// Knows how far the file has come, and what lies in the blocks of its sections.
class Writer {
public:
    explicit Writer(ByteSink& sink) : sink_(sink), block_(kBlockBytes) {}

    void append(std::span<const std::byte> bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += kBlockBytes) {
            sink_.append(bytes.subspan(at, std::min(kBlockBytes, bytes.size() - at)));
        }
        written_ += bytes.size();
    }

    void pad_to(std::size_t offset) {
        assert(offset >= written_ && offset - written_ < kAlignment);
        static constexpr std::array<std::byte, kAlignment> kZeros{};
        if (offset != written_) append(std::span(kZeros).first(offset - written_));
    }

    void append_section(const SectionToWrite& section) {
        for (const Strip& strip : section.strips) gather(strip);
        finish_block();
    }

    std::span<const std::uint32_t> block_checksums() const { return block_checksums_; }

private:
    // Copies into the block first, although contiguous bytes could go out as they are: small runs become large
    // writes, and the checksum is of the very bytes that are written.
    void gather(const Strip& strip) {
        const bool contiguous = strip.stride == strip.width;
        const std::size_t runs = contiguous ? std::min<std::size_t>(strip.count, 1) : strip.count;
        const std::size_t run_bytes = contiguous ? strip.width * strip.count : strip.width;
        for (std::size_t run = 0; run < runs; ++run) {
            const std::byte* from = strip.base + run * strip.stride;
            for (std::size_t left = run_bytes; left > 0;) {
                const std::size_t piece = std::min(left, kBlockBytes - filled_);
                std::memcpy(block_.data() + filled_, from, piece);
                filled_ += piece;
                from += piece;
                left -= piece;
                if (filled_ == kBlockBytes) finish_block();
            }
        }
    }

    void finish_block() {
        if (filled_ == 0) return;
        const auto block = std::span<const std::byte>(block_).first(filled_);
        block_checksums_.push_back(crc32c(block));
        append(block);
        filled_ = 0;
    }

    ByteSink& sink_;
    std::size_t written_ = 0;
    std::vector<std::byte> block_;
    std::size_t filled_ = 0;
    std::vector<std::uint32_t> block_checksums_;
};

}  // namespace

std::uint64_t container_bytes(std::span<const SectionToWrite> sections) { return lay_out(sections).file_length; }

void write_container(ByteSink& sink, FormatVersion version, std::span<const SectionToWrite> sections) {
    const Layout layout = lay_out(sections);
    const std::vector<std::byte> header = make_header(version, layout);

    Writer writer(sink);
    writer.append(header);
    for (std::size_t i = 0; i < sections.size(); ++i) {
        writer.pad_to(layout.sections[i].offset);
        writer.append_section(sections[i]);
    }
    writer.pad_to(layout.table.offset);
    const std::vector<std::byte> table = make_table(sections, layout, writer.block_checksums());
    writer.append(table);
    writer.append(make_footer(header, table));
}

}  // namespace vicinal
