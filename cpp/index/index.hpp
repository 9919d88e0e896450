// The one class outsiders use: locks and the order of steps, nothing clever.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/watch.hpp"
#include "graph/calibration.hpp"
#include "graph/filter_plan.hpp"
#include "index/attributes.hpp"
#include "index/id_set.hpp"
#include "index/options.hpp"

namespace vicinal {

class Disk;
struct FileMark;
struct GraphArrays;
struct OwnedArrays;

// Rows without gaps, as callers hand them in.
struct Vectors {
    const std::byte* rows;
    std::size_t n;
};

// Rows to be written. They enter the graph one after the other as `order` says: the numbers 0 to n - 1, each once.
// Empty: as they stand.
struct Batch {
    const std::byte* rows;
    std::size_t n;
    std::span<const std::int64_t> ids = {};     // one per row, none negative; empty: consecutive, from next_id() on
    std::span<const std::int64_t> groups = {};  // any number for each row, or none at all
    std::span<const std::int64_t> order = {};   // read in place, so that a shuffle copies no row
};

// Where search() puts what it finds: k columns a query, row by row, nearest first, short rows padded with id -1 and
// distance +inf. `work` is empty, or has one entry per query.
struct Work {
    std::int64_t distances = 0;  // vectors compared, themselves or by their codes
    std::int64_t estimates = 0;
    std::int64_t hops = 0;   // rows of links read
    std::int64_t bytes = 0;  // of vectors and links touched
    std::int64_t reranked = 0;
    std::int64_t effort = 0;  // the width of the beam; where a rule ended the walk, the nodes it expanded, if fewer;
                              // of an exact search, all rows
    Strategy strategy = Strategy::graph;
};
struct Found {
    std::span<std::int64_t> ids;
    std::span<float> distances;
    std::span<std::int64_t> counts;
    std::span<Work> work;
};

// What may be reported: ids, or what lies in a region of attributes, or else a byte for each vector in the order of
// ids, not 0 where it is admitted.
struct Filter {
    const IdSet* ids = nullptr;
    std::span<const std::uint8_t> mask = {};
    const AttributeFilter* region = nullptr;
};

struct SearchOptions {
    std::size_t k = 10;
    std::size_t ef = 0;  // raised to k. 0: what is calibrated for a recall of 0.95, or else max(64, 2k)
    bool exact = false;  // compare with every vector
    std::size_t threads = 1;
    double recall = 0;          // the target, where ef is 0; 0: none
    StopRule rule = {};         // ends the walk before the beam of width ef does
    std::size_t per_group = 0;  // the most hits of a group; 0: any number
    std::size_t rerank = 0;  // of a tier: how many meet the stored vectors, as wide a beam at least; 0: all of the beam
    std::span<const Filter> filters = {};  // none, one for all queries, or one for each
};

// Of query i, entries lims[i] to lims[i + 1]: nearest first.
struct Within {
    std::vector<std::int64_t> lims;
    std::vector<std::int64_t> ids;
    std::vector<float> distances;
};

// Groups that have a vector within a radius of a query.
struct GroupOptions {
    std::size_t most = 64;  // of the nearest, for each query
    std::size_t ef = 32;    // nodes that a walk expands at least; kWidestByEf times as many at most
    float radius = 0;       // itself included
    bool exact = false;     // compare with every vector
    std::size_t threads = 1;
};
constexpr std::size_t kWidestByEf = 16;

// Of query i, entries lims[i] to lims[i + 1]: nearest first, equal distances in the order of groups.
struct GroupsWithin {
    std::vector<std::int64_t> lims;
    std::vector<std::int64_t> groups;
    std::vector<float> distances;        // of the nearest vector of each
    std::vector<std::int64_t> compared;  // vectors, for each query
};

// The ids that are in after add(), update() or upsert(), in the sequence in which they entered. Incomplete when the
// watch said stop.
struct Added {
    std::vector<std::int64_t> ids;
    bool complete = true;
};

// Bytes by part. Counted from what is in use, not from what the next growth has set aside.
struct Memory {
    std::size_t vectors = 0, codes = 0, links = 0, upper_links = 0, ids = 0, factors = 0, copies = 0;
    std::size_t mapped = 0;  // of these, what lies in a file and is read when a search asks for it: the vectors
};

struct GraphShape {
    std::size_t size = 0, removed = 0, vacant = 0, copies = 0;  // vacant: room of removed ones, for the next
    int top_level = -1;
    std::vector<std::size_t> level_counts;
    double mean_degree = 0;               // of the nodes, at level 0
    Traversal walked = Traversal::exact;  // what searches compare, as chosen or asked for
};

// What is well with an index and what is not.
struct Health {
    std::size_t unreachable = 0;     // live vectors that no path on level 0 leads to from the entry
    std::size_t zero_in_degree = 0;  // nodes that nobody links to on level 0, but for the entry
    std::size_t duplicates = 0;      // groups of live vectors that are the same byte for byte
    std::size_t zero_norm = 0;       // vectors of zeros, live or removed
    std::vector<std::size_t> degrees,
        in_degrees;                   // nodes by the number of their links on level 0, and of those to them
    std::vector<std::size_t> levels;  // nodes by their highest level
    // Lengths, of all but packed bits: of all rows the shortest and the longest, of a sample so many hundredths.
    double shortest = 0, twentieth = 0, median = 0, last_twentieth = 0, longest = 0;
};

// What a file's header says, without reading a vector.
struct Info {
    Options options;
    std::size_t size = 0;
    std::size_t removed = 0;
    std::size_t file_bytes = 0;
    std::uint32_t format_major = 0, format_minor = 0;
};

// Thread safety: any number of threads may call any methods at once. Readers (search, get, contains ...) never wait
// for a search nor for a writer; writers, save and to_bytes wait for each other, and throw ForkedError in the child of
// a process that was forked while another of its threads was at one of these.
// Vectors are handed in as rows without gaps: float32 for f32, f16 and bf16; int8 or uint8 for i8 and u8; packed bits
// for b1 (codecs/types.hpp, given_bytes).
// A method that throws has changed nothing.
class Index {
public:
    explicit Index(const Options& options);
    ~Index();
    Index(const Index&) = delete;
    Index& operator=(const Index&) = delete;

