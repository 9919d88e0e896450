#include "hash/lsh_tables.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>

#include "base/checked.hpp"
#include "base/errors.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kItemsAtOnce = 64;

// Doubles, so that items that come one by one are copied a few times in all.
void make_room(Table& table, std::size_t rows, std::size_t used, Watch& watch) {
    if (table.stride() == 0 || rows <= table.capacity()) return;
    table.reserve(std::max(rows, table.capacity() + table.capacity() / 2), used, watch);
}

// Values become a sketch and keys.
class Hasher {
public:
    Hasher(const Family& family, const LshSettings& settings)
        : family_(family), bands_(settings.bands), sketched_(sketch_bits(settings)), values_(family.hashes()) {}

    std::span<const std::uint32_t> hash(const Items& items, std::size_t i, BandKey* keys, std::byte* sketch) {
        family_.hash(items, i, values_.data(), nullptr, scratch_);
        for (std::size_t band = 0; band < bands_.bands; ++band)
            keys[band] = key_of(values_.data() + band * bands_.rows, bands_.rows);
        sketch_of(std::span(values_).first(sketched_), sketch);
        return values_;
    }

private:
    const Family& family_;
    Bands bands_;
    std::size_t sketched_;
    std::vector<std::uint32_t> values_;
    Family::Scratch scratch_;
};

void store_sets(LshView& view, const Items& items, std::size_t first, Watch& watch) {
    const TokenSets& sets = items.sets;
    const std::uint64_t before = view.token_count();
    const auto fresh = static_cast<std::size_t>(sets.offsets[items.n] - sets.offsets[0]);
    make_room(view.tokens, checked_add(before, fresh), before, watch);
    make_room(view.weights, checked_add(before, fresh), before, watch);
    const std::size_t begin = sets.begin_of(0);
    if (fresh != 0) std::memcpy(view.tokens.as<Token>() + before, sets.tokens + begin, fresh * sizeof(Token));
    if (fresh != 0 && sets.weights != nullptr)
        std::memcpy(view.weights.as<float>() + before, sets.weights + begin, fresh * sizeof(float));
    for (std::size_t i = 0; i < items.n; ++i)
        view.ends.as<std::uint64_t>()[first + i] = before + sets.begin_of(i) + sets.length(i) - begin;
}

// Two parts become one while the older is at most twice the younger: there are never more than a few, and an item is
// moved as many times as there are.
void join_parts(LshView& view, const Crew& crew) {
    auto& parts = view.parts;
    while (parts.size() > 1 && parts[parts.size() - 2]->size() <= 2 * parts.back()->size()) {
        auto joined = Buckets::merged(std::span(parts).last(2), {}, crew);
        parts.pop_back();
        parts.back() = std::move(joined);
    }
}

}  // namespace

void sketch_of(std::span<const std::uint32_t> values, std::byte* sketch) {
    std::size_t at = 0;
    for (; at + 8 <= values.size(); at += 8) {
        std::uint32_t bits = 0;
        for (std::size_t bit = 0; bit < 8; ++bit) bits |= (values[at + bit] & 1u) << bit;
        sketch[at / 8] = static_cast<std::byte>(bits);
    }
    if (at == values.size()) return;
    std::uint32_t bits = 0;
    for (std::size_t bit = 0; at + bit < values.size(); ++bit) bits |= (values[at + bit] & 1u) << bit;
    sketch[at / 8] = static_cast<std::byte>(bits);
}

void check(const LshSettings& settings) {
    check(settings.family);
    const FamilySettings& family = settings.family;
    if (family.dim != 0 && checked_multiply(family.dim, family.hashes) > kMaxDrawnNumbers)
        throw InvalidArgumentError("dim * hashes is " + std::to_string(family.dim) + " * " +
                                   std::to_string(family.hashes) + ", expected at most " +
                                   std::to_string(kMaxDrawnNumbers) + " in an index");
    check(settings.bands, family.hashes);
    if (!settings.keep && holds_rows(settings))
        throw InvalidArgumentError("keep is false, expected true: only minhash estimates distances from signatures");
}

Space space_of(const FamilySettings& settings) {
    switch (settings.name) {
        case FamilyName::pstable: return {Metric::l2, Dtype::f32, settings.dim};
        case FamilyName::bit_sample: return {Metric::hamming, Dtype::b1, settings.dim};
        case FamilyName::minhash: return {Metric::jaccard, Dtype::b1, 8};  // sets: only the name is asked for
        default: return {Metric::cosine, Dtype::f32, settings.dim};
    }
}

