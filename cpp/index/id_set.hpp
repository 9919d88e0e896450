// Ids that a search may be told to keep to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "graph/admitted.hpp"
#include "graph/view.hpp"
#include "index/remembered.hpp"

namespace vicinal {

// A set of numbers, of no index in particular: those that an index does not hold admit nothing there.
//
// It remembers which slots they are in the index it was last used with, so that the next search costs nothing. Of rows
// added since then only those are looked at.
//
// Thread safety: any number of threads may search with it at once, and none waits for another.
class IdSet {
public:
    enum class Use : std::uint8_t { once, often };  // once: nothing is remembered

    // In any order, with or without repetitions. Requires: none is negative.
    explicit IdSet(std::vector<std::int64_t> ids, Use use = Use::often);
    IdSet(const IdSet&) = delete;
    IdSet& operator=(const IdSet&) = delete;

    std::span<const std::int64_t> ids() const { return ids_; }  // ascending
    bool contains(std::int64_t id) const;
    bool remembers() const { return remembered_ != nullptr; }

    // Fills `admitted` with the slots of these ids.
    void find_slots(const View& view, Admitted& admitted) const;

    // The slots of these ids in a View, for as long as this is held. `index` is a number that no other index has.
    // Requires: remembers().
    class Reading;

private:
    struct Kept {
        Admitted admitted;
        std::uint64_t index = 0, reassigned = 0;
        // Slots that this knows beyond the View's are the Gate's to leave out.
        bool holds_for(const View& view, std::uint64_t of) const {
            return index == of && reassigned == view.reassigned && admitted.slots() >= view.count;
        }
    };
    std::unique_ptr<const Kept> look_up(const View& view, std::uint64_t index, const Kept* before) const;

    std::vector<std::int64_t> ids_;
    std::unique_ptr<Remembered<Kept>> remembered_;  // none: once
};

class IdSet::Reading {
public:
    Reading(const IdSet& set, const View& view, std::uint64_t index)
        : reading_(
              *set.remembered_, [&](const Kept& kept) { return kept.holds_for(view, index); },
              [&](const Kept* before) { return set.look_up(view, index, before); }) {}
    const Admitted& admitted() const { return reading_.kept().admitted; }

private:
    Remembered<Kept>::Reading reading_;
};

}  // namespace vicinal
