// An index of buckets as outsiders use it: locks and the order of steps.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/epochs.hpp"
#include "base/watch.hpp"
#include "base/writer_lock.hpp"
#include "hash/lsh_query.hpp"
#include "hash/lsh_tables.hpp"
#include "persist/lsh_read.hpp"

namespace vicinal {

// Where a search puts what it finds: k columns a query, padded with id -1 and distance +inf; `work` is empty, or has
// one entry for each query.
struct LshFound {
    std::span<std::int64_t> ids;
    std::span<float> distances;
    std::span<LshWork> work;
};

// Of query i, entries lims[i] to lims[i + 1]: ids, ascending.
struct LshCandidates {
    std::vector<std::int64_t> lims, ids;
};

// Thread safety: any number of threads may call any methods at once. Readers never wait; writers and save wait for each
// other, and throw ForkedError in the child of a process that was forked while another of its threads was at one.
// A method that throws has changed nothing.
class LshIndex {
public:
    explicit LshIndex(const LshSettings& settings);  // throws InvalidArgumentError
    ~LshIndex();
    LshIndex(const LshIndex&) = delete;
    LshIndex& operator=(const LshIndex&) = delete;

    // Returns the ids: those given, or consecutive ones from the largest ever used + 1 on. `overflow` is what this call
    // has put beyond the cap. Throws InvalidVectorError, DuplicateIdError, InvalidArgumentError; Stopped: nothing is
    // in.
    std::vector<std::int64_t> add(const Items& items, std::span<const std::int64_t> ids, std::size_t threads,
                                  Watch& watch, Overflow& overflow);
    // Searches that start afterwards do not report them. When fewer than half of the slots are live, tables are made
    // anew; a watch that says stop leaves that to a later call. Throws UnknownIdError, DuplicateIdError.
    void remove(std::span<const std::int64_t> ids, std::size_t threads, Watch& watch);

    // Each query alone decides what it finds: not the threads, nor the others. Throws InvalidVectorError,
    // InvalidArgumentError, Stopped.
    void search(const Items& queries, const LshAsked& asked, std::size_t threads, const LshFound& found,
                Watch& watch) const;
    LshCandidates candidates(const Items& queries, const LshAsked& asked, std::size_t threads, Watch& watch) const;

    std::size_t size() const;
    bool contains(std::int64_t id) const;
    std::vector<std::int64_t> ids() const;  // ascending
    const LshSettings& settings() const { return settings_; }
    const Family& family() const { return *family_; }
    BucketShape shape(std::size_t threads, Watch& watch) const;
    LshMemory memory() const;

    // Throw IoError, and Stopped: an old file is untouched.
    void save(const std::string& path, Watch& watch) const;
    std::vector<std::byte> to_bytes(Watch& watch) const;
    // Throw NotAnIndexError, CorruptIndexError, FormatTooNewError, IoError, Stopped.
    static std::unique_ptr<LshIndex> load(const std::string& path, Watch& watch);
    static std::unique_ptr<LshIndex> from_bytes(std::span<const std::byte> bytes, Watch& watch);

private:
    explicit LshIndex(StoredLsh stored);
    class Reading;
    void check_items(const Items& items, const char* name, const Crew& crew) const;
    void check_asked(const LshAsked& asked) const;
    template <class Then>
    void run_queries(const LshView& view, const Items& queries, const LshAsked& asked, Team& team, Watch& watch,
                     Then then) const;
    std::vector<std::int64_t> ids_for(const LshView& view, std::size_t n, std::span<const std::int64_t> given) const;
    void publish(std::unique_ptr<const LshView> view) noexcept;

    const LshSettings settings_;
    const Space space_;
    const std::unique_ptr<const Family> family_;

    mutable WriterLock writing_;  // guards next_id_, held_ and retired_
    std::int64_t next_id_ = 0;
    std::unique_ptr<const LshView> held_;  // the one that is shown

    mutable Epochs epochs_;
    std::atomic<const LshView*> current_{nullptr};
    struct Retired {
        std::unique_ptr<const LshView> view;
        Epochs::Time time;
    };
    std::vector<Retired> retired_;
};

}  // namespace vicinal
