// Writes a container (container.hpp) in one pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "file/bytes.hpp"
#include "file/container.hpp"

namespace vicinal {

// `count` runs of `width` bytes, each `stride` bytes after the one before: rows whose padding stays in memory. With
// count = 1, or stride = width, plain contiguous bytes. Borrowed.
struct Strip {
    const std::byte* base = nullptr;
    std::size_t width = 0;
    std::size_t count = 0;
    std::size_t stride = 0;

    Strip() = default;
    Strip(const std::byte* first, std::size_t run_width, std::size_t run_count, std::size_t run_stride)
        : base(first), width(run_width), count(run_count), stride(run_stride) {}
    Strip(std::span<const std::byte> bytes)  // NOLINT(google-explicit-constructor): a span is a strip of one run
        : base(bytes.data()), width(bytes.size()), count(1), stride(bytes.size()) {}
};

// A section is its strips, one after the other.
struct SectionToWrite {
    SectionKind kind = 0;
    std::vector<Strip> strips;
};

// How long the file will be. Throws as write_container does.
[[nodiscard]] std::uint64_t container_bytes(std::span<const SectionToWrite> sections);

// Appends the whole container to the sink, in pieces of at most kBlockBytes. The same sections give the same bytes.
// Takes 1 MB of memory. What is written is what was checksummed, even when someone changes the sections meanwhile.
// Throws std::invalid_argument for a kind that occurs twice or too many sections, std::overflow_error when the sizes
// do not add up to a size, and what the sink throws.
void write_container(ByteSink& sink, FormatVersion version, std::span<const SectionToWrite> sections);

}  // namespace vicinal
