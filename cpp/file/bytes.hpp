// Where the bytes of a container come from and where they go. Neither side is handed more than kBlockBytes in one
// call, so a wrapper around either can count progress, or throw to stop a long call. (One exception: a source gives
// a container's table in one piece, which is more than that for files beyond 256 GB.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "file/disk.hpp"

namespace vicinal {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

class ByteSink {
public:
    ByteSink() = default;
    ByteSink(const ByteSink&) = delete;
    ByteSink& operator=(const ByteSink&) = delete;
    virtual ~ByteSink() = default;
    virtual void append(std::span<const std::byte> bytes) = 0;
};

class MemorySink final : public ByteSink {
public:
    explicit MemorySink(std::vector<std::byte>& bytes) : bytes_(bytes) {}
    void append(std::span<const std::byte> bytes) override { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

private:
    std::vector<std::byte>& bytes_;
};

class ByteSource {
public:
    ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    virtual ~ByteSource() = default;

    virtual std::uint64_t size() const = 0;

    // Fills all of `to`. Throws CorruptIndexError when the source ends before that.
    virtual void read_at(std::uint64_t offset, std::span<std::byte> to) const = 0;

    // For messages: a quoted path, or "the given bytes".
    virtual const std::string& name() const = 0;
};

// Borrows the bytes.
class MemorySource final : public ByteSource {
public:
    explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}
    std::uint64_t size() const override { return bytes_.size(); }
    void read_at(std::uint64_t offset, std::span<std::byte> to) const override;
    const std::string& name() const override { return name_; }

private:
    std::span<const std::byte> bytes_;
    std::string name_ = "the given bytes";
};

// Holds the file open. Throws IoError as Disk::open and ReadableFile do.
class FileSource final : public ByteSource {
public:
    FileSource(Disk& disk, const std::string& path);
    std::uint64_t size() const override { return size_; }
    void read_at(std::uint64_t offset, std::span<std::byte> to) const override;
    const std::string& name() const override { return name_; }

private:
    std::unique_ptr<ReadableFile> file_;
    std::uint64_t size_;  // when it was opened; a file that shrinks later is refused where it ends
    std::string name_;
};

}  // namespace vicinal
