#include "file/container_read.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <stdexcept>
#include <utility>

#include "base/errors.hpp"
#include "file/checksum.hpp"
#include "file/little_endian.hpp"

namespace vicinal {
namespace {

using namespace container;

std::string describe(FormatVersion version) {
    return std::to_string(version.major) + "." + std::to_string(version.minor);
}

std::string describe(SectionKind kind) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text = "0x";
    for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[(kind >> shift) & 15u];
    return text;
}

[[noreturn]] void refuse(const ByteSource& source, const std::string& what) {
    throw CorruptIndexError(source.name() + " is damaged: " + what);
}

std::string found_and_expected(const std::string& what, std::uint64_t found, std::uint64_t expected) {
    return what + " is " + std::to_string(found) + ", expected " + std::to_string(expected);
}

// The next multiple of kAlignment. Only for offsets inside the file, far below overflow: no file is within 4 096
// bytes of 2^64.
std::uint64_t aligned(std::uint64_t offset) { return (offset + (kAlignment - 1)) / kAlignment * kAlignment; }

struct Header {
    FormatVersion version;
    std::uint32_t section_count = 0;
    std::uint64_t table_offset = 0;
    std::uint32_t checksum = 0;
};

template <std::size_t N>
bool equals(std::span<const std::byte> bytes, const std::array<unsigned char, N>& expected) {
    return bytes.size() == N && std::memcmp(bytes.data(), expected.data(), N) == 0;
}

// `start`: the first kHeaderBytes of the source, or all of it when there are fewer.
void check_magic(const ByteSource& source, std::span<const std::byte> start) {
    const std::size_t seen = std::min(start.size(), kMagic.size());
    if (std::memcmp(start.data(), kMagic.data(), seen) == 0) {
        if (start.size() >= kHeaderBytes) return;
        refuse(source, "it holds " + std::to_string(start.size()) + " bytes, less than a header's " +
                           std::to_string(kHeaderBytes));
    }
    const bool name_survived = seen >= 4 && std::memcmp(start.data() + 1, kMagic.data() + 1, 3) == 0;
    const bool first_survived = (std::to_integer<unsigned>(start[0]) & 0x7fu) == (kMagic[0] & 0x7fu);
    if (name_survived && first_survived) {
        refuse(source, "its first 8 bytes were changed, as a transfer in text mode does");
    }
    throw NotAnIndexError(source.name() + " is not a vicinal index: its first bytes are another format's");
}

Header check_header(const ByteSource& source, FormatVersion newest) {
    std::array<std::byte, kHeaderBytes> space{};
    const std::uint64_t size = source.size();
    const auto bytes = std::span(space).first(static_cast<std::size_t>(std::min<std::uint64_t>(size, kHeaderBytes)));
    source.read_at(0, bytes);
    check_magic(source, bytes);

    const auto length = load_number<std::uint64_t>(bytes, kFileLengthAt);
    if (length != size) {
        refuse(source, "it holds " + std::to_string(size) + " bytes, its header says " + std::to_string(length));
    }
    Header header;
    header.checksum = load_number<std::uint32_t>(bytes, kHeaderChecksumAt);
    if (crc32c(bytes.first(kHeaderChecksumAt)) != header.checksum) refuse(source, "the header's checksum differs");

    header.version.major = load_number<std::uint16_t>(bytes, kMajorAt);
    header.version.minor = load_number<std::uint16_t>(bytes, kMinorAt);
    if (header.version.major > newest.major) {
        throw FormatTooNewError(source.name() + " has format version " + describe(header.version) +
                                "; this library reads up to " + describe(newest));
    }
    if (header.version.major == 0) refuse(source, "format version 0 was never written");
    const auto reserved = bytes.subspan(kZerosAt, kHeaderChecksumAt - kZerosAt);
    if (std::ranges::any_of(reserved, [](std::byte byte) { return byte != std::byte{0}; })) {
        refuse(source, "a reserved byte of the header is not zero");
    }
    header.section_count = load_number<std::uint32_t>(bytes, kCountAt);
    header.table_offset = load_number<std::uint64_t>(bytes, kTableAt);
    return header;
}

// The table's bytes, once the footer has vouched for them.
std::vector<std::byte> check_table(const ByteSource& source, const Header& header) {
    const std::uint64_t size = source.size();
    if (header.section_count > kMostSections) {
        refuse(source, "it claims " + std::to_string(header.section_count) + " sections, at most " +
                           std::to_string(kMostSections) + " are possible");
    }
    if (header.table_offset > size || size - header.table_offset < kFooterBytes) {
        refuse(source, "a table at byte " + std::to_string(header.table_offset) + " does not fit the file");
    }
    // An exact length follows from the entries, further on. This bound keeps the memory small until then.
    const std::uint64_t length = size - kFooterBytes - header.table_offset;
    const std::uint64_t most =
        header.section_count * (kEntryBytes + kChecksumBytes) + size / kBlockBytes * kChecksumBytes;
    if (length < header.section_count * kEntryBytes || length > most) {
        refuse(source, "a table of " + std::to_string(length) + " bytes does not fit " +
                           std::to_string(header.section_count) + " sections");
    }

    std::array<std::byte, kFooterBytes> footer{};
    source.read_at(size - kFooterBytes, footer);
    if (!equals(std::span<const std::byte>(footer).subspan(kEndMarkAt), kEndMark)) {
        refuse(source, "its last 8 bytes are not the end mark");
    }
    if (load_number<std::uint32_t>(footer, kHeaderChecksumAgainAt) != header.checksum) {
        refuse(source, "its end belongs to another file than its beginning");
    }
    std::vector<std::byte> table(static_cast<std::size_t>(length));
    source.read_at(header.table_offset, table);
    if (crc32c(table) != load_number<std::uint32_t>(footer, kTableChecksumAt)) {
        refuse(source, "the checksum of the table of sections differs");
    }
    return table;
}

std::vector<Section> check_entries(const ByteSource& source, const Header& header, std::span<const std::byte> table,
                                   const ReaderKnowledge& knowledge) {
    std::vector<Section> sections(header.section_count);
    std::set<SectionKind> seen;
    std::uint64_t end = kHeaderBytes;
    std::size_t at = 0;
    for (Section& section : sections) {
        section.kind = load_number<SectionKind>(table, at + kEntryKindAt);
        section.offset = load_number<std::uint64_t>(table, at + kEntryOffsetAt);
        section.length = load_number<std::uint64_t>(table, at + kEntryLengthAt);
        at += kEntryBytes;

        const std::string name = "section " + describe(section.kind);
        const bool known = std::ranges::find(knowledge.kinds, section.kind) != knowledge.kinds.end();
        if (!known && (section.kind & kOptionalSection) == 0) {
            if (header.version.minor > knowledge.version.minor && header.version.major == knowledge.version.major) {
                throw FormatTooNewError(source.name() + " has format version " + describe(header.version) +
                                        " and needs " + name + "; this library reads up to " +
                                        describe(knowledge.version));
            }
            refuse(source, name + " is of no known kind");
        }
        if (!seen.insert(section.kind).second) refuse(source, name + " occurs twice");
        if (section.offset != aligned(end)) {
            refuse(source, found_and_expected("the offset of " + name, section.offset, aligned(end)));
        }
        if (section.offset > header.table_offset || section.length > header.table_offset - section.offset) {
            refuse(source, name + " of " + std::to_string(section.length) + " bytes reaches into the table");
        }
        end = section.offset + section.length;
    }
    if (header.table_offset != aligned(end)) {
        refuse(source, found_and_expected("the offset of the table", header.table_offset, aligned(end)));
    }
    std::uint64_t blocks = 0;
    for (const Section& section : sections) blocks += block_count(section.length);
    if (table.size() != at + blocks * kChecksumBytes) {
        refuse(source, found_and_expected("the table's length", table.size(), at + blocks * kChecksumBytes));
    }
    for (Section& section : sections) {
        section.block_checksums.resize(static_cast<std::size_t>(block_count(section.length)));
        for (std::uint32_t& checksum : section.block_checksums) {
            checksum = load_number<std::uint32_t>(table, at);
            at += kChecksumBytes;
        }
    }
    return sections;
}

void check_padding(const ByteSource& source, std::uint64_t from, std::uint64_t to) {
    std::array<std::byte, kAlignment> space{};
    const auto padding = std::span(space).first(static_cast<std::size_t>(to - from));
    source.read_at(from, padding);
    const auto stray = std::ranges::find_if(padding, [](std::byte byte) { return byte != std::byte{0}; });
    if (stray != padding.end()) {
        refuse(source, "padding is not zero at byte " +
                           std::to_string(from + static_cast<std::uint64_t>(stray - padding.begin())));
    }
}

}  // namespace

