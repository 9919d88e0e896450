#include "file/disk.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <utility>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#include "base/errors.hpp"

namespace vicinal {
namespace {

constexpr ::mode_t kDefaultPermissions = 0644;
constexpr ::mode_t kPermissionBits = 0777;
constexpr int kMostLinks = 40;                             // as many as Linux follows itself
constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // Linux and macOS cut larger reads and writes off

[[noreturn]] void fail(int error_number, const std::string& path, std::string_view doing) {
    throw IoError(error_number, path,
                  std::string(doing) + " '" + path + "': " + std::generic_category().message(error_number));
}

const char* c_path(const std::string& path) {
    if (path.find('\0') != std::string::npos) {
        throw IoError(EINVAL, path.substr(0, path.find('\0')), "a path holds a zero byte");
    }
    return path.c_str();
}

// An open descriptor that is closed on every way out.
class Descriptor {
public:
    Descriptor(const std::string& path, int flags, ::mode_t mode, std::string_view doing) {
        do number_ = ::open(c_path(path), flags | O_CLOEXEC, mode);
        while (number_ < 0 && errno == EINTR);
        if (number_ < 0) fail(errno, path, doing);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }

    int number() const { return number_; }

    // Returns errno, or 0. Never repeated: after EINTR the descriptor is gone on Linux, and may be someone else's.
    int close() { return ::close(std::exchange(number_, -1)) == 0 || errno == EINTR ? 0 : errno; }

private:
    int number_ = -1;
};

// Returns errno, or 0.
int sync_descriptor(int number) {
#if defined(F_FULLFSYNC)
    if (::fcntl(number, F_FULLFSYNC) == 0) return 0;  // on macOS fsync alone stops at the drive's own cache
#endif
    int result = 0;
    do result = ::fsync(number);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

struct ::stat facts_of(const Descriptor& descriptor, const std::string& path) {
    struct ::stat facts{};
    if (::fstat(descriptor.number(), &facts) != 0) fail(errno, path, "cannot examine");
    return facts;
}

void write_all(const Descriptor& descriptor, const std::string& path, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ::ssize_t written = ::write(descriptor.number(), bytes.data(), std::min(bytes.size(), kMostAtOnce));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail(errno, path, "cannot write to");
        if (written == 0) fail(ENOSPC, path, "cannot write to");  // would be tried forever otherwise
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
}

class PosixWritableFile final : public WritableFile {
public:
    PosixWritableFile(const std::string& path, ::mode_t permissions)
        : path_(path), descriptor_(path, O_WRONLY | O_CREAT | O_EXCL, permissions, "cannot create") {}

    // Opening obeyed the umask, so the file is never wider open than asked for, not even for a moment. A file system
    // that refuses the rest of the bits keeps the narrower ones.
    void widen_to(::mode_t permissions) {
        if ((facts_of(descriptor_, path_).st_mode & kPermissionBits) == permissions) return;
        [[maybe_unused]] const int ignored = ::fchmod(descriptor_.number(), permissions);
    }

    void write(std::span<const std::byte> bytes) override { write_all(descriptor_, path_, bytes); }

    void sync() override {
        const int error = sync_descriptor(descriptor_.number());
        if (error != 0) fail(error, path_, "cannot sync");
    }

    void close() override {
        const int error = descriptor_.close();
        if (error != 0) fail(error, path_, "cannot close");
    }

private:
    std::string path_;
    Descriptor descriptor_;
};

class PosixAppendableFile final : public AppendableFile {
public:
    explicit PosixAppendableFile(const std::string& path)
        : path_(path), descriptor_(path, O_WRONLY | O_APPEND | O_NONBLOCK, 0, "cannot open") {}

    void write(std::span<const std::byte> bytes) override { write_all(descriptor_, path_, bytes); }
    void cut(std::uint64_t bytes) override {
        if (::ftruncate(descriptor_.number(), static_cast<::off_t>(bytes)) != 0) fail(errno, path_, "cannot shorten");
    }
    void sync() override {
        const int error = sync_descriptor(descriptor_.number());
        if (error != 0) fail(error, path_, "cannot sync");
    }

private:
    std::string path_;
    Descriptor descriptor_;
};

class PosixFileLock final : public FileLock {
public:
    explicit PosixFileLock(const std::string& path)
        : descriptor_(path, O_RDWR | O_CREAT | O_NONBLOCK, kDefaultPermissions, "cannot open") {
        int result = 0;
        do result = ::flock(descriptor_.number(), LOCK_EX | LOCK_NB);
        while (result != 0 && errno == EINTR);
        if (result != 0 && errno == EWOULDBLOCK)
            throw IoError(EWOULDBLOCK, path, "'" + path + "' is locked: somebody has the index open for writing");
        if (result != 0) fail(errno, path, "cannot lock");
    }

private:
    Descriptor descriptor_;
};

class PosixReadableFile final : public ReadableFile {
public:
    // O_NONBLOCK changes nothing for a regular file, and keeps a pipe from holding the caller.
    explicit PosixReadableFile(const std::string& path)
        : path_(path), descriptor_(path, O_RDONLY | O_NONBLOCK, 0, "cannot open") {
        const struct ::stat facts = facts_of(descriptor_, path_);
        if (S_ISDIR(facts.st_mode)) fail(EISDIR, path_, "cannot open");
        if (!S_ISREG(facts.st_mode)) throw IoError(EINVAL, path_, "cannot open '" + path_ + "': not a regular file");
    }

    std::uint64_t size() const override { return static_cast<std::uint64_t>(facts_of(descriptor_, path_).st_size); }

    std::size_t read_at(std::uint64_t offset, std::span<std::byte> to) const override {
        std::size_t filled = 0;
        while (filled < to.size()) {
            const ::ssize_t got =
                ::pread(descriptor_.number(), to.data() + filled, std::min(to.size() - filled, kMostAtOnce),
                        static_cast<::off_t>(offset + filled));
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) fail(errno, path_, "cannot read");
            if (got == 0) break;
            filled += static_cast<std::size_t>(got);
        }
        return filled;
    }

    std::shared_ptr<const std::byte> map(std::size_t bytes) const override {
        void* start = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, descriptor_.number(), 0);
        if (start == MAP_FAILED) fail(errno, path_, "cannot map");
        return {static_cast<const std::byte*>(start), [start, bytes](const std::byte*) { ::munmap(start, bytes); }};
    }

private:
    std::string path_;
    Descriptor descriptor_;
};

// Where a symbolic link points, or nothing when the path does not name one.
std::optional<std::string> link_target(const std::string& path) {
    std::string target(256, '\0');
    for (;;) {
        const ::ssize_t length = ::readlink(c_path(path), target.data(), target.size());
        if (length < 0 && (errno == EINVAL || errno == ENOENT)) return std::nullopt;
        if (length < 0) fail(errno, path, "cannot follow");
        if (static_cast<std::size_t>(length) < target.size()) {
            target.resize(static_cast<std::size_t>(length));
            return target;
        }
        target.resize(target.size() * 2);
    }
}

}  // namespace

