// An index that lives in a file: the file, and a log of what was done since it was written.
//
//   name        the index as of some moment, a file as Index::save() writes it (persist/format.hpp)
//   name.log    the calls since then (file/append_log.hpp, index/log_calls.hpp)
//   name.lock   empty; whoever has the index open for writing holds the lock on it. It stays
//
// A call is written to the log before it is applied: when the log does not take it, nothing has changed. When the index
// refuses it, the record is taken back. A process that dies between the two leaves one record that cannot be applied,
// as the last: its call never returned, and it is dropped.
//
// Now and then the log begins anew. The index is saved beside the file and synced; the log is told the mark of the new
// file, and synced; the new file takes the name; a new log, which says that it follows the new file, takes the name of
// the old one. Whoever opens finds
//   a file that the log follows           and applies the log,
//   a file that the log's last record tells of   and knows that the log is in it already,
//   or some other file                    and refuses: the two do not belong together.
//
// So a loss of power at any moment leaves a state between two calls, not older than the last sync. What that means for
// a call that has returned is the caller's choice of Durability.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "base/watch.hpp"
#include "base/writer_lock.hpp"
#include "file/append_log.hpp"
#include "file/disk.hpp"
#include "index/index.hpp"
#include "index/log_calls.hpp"

namespace vicinal {

enum class Durability : std::uint8_t {
    none,        // no log: what was done since the last sync() or close() is lost with the process
    batched,     // a call that returned survives the process, and after sync() a loss of power
    every_call,  // a call that returned, and for which commit() returned, survives a loss of power
};

struct StoreFacts {
    Durability durability = Durability::batched;
    std::uint64_t log_bytes = 0;      // 0 without a log
    std::uint64_t rows_in_log = 0;    // added or removed since the file was written
    std::uint64_t recovered = 0;      // of these, when it was opened
    std::uint64_t dropped_bytes = 0;  // at the end of the log, when it was opened: of a call that never returned
    bool broken = false;              // nothing more can be written: open the index anew
    std::string last_failure;         // why the log could not begin anew, if so
};

// Thread safety: as Index. Readers use index(), and wait for nobody. In a child of fork() every method but index(),
// facts() and the destructor throws ReadOnlyError.
// A method that throws has changed nothing, unless its comment says otherwise.
class Store {
public:
    // Makes the file when there is none, with the options given; InvalidArgumentError without. IoError with EWOULDBLOCK
    // when somebody else has it open; CorruptIndexError, NotAnIndexError, FormatTooNewError of either file; Stopped.
    static std::unique_ptr<Store> open(Disk& disk, const std::string& path, const std::optional<Options>& create,
                                       Durability durability, Watch& watch);
    ~Store();  // as after a kill, unless close() was called

    Index& index() { return *index_; }
    const std::string& path() const { return path_; }
    StoreFacts facts() const;

    // As those of Index. Throw IoError when the log does not take the call.
    Added add(const Batch& batch, std::size_t threads, Watch& watch);
    Added update(const Batch& batch, std::size_t threads, Watch& watch);
    Added upsert(const Batch& batch, std::size_t threads, Watch& watch);
    void remove(std::span<const std::int64_t> ids, std::size_t threads, Watch& watch);
    // These change no content. They are kept by writing the whole file, so they may throw IoError and have been done.
    void calibrate(Calibration&& calibration, Watch& watch);
    std::size_t repair(Watch& watch);
    void compact(std::size_t threads, Watch& watch);
    void optimize(std::size_t threads, Watch& watch);

    // Under every_call: when it returns, so are all calls that returned before. One sync serves many. Else does
    // nothing.
    void commit();
    // When it returns, all calls that returned before survive a loss of power.
    void sync(Watch& watch);
    // Writes the whole file and begins a new log. All or nothing; throws Stopped.
    void checkpoint(Watch& watch);
    // Writes the whole file if anything was done since it was written, and lets go of it; what throws here has let go
    // too, and the log still has everything. The index can be searched on.
    void close(Watch& watch);

private:
    Store(Disk& disk, std::string path, Durability durability);
    struct Writing;
    using Write = Added (Index::*)(const Batch& batch, std::size_t threads, Watch& watch);
    Added write(Call call, Write apply, const Batch& batch, std::size_t threads, Watch& watch);
    void open_files(const std::optional<Options>& create, Watch& watch);
    void recover(Watch& watch);
    void open_log(const LogFacts& facts);
    void write_file(Watch& watch);
    void count(std::size_t rows, Watch& watch);
    void check_ours() const;
    std::shared_ptr<AppendLog> log() const;

    Disk& disk_;
    std::string path_, log_path_;
    Durability durability_;
    pid_t owner_;
    std::unique_ptr<FileLock> lock_;  // none: closed
    std::unique_ptr<Index> index_;
    FileMark file_;
    WriterLock writing_;  // of what follows, and of file_

    mutable std::mutex guard_;  // of the rest against facts() and commit()
    std::shared_ptr<AppendLog> log_;
    bool changed_ = false;  // since the file was written
    std::uint64_t rows_in_log_ = 0, next_checkpoint_ = 0;
    StoreFacts found_;
};

}  // namespace vicinal