LshView::LshView(const LshSettings& settings)
    : ids(sizeof(std::int64_t)), sketches(Space::stride_for(sketch_bytes(settings))) {
    if (holds_rows(settings)) {
        const Space space = space_of(settings.family);
        rows = Table(space.stride());
        if (space.has_factors()) factors = Table(sizeof(float));
    }
    if (holds_sets(settings)) {
        ends = Table(sizeof(std::uint64_t));
        tokens = Table(sizeof(Token));
        if (settings.family.weighted) weights = Table(sizeof(float));
    }
    if (holds_signatures(settings)) signatures = Table(settings.family.hashes * sizeof(std::uint32_t));
}

std::optional<Slot> LshView::slot_of(std::int64_t id) const {
    return names.find(Id{id}, ids.as<Id>(), [&](Slot slot) { return is_live(index_of(slot)); });
}

LshView with_items(const LshView& before, const LshSettings& settings, const Family& family, const Items& items,
                   std::span<const std::int64_t> ids, const Crew& crew) {
    LshView view = before;
    const std::size_t first = before.count;
    const std::size_t count = checked_add(first, items.n);
    const std::size_t bands = settings.bands.bands;
    for (Table* table : {&view.ids, &view.sketches, &view.rows, &view.factors, &view.ends, &view.signatures})
        make_room(*table, count, first, crew.watch);
    if (holds_sets(settings)) store_sets(view, items, first, crew.watch);
    const Space space = space_of(settings.family);

    std::vector<BandKey> keys(checked_multiply(items.n, bands));
    std::vector<std::uint8_t> is_empty(items.n);
    const bool whole =
        crew.team.run(items.n, kItemsAtOnce, crew.watch, [&](std::size_t, std::size_t begin, std::size_t end) {
            Hasher hasher(family, settings);
            for (std::size_t i = begin; i < end; ++i) {
                is_empty[i] = items.is_empty(i) ? 1 : 0;
                if (holds_rows(settings)) space.encode(items.rows + i * items.stride, view.rows.row(first + i));
                if (space.has_factors())
                    view.factors.as<float>()[first + i] = space.inverse_norm(view.rows.row(first + i));
                if (is_empty[i] != 0) {  // what an add that was stopped has left there
                    std::fill_n(view.sketches.row(first + i), view.sketches.stride(), std::byte{0});
                    if (holds_signatures(settings))
                        std::fill_n(view.signatures.row(first + i), view.signatures.stride(), std::byte{0});
                    continue;
                }
                const auto values = hasher.hash(items, i, keys.data() + i * bands, view.sketches.row(first + i));
                if (holds_signatures(settings))
                    std::memcpy(view.signatures.row(first + i), values.data(), values.size_bytes());
            }
        });
    if (!whole || crew.watch.stopped()) throw Stopped();

    std::vector<std::uint32_t> slots(items.n);
    std::iota(slots.begin(), slots.end(), before.count);
    if (std::find(is_empty.begin(), is_empty.end(), 1) != is_empty.end()) {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < items.n; ++i) {
            if (is_empty[i] != 0) continue;
            slots[kept] = slots[i];
            std::copy_n(keys.begin() + static_cast<std::ptrdiff_t>(i * bands), bands,
                        keys.begin() + static_cast<std::ptrdiff_t>(kept++ * bands));
        }
        slots.resize(kept);
    }
    if (!slots.empty()) view.parts.push_back(Buckets::made(bands, slots, keys.data(), crew));
    join_parts(view, crew);
    std::copy(ids.begin(), ids.end(), view.ids.as<std::int64_t>() + first);
    view.count = static_cast<std::uint32_t>(count);
    return view;
}

LshView compacted(const LshView& before, const LshSettings& settings, const Crew& crew) {
    LshView view(settings);
    std::vector<std::uint32_t> renumbered(before.count, Buckets::kNobody);
    std::uint64_t tokens = 0;
    std::uint32_t count = 0;
    for (std::uint32_t slot = 0; slot < before.count; ++slot) {
        if (!before.is_live(slot)) continue;
        renumbered[slot] = count++;
        if (holds_sets(settings)) tokens += before.set(slot).size();
    }
    const auto tables = [](LshView& of) {
        return std::array{&of.ids, &of.sketches, &of.rows, &of.factors, &of.ends, &of.signatures};
    };
    for (Table* table : tables(view)) make_room(*table, count, 0, crew.watch);
    make_room(view.tokens, tokens, 0, crew.watch);
    make_room(view.weights, tokens, 0, crew.watch);
    LshView given = before;
    std::uint64_t end = 0;
    for (std::uint32_t slot = 0; slot < before.count; ++slot) {
        const std::uint32_t to = renumbered[slot];
        if (to == Buckets::kNobody) continue;
        for (std::size_t at = 0; at < tables(view).size(); ++at) {
            const Table& from = *tables(given)[at];
            if (from.stride() != 0) std::memcpy(tables(view)[at]->row(to), from.row(slot), from.stride());
        }
        if (!holds_sets(settings)) continue;
        const std::size_t begin = before.begin_of(slot), length = before.set(slot).size();
        if (length != 0) std::memcpy(view.tokens.row(end), before.tokens.row(begin), length * sizeof(Token));
        if (length != 0 && view.weights.stride() != 0)
            std::memcpy(view.weights.row(end), before.weights.row(begin), length * sizeof(float));
        view.ends.as<std::uint64_t>()[to] = end += length;
    }
    if (!before.parts.empty()) view.parts.push_back(Buckets::merged(before.parts, renumbered, crew));
    if (!view.parts.empty() && view.parts.front()->size() == 0) view.parts.clear();
    view.names.reserve(count, view.ids.as<Id>());
    for (std::uint32_t slot = 0; slot < count; ++slot) view.names.insert(Slot{slot}, view.ids.as<Id>());
    view.count = count;
    return view;
}

