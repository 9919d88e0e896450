// The container: one file of checked sections. This header is its specification. What the sections mean is the
// business of whoever writes them (persist/); the container knows kinds, lengths and checksums.
//
// All numbers are unsigned and little-endian. A checksum is CRC-32C (checksum.hpp). The file is, without a gap:
//
//   header     64 bytes at 0, then zeros up to 4 096
//   sections   each starts at the next multiple of 4 096; zeros in between
//   table      at the next multiple of 4 096
//   footer     16 bytes, the last of the file
//
// Header, 64 bytes
//    0   8  magic: 89 'V' 'C' 'N' 0d 0a 1a 0a. As in PNG: a transfer that strips the eighth bit, or rewrites line
//           ends in either direction, shows itself in the first eight bytes.
//    8   2  major version; a reader refuses a newer one
//   10   2  minor version; a newer one added only what an older reader may do without
//   12   4  number of sections, at most 1 000
//   16   8  length of the file
//   24   8  offset of the table
//   32  28  zero
//   60   4  checksum of bytes 0 to 59
//
// Table
//   20 bytes for each section, in the order in which they lie in the file:
//        0   4  kind; no kind occurs twice. The top bit set: a reader that does not know the kind skips the section.
//        4   8  offset
//       12   8  length, without the padding; may be 0
//   then, for each section in the same order, the checksums of its blocks: 4 bytes for each started 1 048 576 bytes
//
// Footer, 16 bytes
//    0   4  checksum of the table
//    4   4  the header's checksum again, so that the end of one file does not fit the beginning of another
//    8   8  end mark: 'V' 'C' 'N' 'e' 'n' 'd' 0d 0a
//
// Every byte is either covered by one of the checksums or compared with the only value it may have. Offsets, the
// number of blocks and the length of the table follow from the lengths; the reader derives them and demands equality,
// so one list of sections has exactly one file.
//
// The header's 64 bytes and the rule for the file's length hold for every version to come: a newer file is told from
// a damaged one only after both have been checked.
//
// Downsides. The table is at the end, so that a writer needs one pass and no seeking; a reader of the beginning of a
// stream cannot do anything yet. The smallest file has 4 112 bytes, and each section costs 2 KB of padding on average.
// Nothing can be appended or changed in place. The file holds machine words as the sections' owner laid them out, and
// machines whose words are big-endian are left out altogether. The checksums find accidents, not intent.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "file/bytes.hpp"

namespace vicinal {

static_assert(std::endian::native == std::endian::little, "sections hold little-endian words in place");

struct FormatVersion {
    std::uint16_t major = 1;
    std::uint16_t minor = 0;
};

using SectionKind = std::uint32_t;
constexpr SectionKind kOptionalSection = SectionKind{1} << 31;

namespace container {

constexpr std::array<unsigned char, 8> kMagic{0x89, 'V', 'C', 'N', '\r', '\n', 0x1a, '\n'};
constexpr std::array<unsigned char, 8> kEndMark{'V', 'C', 'N', 'e', 'n', 'd', '\r', '\n'};

constexpr std::size_t kAlignment = 4096;
constexpr std::size_t kMostSections = 1000;  // a reader's work per section is then bounded, whatever a file says

constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kMajorAt = 8, kMinorAt = 10, kCountAt = 12, kFileLengthAt = 16, kTableAt = 24, kZerosAt = 32;
constexpr std::size_t kHeaderChecksumAt = 60;

constexpr std::size_t kEntryBytes = 20;
constexpr std::size_t kEntryKindAt = 0, kEntryOffsetAt = 4, kEntryLengthAt = 12;
constexpr std::size_t kChecksumBytes = 4;

constexpr std::size_t kFooterBytes = 16;
constexpr std::size_t kTableChecksumAt = 0, kHeaderChecksumAgainAt = 4, kEndMarkAt = 8;

// Started blocks in `length` bytes.
constexpr std::uint64_t block_count(std::uint64_t length) {
    return length / kBlockBytes + (length % kBlockBytes != 0 ? 1 : 0);
}

}  // namespace container
}  // namespace vicinal