    // An index has groups from its first row on, or never.
    // Throws InvalidVectorError (a NaN, an infinity, a zero row under cosine: "vectors row 17 holds NaN"),
    // DuplicateIdError, InvalidArgumentError, std::bad_alloc, and what the watch throws. A search that runs meanwhile
    // may have seen some of the vectors before such an exception. Waits for no search but one that has seen them, or
    // what was removed where they go.
    Added add(const Batch& batch, std::size_t threads, Watch& watch);
    Added add(const std::byte* rows, std::size_t n, std::span<const std::int64_t> ids, std::size_t threads,
              Watch& watch, std::span<const std::int64_t> groups = {}) {
        return add(Batch{rows, n, ids, groups}, threads, watch);
    }

    // Gives ids that are there other vectors, and with groups other groups. Each of them changes at one moment: a
    // search that began before answers with the old vector, and one that begins later with the new. Throws as add()
    // does, and UnknownIdError.
    Added update(const Batch& batch, std::size_t threads, Watch& watch);

    // Updates the ids that are there and adds the others. Where rows have groups, these are not optional for the
    // others.
    Added upsert(const Batch& batch, std::size_t threads, Watch& watch);

    // What add() checks of its rows, for callers that choose an order by them. Throws InvalidVectorError, Stopped.
    void check_rows(const std::byte* rows, std::size_t n, std::size_t threads, Watch& watch) const;

    // Throws InvalidVectorError ("queries row 3 ..."), InvalidArgumentError (k, ef, recall, threads out of range),
    // NotTunedError (no calibration promises that recall), Stopped.
    void search(const std::byte* queries, std::size_t n, const SearchOptions& options, const Found& found,
                Watch& watch) const;

    // Everything within `radius` of each query, itself included. Throws as search() does; radius must not be NaN.
    Within range_search(const std::byte* queries, std::size_t n, float radius, bool exact, std::size_t threads,
                        Watch& watch) const;

    // The groups that have a vector within a radius of each query. Throws as range_search(), and InvalidArgumentError
    // where vectors have no groups.
    GroupsWithin groups_within(const std::byte* queries, std::size_t n, const GroupOptions& options,
                               Watch& watch) const;

    // Searches that start afterwards do not report these; their links are repaired and their memory is used again in
    // the course of this call and later ones (graph/sweep.hpp). A watch that says stop leaves more of that to later
    // calls. Throws UnknownIdError, DuplicateIdError if one is named twice.
    void remove(std::span<const std::int64_t> ids, std::size_t threads, Watch& watch);
    void remove(std::span<const std::int64_t> ids) {
        Watch nobody;
        remove(ids, 1, nobody);
    }

