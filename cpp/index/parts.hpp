// What an Index is made of, and who may touch what.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/epochs.hpp"
#include "base/writer_lock.hpp"
#include "graph/graph.hpp"
#include "index/index.hpp"

namespace vicinal {

// Readers, of whatever, take no lock; they take a seat among the readers.
struct Index::Parts {
    explicit Parts(const Options& given);
    Parts(const Options& given, Graph&& loaded, std::int64_t next);
    ~Parts();

    const Options options;

    WriterLock writing;  // one writer at a time; guards graph, next_id and retired
    Graph graph;
    std::int64_t next_id = 0;  // the largest id ever used + 1

    mutable Epochs epochs;
    std::atomic<const View*> current{nullptr};

    // The rest requires: writing is held.

    // The ids of the next n rows: those given, checked, or the next consecutive numbers.
    std::vector<Id> ids_for(std::size_t n, std::span<const std::int64_t> given) const;
    // Room for n more rows in every table; afterwards storing and linking them allocates scratch at most.
    void make_room(std::size_t n);
    // All the memory that publish() takes. Asked for before a change, so that what was changed can always be shown.
    std::unique_ptr<View> prepare_to_publish();
    // Shows the graph as it is now to searches that start from here on.
    void publish(std::unique_ptr<View> prepared) noexcept;
    // Lets the last ids.size() slots be found by their ids. Requires: make_room() has counted them.
    void enter_ids(std::span<const Id> ids);
    // Throws UnknownIdError, DuplicateIdError before anything changes.
    void forget(std::span<const std::int64_t> ids);
    // The same for ids that were just added by a call that failed.
    void withdraw(std::span<const std::int64_t> ids) noexcept;

private:
    void free_retired();
    struct Retired {
        std::unique_ptr<const View> view;
        Epochs::Time time;
    };
    std::vector<Retired> retired_;
};

// A seat among the readers, and the View as it was when the seat was taken.
class Reading {
public:
    template <class Parts>
    explicit Reading(const Parts& parts) : seat_(parts.epochs.sit()), view_(parts.current.load()) {}
    const View& view() const { return *view_; }

private:
    Epochs::Seat seat_;
    const View* view_;
};

// Throws UnknownIdError.
std::vector<Slot> slots_of(std::span<const std::int64_t> ids, const View& view);

GraphOptions graph_options_of(const Options& options);

}  // namespace vicinal
