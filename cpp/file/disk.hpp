// The seam between us and the operating system's files. Everything that touches a disk goes through a Disk, so that
// a test can put another one in its place: one that fails at the Nth call, or forgets what was never synced.
//
// Every function throws IoError (errno, the path it was about, and a sentence) unless its comment says otherwise.
// Paths are bytes as the operating system takes them; one that holds a zero byte is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace vicinal {

// A file being written from its start. Thread safety: one thread at a time.
class WritableFile {
public:
    WritableFile() = default;
    WritableFile(const WritableFile&) = delete;
    WritableFile& operator=(const WritableFile&) = delete;
    virtual ~WritableFile() = default;  // closes, if close() was not called; errors of that are lost

    virtual void write(std::span<const std::byte> bytes) = 0;  // all of them, at the end
    virtual void sync() = 0;   // down to the device. After a failure what is on disk is unknown: never call it again,
                               // give the file up (a second fsync may succeed without having written anything)
    virtual void close() = 0;  // once; the file is closed even when this throws
};

// A file being read. Thread safety: any number of threads.
class ReadableFile {
public:
    ReadableFile() = default;
    ReadableFile(const ReadableFile&) = delete;
    ReadableFile& operator=(const ReadableFile&) = delete;
    virtual ~ReadableFile() = default;

    virtual std::uint64_t size() const = 0;

    // Fills `to` from `offset` on and returns how many bytes that were; fewer than asked for only where the file ends.
    virtual std::size_t read_at(std::uint64_t offset, std::span<std::byte> to) const = 0;

    // The first `bytes` of the file as memory that is read from it as it is touched; it outlives this object. A file
    // that is cut short meanwhile ends the process that touches what is gone.
    virtual std::shared_ptr<const std::byte> map(std::size_t bytes) const = 0;
};

// A file that grows at its end. Thread safety: one thread at a time, but sync() may run beside write().
class AppendableFile {
public:
    AppendableFile() = default;
    AppendableFile(const AppendableFile&) = delete;
    AppendableFile& operator=(const AppendableFile&) = delete;
    virtual ~AppendableFile() = default;  // closes

    virtual void write(std::span<const std::byte> bytes) = 0;  // all of them, at the end
    virtual void cut(std::uint64_t bytes) = 0;                 // to its first `bytes`
    virtual void sync() = 0;                                   // as WritableFile::sync()
};

// A lock on a name, held until it is destroyed or the process ends.
class FileLock {
public:
    FileLock() = default;
    FileLock(const FileLock&) = delete;
    FileLock& operator=(const FileLock&) = delete;
    virtual ~FileLock() = default;
};

struct FileFacts {
    bool is_file = false;  // a regular one
    bool is_folder = false;
    std::uint32_t permissions = 0;  // the nine bits rwxrwxrwx
};

class Disk {
public:
    Disk() = default;
    Disk(const Disk&) = delete;
    Disk& operator=(const Disk&) = delete;
    virtual ~Disk() = default;

    // A new file; EEXIST when the name is taken. Permissions: exactly those given, where the file system can; without,
    // rw-r--r-- less the process's umask.
    virtual std::unique_ptr<WritableFile> create(const std::string& path,
                                                 std::optional<std::uint32_t> permissions = std::nullopt) = 0;

    // A regular file, for reading; EISDIR for a folder, EINVAL for anything else. Never waits for a writer at the
    // other end of a pipe.
    virtual std::unique_ptr<ReadableFile> open(const std::string& path) = 0;

    // A file that is there, for writing at its end.
    virtual std::unique_ptr<AppendableFile> append_to(const std::string& path) = 0;

    // Takes the lock on a file, which is made when it is not there; EWOULDBLOCK when somebody else has it, be it in
    // this process. A child of fork() shares its parent's lock.
    virtual std::unique_ptr<FileLock> lock(const std::string& path) = 0;

    // Another number after each start of the machine, as far as that is known; 0: not known. Does not throw.
    virtual std::uint64_t boot() = 0;

    virtual void rename(const std::string& from, const std::string& to) = 0;  // replaces what `to` named, in one step

    // Lets the two names change places in one step. False, and nothing happened, where that cannot be done (not every
    // file system can). Does not throw.
    virtual bool exchange(const std::string& one, const std::string& other) = 0;

    virtual void remove(const std::string& path) = 0;

    // Makes names created, renamed and removed in the folder durable. Where folders cannot be synced (some network
    // file systems say so with EINVAL), it does nothing.
    virtual void sync_folder(const std::string& path) = 0;

    // What the path leads to; nothing when there is nothing.
    virtual std::optional<FileFacts> look_at(const std::string& path) = 0;

    // The path itself, or, when it names a symbolic link, where that leads in the end, whether or not anything is
    // there. ELOOP when it leads in a circle.
    virtual std::string follow_links(const std::string& path) = 0;
};

// Thread safety: any number of threads; it has no state.
class PosixDisk final : public Disk {
public:
    std::unique_ptr<WritableFile> create(const std::string& path, std::optional<std::uint32_t> permissions) override;
    std::unique_ptr<ReadableFile> open(const std::string& path) override;
    std::unique_ptr<AppendableFile> append_to(const std::string& path) override;
    std::unique_ptr<FileLock> lock(const std::string& path) override;
    std::uint64_t boot() override;
    void rename(const std::string& from, const std::string& to) override;
    bool exchange(const std::string& one, const std::string& other) override;
    void remove(const std::string& path) override;
    void sync_folder(const std::string& path) override;
    std::optional<FileFacts> look_at(const std::string& path) override;
    std::string follow_links(const std::string& path) override;
};

// The folder that holds the path's last name: "." for a bare name.
std::string folder_of(const std::string& path);

}  // namespace vicinal
