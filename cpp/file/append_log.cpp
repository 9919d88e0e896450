#include "file/append_log.hpp"

#include <algorithm>
#include <cerrno>
#include <random>
#include <utility>

#include "base/errors.hpp"
#include "file/atomic_replace.hpp"
#include "file/checksum.hpp"
#include "file/container.hpp"
#include "file/little_endian.hpp"
#include "file/log_format.hpp"

namespace vicinal {

using namespace append_log;

namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10;

}  // namespace

FileMark mark_of(std::uint64_t bytes, std::span<const std::byte> footer) {
    return {bytes, load_number<std::uint32_t>(footer, container::kTableChecksumAt),
            load_number<std::uint32_t>(footer, container::kHeaderChecksumAgainAt)};
}

FileMark mark_of(const ByteSource& source) {
    std::array<std::byte, container::kFooterBytes> footer{};
    const std::uint64_t size = source.size();
    if (size >= footer.size()) source.read_at(size - footer.size(), footer);
    return mark_of(size, footer);
}

std::array<std::byte, kMarkBytes> encode(const FileMark& mark) {
    std::array<std::byte, kMarkBytes> bytes{};
    store_number(bytes, 0, mark.bytes);
    store_number(bytes, 8, mark.table);
    store_number(bytes, 12, mark.header);
    return bytes;
}

FileMark decode_mark(std::span<const std::byte> bytes) {
    return {load_number<std::uint64_t>(bytes, 0), load_number<std::uint32_t>(bytes, 8),
            load_number<std::uint32_t>(bytes, 12)};
}

void start_log(Disk& disk, const std::string& path, const FileMark& follows) {
    std::array<std::byte, kHeaderBytes> header{};
    std::ranges::copy(std::as_bytes(std::span(kMagic)), header.begin());
    store_number(header, kVersionAt, kVersion);
    store_number(header, kSeedAt, static_cast<std::uint32_t>(std::random_device{}()));
    std::ranges::copy(encode(follows), header.begin() + kFollowsAt);
    store_number(header, kBootAt, disk.boot());
    store_number(header, kHeaderChecksumAt, crc32c(std::span(header).first(kHeaderChecksumAt)));
    AtomicReplace file(disk, path);
    file.append(header);
    file.commit();
}

AppendLog::AppendLog(Disk& disk, const std::string& path, const LogFacts& facts)
    : path_(path),
      seed_(facts.seed),
      file_(disk.append_to(path)),
      buffer_(kBufferBytes),
      records_(facts.records),
      end_(facts.end) {
    if (facts.dropped != 0) file_->cut(end_);
    std::array<std::byte, 8> boot{};
    store_number(boot, 0, disk.boot());
    append_own(kOpened, boot);
}

void AppendLog::append_own(std::uint32_t kind, std::span<const std::byte> payload) {
    append(kind, std::span(&payload, 1));
}

void AppendLog::append(std::uint32_t kind, std::span<const std::span<const std::byte>> payload) {
    std::size_t length = 0;
    for (const auto& part : payload) length += part.size();
    {
        const std::lock_guard looking(guard_);
        check_sound();
        last_begin_ = end_;
        vouched_ = synced_;
    }
    std::array<std::byte, kRecordBytes> head{};
    store_number(head, kKindAt, kind);
    store_number(head, kSequenceAt, records_ + 1);
    store_number(head, kLengthAt, std::uint64_t{length});
    store_number(head, kVouchedAt, vouched_);
    const std::array<std::byte, kAlignment> zeros{};
    const auto padding = std::span(zeros).first(padding_of(length));
    std::uint32_t checksum = crc32c(std::span(head).subspan(kKindAt), seed_);
    for (const auto& part : payload) checksum = crc32c(part, checksum);
    store_number(head, kChecksumAt, crc32c(padding, checksum));

    try {
        write(head);
        for (const auto& part : payload) write(part);
        write(padding);
        flush();
    } catch (...) {
        // What was written of it goes, if it can be made to go: its call has failed.
        filled_ = 0;
        try {
            file_->cut(last_begin_);
        } catch (...) {  // then a reader meets a record cut short
        }
        give_up();
        throw;
    }
    ++records_;
    const std::lock_guard looking(guard_);
    end_ += kRecordBytes + length + padding.size();
}

// Small pieces go out together: a record that fits is one write.
void AppendLog::write(std::span<const std::byte> bytes) {
    if (bytes.size() > buffer_.size() - filled_) flush();
    if (bytes.size() > buffer_.size()) return file_->write(bytes);
    std::ranges::copy(bytes, buffer_.begin() + static_cast<std::ptrdiff_t>(filled_));
    filled_ += bytes.size();
}

void AppendLog::flush() {
    if (filled_ != 0) file_->write(std::span(buffer_).first(std::exchange(filled_, 0)));
}

void AppendLog::take_back() {
    try {
        file_->cut(last_begin_);
    } catch (...) {
        give_up();
        throw;
    }
    --records_;
    const std::lock_guard looking(guard_);
    end_ = last_begin_;
    synced_ = std::min(synced_, end_);
}

std::uint64_t AppendLog::end() const {
    const std::lock_guard looking(guard_);
    return end_;
}

void AppendLog::sync() {
    std::unique_lock looking(guard_);
    const std::uint64_t wanted = end_ == marked_ ? 0 : end_;  // a mark may be lost
    while (synced_ < wanted) {
        check_sound();
        if (syncing_) {
            done_.wait(looking);
            continue;
        }
        syncing_ = true;
        const std::uint64_t reached = end_;
        looking.unlock();
        std::exception_ptr failure;
        try {
            file_->sync();
        } catch (...) {
            failure = std::current_exception();
        }
        looking.lock();
        syncing_ = false;
        if (failure)
            broken_ = true;
        else
            synced_ = std::min(reached, end_);
        done_.notify_all();
        if (failure) std::rethrow_exception(failure);
    }
}

void AppendLog::vouch() {
    {
        const std::lock_guard looking(guard_);
        if (end_ == marked_) return;
    }
    append_own(kSynced, {});
    const std::lock_guard looking(guard_);
    if (synced_ == last_begin_) marked_ = end_;
}

void AppendLog::give_up() {
    const std::lock_guard looking(guard_);
    broken_ = true;
}

bool AppendLog::broken() const {
    const std::lock_guard looking(guard_);
    return broken_;
}

void AppendLog::check_sound() const {
    if (broken_)
        throw IoError(EIO, path_,
                      "cannot write to '" + path_ + "': an earlier write or sync failed; open the index anew");
}

}  // namespace vicinal
