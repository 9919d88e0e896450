#include "file/atomic_replace.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>

#include "base/errors.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kLongestName = 200;  // leaves room for the suffix within the 255 bytes file systems allow
constexpr int kNameAttempts = 8;

std::string random_suffix() {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::random_device device;
    std::uint64_t number = (std::uint64_t{device()} << 32) | device();
    std::string text = ".tmp-" + std::to_string(::getpid()) + "-";
    for (int digit = 0; digit < 16; ++digit, number >>= 4) text += kDigits[number & 15u];
    return text;
}

// The target's name, cut where it is too long to carry a suffix, never inside a UTF-8 character.
std::string temporary_name(const std::string& target) {
    const std::size_t slash = target.rfind('/');
    const std::size_t start = slash == std::string::npos ? 0 : slash + 1;
    std::size_t end = std::min(target.size(), start + kLongestName);
    while (end < target.size() && end > start && (static_cast<unsigned char>(target[end]) & 0xc0u) == 0x80u) --end;
    return target.substr(0, end) + random_suffix();
}

}  // namespace

// Runs one step; whatever it throws, the temporary file goes, and a disk's error names what the caller named.
template <typename Step>
void AtomicReplace::attempt(Step step) {
    try {
        step();
    } catch (const IoError& error) {
        abandon();
        throw IoError(error.error_number(), path_, "cannot save to '" + path_ + "': " + error.what());
    } catch (...) {
        abandon();
        throw;
    }
}

AtomicReplace::AtomicReplace(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {
    attempt([&] {
        target_ = disk_.follow_links(path_);
        create_temporary();
    });
}

AtomicReplace::~AtomicReplace() { abandon(); }

void AtomicReplace::create_temporary() {
    const std::optional<FileFacts> facts = disk_.look_at(target_);
    if (facts && facts->is_folder) throw IoError(EISDIR, target_, "it is a folder");
    if (facts && !facts->is_file) throw IoError(EINVAL, target_, "it exists and is not a regular file");
    target_exists_ = facts.has_value();

    for (int attempts_left = kNameAttempts; file_ == nullptr; --attempts_left) {
        temporary_ = temporary_name(target_);
        try {
            file_ = disk_.create(temporary_, facts ? std::optional(facts->permissions) : std::nullopt);
        } catch (const IoError& error) {
            if (error.error_number() != EEXIST || attempts_left == 1) throw;
        }
    }
    temporary_exists_ = true;
}

void AtomicReplace::append(std::span<const std::byte> bytes) {
    if (file_ == nullptr) throw std::logic_error("append() to a replacement that has ended");
    synced_ = false;
    attempt([&] { file_->write(bytes); });
}

void AtomicReplace::sync() {
    if (file_ == nullptr) throw std::logic_error("sync() of a replacement that has ended");
    attempt([&] { file_->sync(); });
    synced_ = true;
}

void AtomicReplace::commit() {
    if (file_ == nullptr) throw std::logic_error("commit() of a replacement that has ended");
    if (!synced_) sync();
    attempt([&] {
        std::exchange(file_, nullptr)->close();
        put_in_place();
    });
}

void AtomicReplace::put_in_place() {
    const std::string folder = folder_of(target_);
    const bool exchanged = target_exists_ && disk_.exchange(temporary_, target_);
    if (!exchanged) {
        disk_.rename(temporary_, target_);
        temporary_exists_ = false;
    }
    try {
        disk_.sync_folder(folder);
    } catch (const IoError& error) {
        if (take_back(exchanged)) throw;
        throw IoError(error.error_number(), path_,
                      std::string(error.what()) + "; the new file is in place, but may not survive a loss of power");
    } catch (...) {
        take_back(exchanged);
        throw;
    }
    abandon();  // after an exchange: the old file, under the temporary name
}

// True when the target is again what it was.
bool AtomicReplace::take_back(bool exchanged) noexcept {
    if (exchanged && disk_.exchange(temporary_, target_)) return true;
    if (target_exists_ && !exchanged) return false;
    temporary_exists_ = false;  // whatever comes next, the old file must not be removed
    try {
        if (exchanged) disk_.rename(temporary_, target_);
        if (!exchanged) disk_.remove(target_);
        return true;
    } catch (...) {
        return false;
    }
}

void AtomicReplace::abandon() noexcept {
    file_.reset();
    if (!std::exchange(temporary_exists_, false)) return;
    try {
        disk_.remove(temporary_);
    } catch (...) {  // nothing more can be done; a stray temporary file harms nobody
    }
}

}  // namespace vicinal
