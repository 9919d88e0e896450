// Replaces a file all or nothing: whoever looks sees the old file or the whole new one, also after power loss.
//
// The new bytes go to `name.tmp-<pid>-<random>` beside the target; commit() syncs and closes that file, lets it take
// the target's name, and syncs the folder. A failure on the way removes the temporary file, and the old file is as it
// was. A process that is killed leaves its temporary file behind, which nobody reads.
//
// The last step needs care: when syncing the folder fails, the new file already has the name. So the two files change
// places, the old one keeps the temporary name until the folder is synced, and they change back when it is not. Where
// the file system cannot exchange names (NFS, FAT), the new file stays in place after such a failure, whole, and the
// error says so.
//
// A symbolic link stays; what it leads to is replaced. A replaced file's permissions are kept, its owner is not: the
// new file belongs to the process. Other hard links to the old file keep the old bytes. As with any rename it is the
// folder's permissions that count: a write-protected file in a writable folder is replaced.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "file/bytes.hpp"
#include "file/disk.hpp"

namespace vicinal {

// Thread safety: one thread at a time. Several objects, also in several processes, may replace one target: the last
// commit() wins.
class AtomicReplace final : public ByteSink {
public:
    // Throws IoError naming `path` when the folder is missing or not writable, or the target exists and is not a
    // regular file (EISDIR for a folder). The disk must outlive the object.
    AtomicReplace(Disk& disk, std::string path);
    ~AtomicReplace() override;  // without commit(): nothing happened

    // These throw IoError naming the path given to the constructor; the object is of no use after that.
    void append(std::span<const std::byte> bytes) override;
    void sync();    // takes as long as the disk does; afterwards commit() is quick
    void commit();  // syncs what has not been

private:
    void create_temporary();
    void put_in_place();
    bool take_back(bool exchanged) noexcept;
    void abandon() noexcept;
    template <typename Step>
    void attempt(Step step);

    Disk& disk_;
    std::string path_;    // as the caller wrote it, for messages
    std::string target_;  // what is replaced: path_ with symbolic links followed
    std::string temporary_;
    bool temporary_exists_ = false;
    bool target_exists_ = false;
    bool synced_ = false;
    std::unique_ptr<WritableFile> file_;  // null once closed or given up
};

}  // namespace vicinal
