#include "index/store.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "file/bytes.hpp"
#include "index/options.hpp"

namespace vicinal {
namespace {

// The log begins anew when it holds so many rows, or as many as an eighth of the index: to apply them takes seconds,
// and to write the file anew costs a small part of what it cost to insert them.
constexpr std::uint64_t kFewRows = 16'384, kShare = 8;

std::uint64_t most_rows_in_log(const Index& index) { return std::max<std::uint64_t>(kFewRows, index.size() / kShare); }

}  // namespace

namespace {

// Of a batch that was stopped, the rows that are in, in the sequence in which they entered.
class Entered {
public:
    Entered(const Batch& batch, const Added& added, std::size_t row_bytes) : ids_(added.ids), row_bytes_(row_bytes) {
        for (std::size_t i = 0; i < ids_.size(); ++i) {
            const std::size_t row = batch.order.empty() ? i : static_cast<std::size_t>(batch.order[i]);
            const std::byte* begin = batch.rows + row * row_bytes;
            rows_.insert(rows_.end(), begin, begin + row_bytes);
            if (!batch.groups.empty()) groups_.push_back(batch.groups[row]);
        }
    }
    void append(AppendLog& log, Call call) const {
        append_call(log, call, {rows_.data(), ids_.size(), ids_, groups_}, row_bytes_);
    }

private:
    std::span<const std::int64_t> ids_;
    std::size_t row_bytes_;
    std::vector<std::byte> rows_;
    std::vector<std::int64_t> groups_;
};

}  // namespace

// A writer's turn.
struct Store::Writing {
    explicit Writing(Store& store) {
        store.check_ours();
        turn = std::unique_lock(store.writing_);
        if (store.lock_ == nullptr) throw ReadOnlyError("the index in '" + store.path_ + "' was closed");
    }
    std::unique_lock<WriterLock> turn;
};

Store::Store(Disk& disk, std::string path, Durability durability)
    : disk_(disk), path_(std::move(path)), durability_(durability), owner_(::getpid()) {}

Store::~Store() = default;

std::unique_ptr<Store> Store::open(Disk& disk, const std::string& path, const std::optional<Options>& create,
                                   Durability durability, Watch& watch) {
    std::unique_ptr<Store> store(new Store(disk, disk.follow_links(path), durability));
    store->log_path_ = store->path_ + ".log";
    store->lock_ = disk.lock(store->path_ + ".lock");
    store->open_files(create, watch);
    return store;
}

void Store::open_files(const std::optional<Options>& create, Watch& watch) {
    const bool has_file = disk_.look_at(path_).has_value(), has_log = disk_.look_at(log_path_).has_value();
    if (!has_file && has_log)
        throw CorruptIndexError("'" + log_path_ + "' is the log of an index, and '" + path_ +
                                "', which it follows, is gone");
    if (!has_file) {
        if (!create) throw InvalidArgumentError("there is no index in '" + path_ + "', and no dim to make one with");
        index_ = std::make_unique<Index>(*create);
        write_file(watch);
    } else {
        index_ = Index::load_from(disk_, path_, watch, file_);
    }
    if (has_log)
        recover(watch);
    else if (durability_ != Durability::none)
        start_log(disk_, log_path_, file_);
    if (durability_ != Durability::none && log_ == nullptr)
        open_log(read_log(FileSource(disk_, log_path_), disk_.boot(), [](const LogRecord&) {}));
    next_checkpoint_ = most_rows_in_log(*index_);
}

// Reads the log twice: the first time only to see that it belongs to the file.
void Store::recover(Watch& watch) {
    const FileSource source(disk_, log_path_);
    const std::string& name = source.name();
    std::uint64_t records = 0, told_by = 0;
    LogFacts facts = read_log(source, disk_.boot(), [&](const LogRecord& record) {
        ++records;
        if (Call{record.kind} != Call::file || record.payload.size() != kMarkBytes) return;
        if (decode_mark(record.payload) == file_) told_by = records;
    });
    if (facts.follows != file_) {
        if (told_by == 0 || told_by != records)
            throw MismatchedFilesError("'" + log_path_ + "' does not follow the index in '" + path_ +
                                       "': one of the two was replaced");
        start_log(disk_, log_path_, file_);
    } else {
        std::uint64_t at = 0;
        read_log(source, disk_.boot(), [&](const LogRecord& record) {
            ++at;
            try {
                rows_in_log_ += repeat(*index_, record, name, watch);
            } catch (const Refused&) {
                if (at != records) throw;
                facts.records = record.sequence - 1;
                facts.end = record.begin;
                facts.dropped = source.size() - record.begin;
            }
            if (watch.stopped()) throw Stopped();
        });
        found_.recovered = rows_in_log_;
        found_.dropped_bytes = facts.dropped;
        changed_ = rows_in_log_ != 0;
        open_log(facts);
    }
    if (durability_ != Durability::none) return;
    if (changed_) write_file(watch);
    log_.reset();
    disk_.remove(log_path_);
}

void Store::open_log(const LogFacts& facts) {
    auto log = std::make_shared<AppendLog>(disk_, log_path_, facts);
    const std::lock_guard looking(guard_);
    log_ = std::move(log);
}

void Store::check_ours() const {
    if (owner_ != ::getpid())
        throw ReadOnlyError("the index in '" + path_ + "' was opened by process " + std::to_string(owner_) +
                            ", of which this one is a child: here it can be searched, but not changed");
}

std::shared_ptr<AppendLog> Store::log() const {
    const std::lock_guard looking(guard_);
    return log_;
}

StoreFacts Store::facts() const {
    const std::lock_guard looking(guard_);
    StoreFacts facts = found_;
    facts.durability = durability_;
    facts.rows_in_log = log_ == nullptr ? 0 : rows_in_log_;
    facts.log_bytes = log_ == nullptr ? 0 : log_->end();
    facts.broken = log_ != nullptr && log_->broken();
    return facts;
}

Added Store::add(const Batch& batch, std::size_t threads, Watch& watch) {
    return write(Call::add, &Index::add, batch, threads, watch);
}

Added Store::update(const Batch& batch, std::size_t threads, Watch& watch) {
    return write(Call::update, &Index::update, batch, threads, watch);
}

Added Store::upsert(const Batch& batch, std::size_t threads, Watch& watch) {
    return write(Call::upsert, &Index::upsert, batch, threads, watch);
}

Added Store::write(Call call, Write apply, const Batch& batch, std::size_t threads, Watch& watch) {
    const Writing writing(*this);
    if (batch.n == 0 || log_ == nullptr) {
        const Added added = ((*index_).*apply)(batch, threads, watch);
        count(added.ids.size(), watch);
        return added;
    }
    const std::size_t row_bytes = given_bytes(index_->options().dtype, index_->options().dim);
    append_call(*log_, call, batch, row_bytes);
    Added added;
    try {
        added = ((*index_).*apply)(batch, threads, watch);
    } catch (...) {
        log_->take_back();
        throw;
    }
    if (!added.complete) {
        log_->take_back();
        if (!added.ids.empty()) Entered(batch, added, row_bytes).append(*log_, call);
    }
    count(added.ids.size(), watch);
    return added;
}

void Store::remove(std::span<const std::int64_t> ids, std::size_t threads, Watch& watch) {
    const Writing writing(*this);
    if (ids.empty()) return;
    if (log_ != nullptr) append_call(*log_, Call::remove, ids);
    try {
        index_->remove(ids, threads, watch);
    } catch (...) {
        if (log_ != nullptr) log_->take_back();
        throw;
    }
    count(ids.size(), watch);
}

void Store::calibrate(Calibration&& calibration, Watch& watch) {
    const Writing writing(*this);
    index_->calibrate(std::move(calibration));
    changed_ = true;
    if (log_ != nullptr) write_file(watch);
}

std::size_t Store::repair(Watch& watch) {
    const Writing writing(*this);
    const std::size_t repaired = index_->repair(watch);
    changed_ = changed_ || repaired != 0;
    if (log_ != nullptr && repaired != 0) write_file(watch);
    return repaired;
}

void Store::compact(std::size_t threads, Watch& watch) {
    const Writing writing(*this);
    index_->compact(threads, watch);
    changed_ = true;
    if (log_ != nullptr) write_file(watch);
}

void Store::optimize(std::size_t threads, Watch& watch) {
    const Writing writing(*this);
    index_->optimize(threads, watch);
    changed_ = true;
    if (log_ != nullptr) write_file(watch);
}

// A call that is in the log has succeeded, whether or not a new log can be begun.
void Store::count(std::size_t rows, Watch& watch) {
    changed_ = changed_ || rows != 0;
    if (log_ == nullptr) return;
    {
        const std::lock_guard looking(guard_);
        rows_in_log_ += rows;
        if (rows_in_log_ <= next_checkpoint_) return;
    }
    try {
        write_file(watch);
    } catch (const Stopped&) {
        return;
    } catch (const std::exception& error) {
        const std::lock_guard looking(guard_);
        found_.last_failure = error.what();
        next_checkpoint_ = rows_in_log_ + most_rows_in_log(*index_);
    }
}

void Store::write_file(Watch& watch) {
    FileMark fresh;
    bool told = false;
    try {
        index_->save_on(disk_, path_, watch, [&](const FileMark& mark) {
            fresh = mark;
            if (log_ == nullptr) return;
            append_call(*log_, mark);
            told = true;
            log_->sync();
        });
        file_ = fresh;
        changed_ = false;
        if (log_ == nullptr) return;
        start_log(disk_, log_path_, file_);
        open_log(read_log(FileSource(disk_, log_path_), disk_.boot(), [](const LogRecord&) {}));
    } catch (...) {
        // Nothing may come behind a record that tells of a file which may or may not have its name.
        if (told) log_->give_up();
        throw;
    }
    const std::lock_guard looking(guard_);
    rows_in_log_ = 0;
    next_checkpoint_ = most_rows_in_log(*index_);
    found_.last_failure.clear();
}

void Store::commit() {
    if (durability_ != Durability::every_call) return;
    check_ours();
    if (const auto log = this->log()) log->sync();
}

void Store::sync(Watch& watch) {
    const Writing writing(*this);
    if (log_ == nullptr) {
        if (changed_) write_file(watch);
        return;
    }
    log_->sync();
    log_->vouch();
}

void Store::checkpoint(Watch& watch) {
    const Writing writing(*this);
    write_file(watch);
}

void Store::close(Watch& watch) {
    check_ours();
    const std::unique_lock turn(writing_);
    if (lock_ == nullptr) return;
    const auto let_go = [&] {
        const std::lock_guard looking(guard_);
        log_.reset();
        lock_.reset();
    };
    try {
        if (log_ != nullptr && log_->broken()) log_->sync();  // says so
        if (changed_) write_file(watch);
    } catch (...) {
        let_go();
        throw;
    }
    let_go();
}

}  // namespace vicinal