Container Container::parse(const ByteSource& source, const ReaderKnowledge& knowledge) {
    const Header header = check_header(source, knowledge.version);
    const std::vector<std::byte> table = check_table(source, header);

    Container container(source, header.version);
    container.sections_ = check_entries(source, header, table, knowledge);
    container.read_.resize(container.sections_.size());

    std::uint64_t end = kHeaderBytes;
    for (const Section& section : container.sections_) {
        check_padding(source, end, section.offset);
        end = section.offset + section.length;
    }
    check_padding(source, end, header.table_offset);
    return container;
}

std::uint64_t Container::file_bytes() const { return source_->size(); }

bool Container::has(SectionKind kind) const {
    return std::ranges::find(sections_, kind, &Section::kind) != sections_.end();
}

const Section& Container::section(SectionKind kind) const { return sections_[index_of(kind)]; }

std::size_t Container::index_of(SectionKind kind) const {
    const auto found = std::ranges::find(sections_, kind, &Section::kind);
    if (found == sections_.end()) refuse(*source_, "section " + describe(kind) + " is missing");
    return static_cast<std::size_t>(found - sections_.begin());
}

void Container::read(SectionKind kind, std::span<std::byte> destination) {
    const std::size_t index = index_of(kind);
    const Section& section = sections_[index];
    if (destination.size() != section.length) {
        throw std::invalid_argument("a destination of " + std::to_string(destination.size()) + " bytes for section " +
                                    describe(kind) + " of " + std::to_string(section.length));
    }
    for (std::size_t block = 0; block < section.block_checksums.size(); ++block) {
        const std::size_t at = block * kBlockBytes;
        const auto bytes = destination.subspan(at, std::min(kBlockBytes, destination.size() - at));
        source_->read_at(section.offset + at, bytes);
        check_block(section, block, bytes);
    }
    read_[index] = true;
}