LshMemory memory_of(const LshView& view, const LshSettings& settings) {
    LshMemory memory;
    const auto used = [&](const Table& table, std::size_t rows) { return table.stride() * rows; };
    memory.items = used(view.rows, view.count) + used(view.factors, view.count) + used(view.ends, view.count) +
                   used(view.signatures, view.count) + used(view.tokens, view.token_count()) +
                   used(view.weights, view.token_count());
    memory.sketches = used(view.sketches, view.count);
    memory.ids = used(view.ids, view.count) + view.names.bytes();
    for (const auto& part : view.parts) memory.buckets += part->bytes();
    if (holds_rows(settings) && settings.family.name != FamilyName::bit_sample)
        memory.family =
            (drawn_dim(settings.family) * settings.family.hashes + settings.family.axes.size()) * sizeof(float);
    return memory;
}

namespace {

std::uint64_t pairs_of(std::uint64_t n) { return n < 2 ? 0 : n * (n - 1) / 2; }

void count_bucket(Overflow& overflow, std::uint64_t size, std::uint64_t before, std::size_t cap) {
    overflow.largest_bucket = std::max(overflow.largest_bucket, size);
    if (cap == 0 || size <= cap) return;
    const std::uint64_t hidden = size - cap, hidden_before = before > cap ? before - cap : 0;
    ++overflow.full_buckets;
    overflow.hidden += hidden - hidden_before;
    overflow.lost_at_most += pairs_of(hidden) - pairs_of(hidden_before);
}

std::uint64_t live_in(const LshView& view, std::span<const std::uint32_t> bucket) {
    if (view.gone.empty()) return bucket.size();
    return static_cast<std::uint64_t>(
        std::count_if(bucket.begin(), bucket.end(), [&](std::uint32_t slot) { return view.is_live(slot); }));
}

}  // namespace

BucketShape shape_of(const LshView& view, const LshSettings& settings, const Crew& crew) {
    BucketShape shape;
    if (view.parts.empty()) return shape;
    const std::shared_ptr<const Buckets> whole =
        view.parts.size() == 1 ? view.parts.front() : Buckets::merged(view.parts, {}, crew);
    for (const Buckets::Band& band : whole->bands())
        band.visit([&](BandKey, std::span<const std::uint32_t> bucket) {
            const std::uint64_t size = live_in(view, bucket);
            if (size == 0) return;
            ++shape.buckets;
            const auto power = static_cast<std::size_t>(std::bit_width(size) - 1);
            if (shape.by_size.size() <= power) shape.by_size.resize(power + 1);
            ++shape.by_size[power];
            count_bucket(shape.overflow, size, 0, settings.cap);
        });
    return shape;
}

Overflow overflow_since(const LshView& view, const LshView& before, const LshSettings& settings) {
    Overflow overflow;
    if (settings.cap == 0 || view.parts.empty()) return overflow;
    // Parts may have been joined since, so the newest one may hold older items too.
    const Buckets& newest = *view.parts.back();
    for (std::size_t number = 0; number < newest.bands().size(); ++number) {
        newest.bands()[number].visit([&](BandKey key, std::span<const std::uint32_t> own) {
            if (own.back() < before.count) return;
            std::uint64_t size = 0, old = 0;
            for (const auto& part : view.parts) {
                const std::span<const std::uint32_t> bucket = part->bands()[number].find(key);
                const auto fresh = std::lower_bound(bucket.begin(), bucket.end(), before.count);
                size += live_in(view, bucket);
                old += live_in(view, bucket.first(static_cast<std::size_t>(fresh - bucket.begin())));
            }
            count_bucket(overflow, size, old, settings.cap);
        });
    }
    return overflow;
}

}  // namespace vicinal
