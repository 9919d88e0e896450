// Reads a container (container.hpp) and believes nothing it says.
//
// The steps of a load, in the order in which they must come:
//   1. parse(): length and magic, header checksum, version, table and footer, padding. Touches no section.
//   2. the caller compares every section's length with what its counts demand, and only then allocates;
//   3. read() or read_blocks() for each section it wants: checksums, straight into the destination;
//   4. check_unread(): the sections nobody asked for, so that no byte of the file goes unchecked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "file/bytes.hpp"
#include "file/container.hpp"

namespace vicinal {

struct Section {
    SectionKind kind = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::vector<std::uint32_t> block_checksums;  // one for each started kBlockBytes
};

// What a reader can make sense of.
struct ReaderKnowledge {
    FormatVersion version;               // the newest it reads
    std::span<const SectionKind> kinds;  // others are refused, or skipped when marked kOptionalSection
};

// Invariants: the sections lie in the source in ascending order, inside it, without overlap, none of a kind twice;
// their lengths add up to less than the source's size. Memory: at most 4 bytes per megabyte of the file, and small
// change.
// Thread safety: const methods may run together; the others one at a time.
class Container {
public:
    // The source must outlive the container. Throws
    //   NotAnIndexError    the first bytes are something else's
    //   CorruptIndexError  empty, shorter or longer than it says, or damaged
    //   FormatTooNewError  a newer major version, or a newer minor one with a required section unknown here
    //   IoError            the disk failed
    static Container parse(const ByteSource& source, const ReaderKnowledge& knowledge);

    FormatVersion version() const { return version_; }
    std::uint64_t file_bytes() const;

    bool has(SectionKind kind) const;
    // Throws CorruptIndexError when the file has no such section.
    const Section& section(SectionKind kind) const;
    std::span<const Section> sections() const { return sections_; }

    // Fills the destination, which must be as long as the section (std::invalid_argument otherwise), block by block.
    // Throws CorruptIndexError at the first block whose checksum differs; the destination is then garbage.
    void read(SectionKind kind, std::span<std::byte> destination);

    // The same for a destination that is not one piece of memory: hands over each block after its checksum has been
    // found right, with its offset in the section. Takes 1 MB of memory.
    using TakeBlock = std::function<void(std::uint64_t offset, std::span<const std::byte> block)>;
    void read_blocks(SectionKind kind, const TakeBlock& take);

    // Checks the blocks that hold bytes [begin, end) of a section, which the caller has at `bytes`, all of them. const:
    // any number of threads.
    void check_blocks(const Section& section, std::span<const std::byte> bytes, std::uint64_t begin,
                      std::uint64_t end) const;

    // Checks the checksums of the sections not read so far.
    void check_unread();

private:
    Container(const ByteSource& source, FormatVersion version) : source_(&source), version_(version) {}

    std::size_t index_of(SectionKind kind) const;
    void check_block(const Section& section, std::size_t block, std::span<const std::byte> bytes) const;

    const ByteSource* source_;
    FormatVersion version_;
    std::vector<Section> sections_;
    std::vector<bool> read_;  // for each section: whether all of it has been checked
};

}  // namespace vicinal
