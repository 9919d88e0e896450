#include "file/bytes.hpp"

#include <algorithm>

#include "base/errors.hpp"

namespace vicinal {
namespace {

[[noreturn]] void refuse_early_end(const std::string& name, std::uint64_t offset, std::size_t wanted) {
    throw CorruptIndexError(name + " ends before byte " + std::to_string(offset) + " + " + std::to_string(wanted));
}

}  // namespace

void MemorySource::read_at(std::uint64_t offset, std::span<std::byte> to) const {
    if (offset > bytes_.size() || to.size() > bytes_.size() - offset) refuse_early_end(name_, offset, to.size());
    std::ranges::copy(bytes_.subspan(static_cast<std::size_t>(offset), to.size()), to.begin());
}

FileSource::FileSource(Disk& disk, const std::string& path)
    : file_(disk.open(path)), size_(file_->size()), name_("'" + path + "'") {}

void FileSource::read_at(std::uint64_t offset, std::span<std::byte> to) const {
    if (file_->read_at(offset, to) != to.size()) refuse_early_end(name_, offset, to.size());
}

}  // namespace vicinal