void Container::read_blocks(SectionKind kind, const TakeBlock& take) {
    const std::size_t index = index_of(kind);
    const Section& section = sections_[index];
    std::vector<std::byte> space(static_cast<std::size_t>(std::min<std::uint64_t>(section.length, kBlockBytes)));
    for (std::size_t block = 0; block < section.block_checksums.size(); ++block) {
        const std::uint64_t at = std::uint64_t{block} * kBlockBytes;
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, section.length - at));
        const auto bytes = std::span(space).first(length);
        source_->read_at(section.offset + at, bytes);
        check_block(section, block, bytes);
        take(at, bytes);
    }
    read_[index] = true;
}

void Container::check_unread() {
    for (std::size_t index = 0; index < sections_.size(); ++index) {
        if (!read_[index]) read_blocks(sections_[index].kind, [](std::uint64_t, std::span<const std::byte>) {});
    }
}

void Container::check_blocks(const Section& section, std::span<const std::byte> bytes, std::uint64_t begin,
                             std::uint64_t end) const {
    for (std::uint64_t block = begin / kBlockBytes; block * kBlockBytes < end; ++block) {
        const auto at = static_cast<std::size_t>(block * kBlockBytes);
        check_block(section, static_cast<std::size_t>(block),
                    bytes.subspan(at, std::min(kBlockBytes, bytes.size() - at)));
    }
}

void Container::check_block(const Section& section, std::size_t block, std::span<const std::byte> bytes) const {
    if (crc32c(bytes) != section.block_checksums[block]) {
        refuse(*source_, "the checksum of block " + std::to_string(block) + " of section " + describe(section.kind) +
                             " (bytes " + std::to_string(section.offset + block * kBlockBytes) + " and on) differs");
    }
}

}  // namespace vicinal