    // Throws UnknownIdError naming the first id that is not there.
    void get(std::span<const std::int64_t> ids, std::byte* rows) const;  // as they were added, to the stored precision
    std::vector<std::int64_t> groups(std::span<const std::int64_t> ids) const;  // of these ids
    bool has_groups() const;
    bool contains(std::int64_t id) const;
    std::size_t size() const;
    std::vector<std::int64_t> ids() const;  // ascending
    std::int64_t next_id() const;           // of the next row added without an id; waits for a writer

    // What searches that name no ef shall know from now on; it is saved with the index. Throws InvalidArgumentError.
    void calibrate(Calibration&& calibration);
    std::shared_ptr<const Calibration> calibration() const;  // null: none

    const Options& options() const;
    Memory memory() const;
    GraphShape graph_shape() const;
    Health health(Watch& watch) const;  // looks at every row; throws Stopped
    std::size_t repair(Watch& watch);   // gives a link to what cannot be reached; returns how many; throws Stopped

    // Repairs all that removals have left to repair, and returns their memory: afterwards nothing is removed or vacant.
    // Takes as much memory again meanwhile. Answers do not change. Throws Stopped, std::bad_alloc.
    void compact(std::size_t threads, Watch& watch);

    // As compact(), and puts together in memory what walks read together.
    void optimize(std::size_t threads, Watch& watch);

    // The vectors of this moment, and no others, for as long as it is kept: an index that can be read and neither
    // changed nor saved. It shares the memory of this one, which meanwhile keeps what is removed.
    std::unique_ptr<Index> snapshot() const;

    // All or nothing; throw Stopped, save IoError.
    void save(const std::string& path, Watch& watch) const;
    std::vector<std::byte> to_bytes(Watch& watch) const;
    void save(const std::string& path) const {
        Watch nobody;
        save(path, nobody);
    }
    std::vector<std::byte> to_bytes() const {
        Watch nobody;
        return to_bytes(nobody);
    }
    static std::unique_ptr<Index> load(const std::string& path, Watch& watch);
    // Read only, used where it lies in its file (persist/map.hpp): writers throw ReadOnlyError, and any method may
    // throw CorruptIndexError when it meets what is damaged.
    static std::unique_ptr<Index> map(const std::string& path, Watch& watch);
    bool is_mapped() const;
    static std::unique_ptr<Index> from_bytes(std::span<const std::byte> bytes, Watch& watch);
    static Info info(const std::string& path);

    // A graph that another library built, as it is (persist/arrays.hpp). Throws InvalidArgumentError for the options,
    // CorruptIndexError beginning with `name` for the arrays, InvalidVectorError for what traversal u8 cannot walk on,
    // Stopped.
    static std::unique_ptr<Index> adopt(const Options& options, const GraphArrays& arrays, const std::string& name,
                                        Watch& watch);
    // Ours, to be handed on. Throws InvalidArgumentError where vectors are removed and their links not yet repaired.
    OwnedArrays arrays() const;

    // For who keeps an index in files (store.hpp): on any disk, with the mark of the file.
    void save_on(Disk& disk, const std::string& path, Watch& watch,
                 const std::function<void(const FileMark&)>& before_commit) const;
    static std::unique_ptr<Index> load_from(Disk& disk, const std::string& path, Watch& watch, FileMark& mark);

private:
    struct Parts;
    enum class Mode : std::uint8_t { add, update, upsert };
    Added write(Mode mode, const Batch& batch, std::size_t threads, Watch& watch);
    explicit Index(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

// What n vectors will take, by the same arithmetic that lays them out. Automatic traversal is taken for what it chooses
// for a thousand vectors and more that are neither whole numbers nor spoiled by rounding; whole numbers take 8 bytes
// less each.
Memory plan_memory(const Options& options, std::size_t n);

// The k nearest of the base by comparison with each of them, without an index; ids are row numbers and equal distances
// are ordered by them. Throws as Index::search does.
void exact_search(const Options& options, const Vectors& base, const Vectors& queries, const SearchOptions& asked,
                  const Found& found, Watch& watch);

// The name of the kernels in use.
std::string kernels_in_use();

}  // namespace vicinal
