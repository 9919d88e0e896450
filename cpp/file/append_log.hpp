// A log: records one after the other, of which those that were written whole are read again. This header is its
// specification. What a record says is the business of whoever writes it; the log knows lengths, order and checksums.
//
// All numbers are unsigned and little-endian. A checksum is CRC-32C that starts from the log's seed, a number drawn
// for each log, so that what an older file left on the disk cannot pass for a record of this one.
//
// Header, 64 bytes
//    0   8  magic: 89 'V' 'C' 'L' 0d 0a 1a 0a
//    8   4  version, 1
//   12   4  seed
//   16  16  the file this log follows, as its FileMark
//   32   8  number of the machine's start (Disk::boot()); 0: not known
//   40  20  zero
//   60   4  CRC-32C of bytes 0 to 59
//
// Record, from an offset that is a multiple of 8
//    0   4  checksum of everything after it, the zeros at the end included
//    4   4  kind
//    8   8  sequence number: 1, 2, 3 ...
//   16   8  length of the payload
//   24   8  how many bytes of the log were known to be on the device when this record was written
//   32   n  payload, then zeros up to a multiple of 8
//
// The log ends at the first record that is not sound. That is what a kill or a loss of power leaves of a record that
// was being written: it was not promised to anybody. Without a loss of power nothing can stand behind it. With one,
// records may: a disk writes in any order what it was not told to have written. So what stands behind a bad record is
// looked through for a sound one; when the machine has not been started anew since the log was last opened, or when
// the sound one says that the bad one was on the device, the log is damaged, and that is reported.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "file/bytes.hpp"
#include "file/disk.hpp"

namespace vicinal {

// Tells one container file from another: its length, and the checksums of its table and its header, which cover the
// checksums of all of its blocks. Files of the same bytes have the same mark.
struct FileMark {
    std::uint64_t bytes = 0;
    std::uint32_t table = 0, header = 0;
    friend bool operator==(const FileMark&, const FileMark&) = default;
};

FileMark mark_of(const ByteSource& container);
// Of a container of which only the end is at hand.
FileMark mark_of(std::uint64_t bytes, std::span<const std::byte> footer);

constexpr std::size_t kMarkBytes = 16;
std::array<std::byte, kMarkBytes> encode(const FileMark& mark);
FileMark decode_mark(std::span<const std::byte> bytes);

namespace append_log {

constexpr std::size_t kHeaderBytes = 64;
constexpr std::size_t kRecordBytes = 32;  // without the payload
constexpr std::uint32_t kOpened = 0;      // the log itself writes these: payload, the number of the machine's start
constexpr std::uint32_t kSynced = 1;      // nothing but what it says in its last field

}  // namespace append_log

struct LogRecord {
    std::uint32_t kind = 0;
    std::span<const std::byte> payload;
    std::uint64_t sequence = 0, begin = 0;  // its number, and where in the log it stands
};

// What a log holds.
struct LogFacts {
    FileMark follows;
    std::uint32_t seed = 0;
    std::uint64_t boot = 0;     // as the last of those who opened it found it
    std::uint64_t records = 0;  // whole ones, the log's own included
    std::uint64_t end = 0;      // where the last of them ends
    std::uint64_t dropped = 0;  // bytes behind it
};

// Reads a log from its beginning and hands over each record that is not the log's own; what `take` throws ends the
// reading. `boot` as Disk::boot(). Takes as much memory as the longest record. Throws CorruptIndexError, IoError.
LogFacts read_log(const ByteSource& source, std::uint64_t boot, const std::function<void(const LogRecord&)>& take);

// Replaces the file at `path`, all or nothing, by a log without records.
void start_log(Disk& disk, const std::string& path, const FileMark& follows);

// The end of a log. After a failed write or sync nothing more is written: what is on the disk is known again when the
// log has been read anew.
//
// Thread safety: append() and take_back() one thread at a time; sync() any number beside them, of which one speaks to
// the disk for all.
class AppendLog {
public:
    // Cuts off what lies behind `facts.end`. Throws IoError.
    AppendLog(Disk& disk, const std::string& path, const LogFacts& facts);

    // Throws IoError; the log is then broken, and without the record where the disk still takes orders.
    void append(std::uint32_t kind, std::span<const std::span<const std::byte>> payload);
    // The last record, whose call came to nothing.
    void take_back();

    std::uint64_t end() const;
    // When it returns, all that was appended before is on the device.
    void sync();
    // Lets a reader know that it is, if anything was appended since it last did.
    void vouch();

    // Nothing may be written any more, because of something that happened elsewhere.
    void give_up();
    bool broken() const;

private:
    void check_sound() const;
    void write(std::span<const std::byte> bytes);
    void flush();
    void append_own(std::uint32_t kind, std::span<const std::byte> payload);

    std::string path_;
    std::uint32_t seed_;
    std::unique_ptr<AppendableFile> file_;
    std::vector<std::byte> buffer_;
    std::size_t filled_ = 0;
    std::uint64_t records_ = 0, last_begin_ = 0, vouched_ = 0;

    mutable std::mutex guard_;  // of the rest
    std::condition_variable done_;
    std::uint64_t end_ = 0, synced_ = 0;
    std::uint64_t marked_ = 0;  // the end, when nothing but the record that all before is synced was appended since
    bool syncing_ = false, broken_ = false;
};

}  // namespace vicinal
