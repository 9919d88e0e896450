#include "index/lsh_index.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "base/checked.hpp"
#include "base/errors.hpp"
#include "file/bytes.hpp"
#include "file/disk.hpp"
#include "index/checks.hpp"
#include "persist/lsh_write.hpp"

namespace vicinal {

// A seat among the readers, and the view as it was when the seat was taken.
class LshIndex::Reading {
public:
    explicit Reading(const LshIndex& index) : seat_(index.epochs_.sit()), view_(index.current_.load()) {}
    const LshView& view() const { return *view_; }

private:
    Epochs::Seat seat_;
    const LshView* view_;
};

namespace {

const LshSettings& checked(const LshSettings& settings) {
    check(settings);
    return settings;
}

void check_unique(std::vector<std::int64_t> ids, const char* complaint) {
    std::sort(ids.begin(), ids.end());
    const auto twice = std::adjacent_find(ids.begin(), ids.end());
    if (twice != ids.end()) throw DuplicateIdError("id " + std::to_string(*twice) + complaint);
}

}  // namespace

LshIndex::LshIndex(const LshSettings& settings)
    : settings_(checked(settings)),
      space_(space_of(settings.family)),
      family_(make_family(settings.family)),
      held_(std::make_unique<LshView>(settings)) {
    current_.store(held_.get());
}

LshIndex::LshIndex(StoredLsh stored)
    : settings_(std::move(stored.settings)),
      space_(space_of(settings_.family)),
      family_(make_family(settings_.family)),
      next_id_(stored.next_id),
      held_(std::make_unique<LshView>(std::move(stored.view))) {
    current_.store(held_.get());
}

LshIndex::~LshIndex() = default;

void LshIndex::check_items(const Items& items, const char* name, const Crew& crew) const {
    if (items.kind != family_->takes()) throw InvalidArgumentError("items are of another kind than the family takes");
    if (holds_rows(settings_)) check_vectors(space_, items.rows, items.n, name, crew);
}

void LshIndex::check_asked(const LshAsked& asked) const {
    if (asked.probes == 0) throw InvalidArgumentError("probes is 0, expected 1 or more");
    if (asked.probes > 1 && !can_probe(settings_.family.name))
        throw InvalidArgumentError("probes is " + std::to_string(asked.probes) +
                                   ", expected 1: only simhash and pstable know which other buckets are likely");
}

std::vector<std::int64_t> LshIndex::ids_for(const LshView& view, std::size_t n,
                                            std::span<const std::int64_t> given) const {
    constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
    if (n >= kMaxSlots - view.count)
        throw InvalidArgumentError("an index holds at most " + std::to_string(kMaxSlots - 1) + " items");
    std::vector<std::int64_t> ids(given.begin(), given.end());
    if (given.empty()) {
        if (next_id_ > kLargest - static_cast<std::int64_t>(n))
            throw InvalidArgumentError("ids end at 2^63 - 1, and fewer than " + std::to_string(n) + " are left from " +
                                       std::to_string(next_id_) + " on: give ids of your own");
        for (std::size_t i = 0; i < n; ++i) ids.push_back(next_id_ + static_cast<std::int64_t>(i));
        return ids;
    }
    check_id_count(given, n);
    for (const std::int64_t id : ids) {
        if (id < 0) throw InvalidArgumentError("ids hold " + std::to_string(id) + ", expected 0 or more");
        if (view.slot_of(id)) throw DuplicateIdError("id " + std::to_string(id) + " is in the index already");
    }
    check_unique(ids, " is given twice in one batch");
    return ids;
}

std::vector<std::int64_t> LshIndex::add(const Items& items, std::span<const std::int64_t> given, std::size_t threads,
                                        Watch& watch, Overflow& overflow) {
    check_threads(threads);
    const std::lock_guard writing(writing_);
    Team team(items.n < 2 ? 1 : threads);
    const Crew crew{team, watch};
    check_items(items, "vectors", crew);
    std::vector<std::int64_t> ids = ids_for(*held_, items.n, given);
    if (items.n == 0) return ids;
    const LshView& before = *held_;
    auto view = std::make_unique<LshView>(with_items(before, settings_, *family_, items, ids, crew));
    overflow = overflow_since(*view, before, settings_);
    view->names.reserve(view->names.size() + items.n, view->ids.as<Id>());
    retired_.reserve(retired_.size() + 1);
    if (!watch.report(items.n, items.n)) throw Stopped();
    // From here on nothing fails.
    for (std::uint32_t slot = before.count; slot < view->count; ++slot)
        view->names.insert(Slot{slot}, view->ids.as<Id>());
    const std::int64_t largest = *std::max_element(ids.begin(), ids.end());
    next_id_ = std::max(next_id_, largest == std::numeric_limits<std::int64_t>::max() ? largest : largest + 1);
    publish(std::move(view));
    return ids;
}

void LshIndex::remove(std::span<const std::int64_t> ids, std::size_t threads, Watch& watch) {
    check_threads(threads);
    const std::lock_guard writing(writing_);
    check_unique({ids.begin(), ids.end()}, " is named twice in one call");
    std::vector<std::uint32_t> slots;
    for (const std::int64_t id : ids) {
        const auto slot = held_->slot_of(id);
        if (!slot) throw UnknownIdError("id " + std::to_string(id) + " is not in the index");
        slots.push_back(index_of(*slot));
    }
    auto view = std::make_unique<LshView>(*held_);
    view->gone = view->gone.with(slots);
    retired_.reserve(retired_.size() + 2);
    publish(std::move(view));
    if (held_->size() >= held_->count - held_->size()) return;
    try {
        Team team(threads);
        publish(std::make_unique<LshView>(compacted(*held_, settings_, {team, watch})));
    } catch (const Stopped&) {
        return;  // they are gone already; their memory waits for the next call
    } catch (const std::bad_alloc&) {
        return;
    }
}

// Requires: retired_ has room.
void LshIndex::publish(std::unique_ptr<const LshView> view) noexcept {
    std::swap(held_, view);
    current_.store(held_.get());
    retired_.push_back({std::move(view), epochs_.tick()});
    std::erase_if(retired_, [&](const Retired& old) { return epochs_.passed(old.time); });
}

// Collects the candidates of each query and hands it to `then`, with its number.
template <class Then>
void LshIndex::run_queries(const LshView& view, const Items& queries, const LshAsked& asked, Team& team, Watch& watch,
                           Then then) const {
    // As many at once as are hashed at once, or fewer where there are not enough for all threads.
    const std::size_t grain = std::clamp<std::size_t>(queries.n / (4 * team.size()), 1, kHashedAtOnce);
    const auto answer = [&](std::size_t member, std::size_t first, std::size_t last) {
        LshScratch& scratch = lsh_scratch_of_this_thread();
        hash_queries(*family_, queries, first, last - first, asked.probes > 1, scratch);
        for (std::size_t i = first; i < last; ++i) {
            LshQuery query(view, settings_, *family_, space_, scratch, i - first, {&watch, member == 0});
            query.collect(queries, i, asked);
            then(query, i);
        }
    };
    if (!team.run(queries.n, grain, watch, answer) || watch.stopped()) throw Stopped();
}

void LshIndex::search(const Items& queries, const LshAsked& asked, std::size_t threads, const LshFound& found,
                      Watch& watch) const {
    check_threads(threads);
    check_asked(asked);
    const Reading reading(*this);
    const LshView& view = reading.view();
    check_k(asked.k, view.size());
    Team team(queries.n < 2 ? 1 : threads);
    check_items(queries, "queries", {team, watch});
    run_queries(view, queries, asked, team, watch, [&](LshQuery& query, std::size_t i) {
        query.answer(queries, i, asked, found.ids.data() + i * asked.k, found.distances.data() + i * asked.k);
        if (!found.work.empty()) found.work[i] = query.work;
    });
}

LshCandidates LshIndex::candidates(const Items& queries, const LshAsked& asked, std::size_t threads,
                                   Watch& watch) const {
    check_threads(threads);
    check_asked(asked);
    const Reading reading(*this);
    const LshView& view = reading.view();
    Team team(queries.n < 2 ? 1 : threads);
    check_items(queries, "queries", {team, watch});
    std::vector<std::vector<std::int64_t>> met(queries.n);
    run_queries(view, queries, asked, team, watch, [&](LshQuery& query, std::size_t i) {
        for (const std::uint32_t slot : query.candidates()) met[i].push_back(view.id(slot));
        std::sort(met[i].begin(), met[i].end());
    });
    LshCandidates found{{0}, {}};
    for (const auto& ids : met) {
        found.ids.insert(found.ids.end(), ids.begin(), ids.end());
        found.lims.push_back(static_cast<std::int64_t>(found.ids.size()));
    }
    return found;
}

std::size_t LshIndex::size() const { return Reading(*this).view().size(); }

bool LshIndex::contains(std::int64_t id) const { return Reading(*this).view().slot_of(id).has_value(); }

std::vector<std::int64_t> LshIndex::ids() const {
    const Reading reading(*this);
    const LshView& view = reading.view();
    std::vector<std::int64_t> ids;
    ids.reserve(view.size());
    for (std::uint32_t slot = 0; slot < view.count; ++slot)
        if (view.is_live(slot)) ids.push_back(view.id(slot));
    std::sort(ids.begin(), ids.end());
    return ids;
}

BucketShape LshIndex::shape(std::size_t threads, Watch& watch) const {
    check_threads(threads);
    const Reading reading(*this);
    Team team(threads);
    return shape_of(reading.view(), settings_, {team, watch});
}

LshMemory LshIndex::memory() const { return memory_of(Reading(*this).view(), settings_); }

void LshIndex::save(const std::string& path, Watch& watch) const {
    const std::lock_guard writing(writing_);
    PosixDisk disk;
    write_lsh(disk, path, *held_, settings_, next_id_, watch);
}

std::vector<std::byte> LshIndex::to_bytes(Watch& watch) const {
    const std::lock_guard writing(writing_);
    return lsh_as_bytes(*held_, settings_, next_id_, watch);
}

std::unique_ptr<LshIndex> LshIndex::load(const std::string& path, Watch& watch) {
    PosixDisk disk;
    return std::unique_ptr<LshIndex>(new LshIndex(read_lsh(FileSource(disk, path), watch)));
}

std::unique_ptr<LshIndex> LshIndex::from_bytes(std::span<const std::byte> bytes, Watch& watch) {
    return std::unique_ptr<LshIndex>(new LshIndex(read_lsh(MemorySource(bytes), watch)));
}

}  // namespace vicinal