std::unique_ptr<WritableFile> PosixDisk::create(const std::string& path, std::optional<std::uint32_t> permissions) {
    if (!permissions) return std::make_unique<PosixWritableFile>(path, kDefaultPermissions);
    const ::mode_t wanted = static_cast<::mode_t>(*permissions) & kPermissionBits;
    auto file = std::make_unique<PosixWritableFile>(path, wanted);
    file->widen_to(wanted);
    return file;
}

std::unique_ptr<ReadableFile> PosixDisk::open(const std::string& path) {
    return std::make_unique<PosixReadableFile>(path);
}

std::unique_ptr<AppendableFile> PosixDisk::append_to(const std::string& path) {
    return std::make_unique<PosixAppendableFile>(path);
}

std::unique_ptr<FileLock> PosixDisk::lock(const std::string& path) { return std::make_unique<PosixFileLock>(path); }

std::uint64_t PosixDisk::boot() {
    std::uint64_t number = 0;
    std::array<std::byte, 64> text{};
    const int file = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    const ::ssize_t got = ::read(file, text.data(), text.size());
    ::close(file);
    for (::ssize_t i = 0; i < got; ++i)
        number = (number * 1'099'511'628'211u) ^ std::to_integer<std::uint64_t>(text[static_cast<std::size_t>(i)]);
    return number;
}

void PosixDisk::rename(const std::string& from, const std::string& to) {
    if (::rename(c_path(from), c_path(to)) != 0) fail(errno, to, "cannot replace");
}

bool PosixDisk::exchange(const std::string& one, const std::string& other) {
#if defined(SYS_renameat2)
    constexpr unsigned kExchange = 1u << 1;  // RENAME_EXCHANGE, which older headers lack
    return ::syscall(SYS_renameat2, AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), kExchange) == 0;
#elif defined(RENAME_SWAP)
    return ::renamex_np(one.c_str(), other.c_str(), RENAME_SWAP) == 0;
#else
    static_cast<void>(one);
    static_cast<void>(other);
    return false;
#endif
}

void PosixDisk::remove(const std::string& path) {
    if (::unlink(c_path(path)) != 0) fail(errno, path, "cannot remove");
}

void PosixDisk::sync_folder(const std::string& path) {
    const Descriptor folder(path, O_RDONLY | O_DIRECTORY, 0, "cannot open folder");
    const int error = sync_descriptor(folder.number());
    if (error != 0 && error != EINVAL && error != ENOTSUP) fail(error, path, "cannot sync folder");
}

std::optional<FileFacts> PosixDisk::look_at(const std::string& path) {
    struct ::stat facts{};
    if (::stat(c_path(path), &facts) != 0) {
        if (errno == ENOENT) return std::nullopt;
        fail(errno, path, "cannot examine");
    }
    return FileFacts{S_ISREG(facts.st_mode), S_ISDIR(facts.st_mode),
                     static_cast<std::uint32_t>(facts.st_mode & kPermissionBits)};
}

std::string PosixDisk::follow_links(const std::string& path) {
    std::string here = path;
    for (int links = 0; links < kMostLinks; ++links) {
        const std::optional<std::string> target = link_target(here);
        if (!target) return here;
        here = target->starts_with('/') ? *target : folder_of(here) + "/" + *target;
    }
    fail(ELOOP, path, "cannot follow");
}

std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return ".";
    return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace vicinal
