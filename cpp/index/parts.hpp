// What an Index is made of, and who may touch what.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/epochs.hpp"
#include "base/team.hpp"
#include "base/writer_lock.hpp"
#include "graph/graph.hpp"
#include "graph/undo.hpp"
#include "index/id_order.hpp"
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

    const std::uint64_t serial;    // no other index of this process has it
    std::uint64_t reassigned = 0;  // as View::reassigned; does not go back with a failed call
    const IdOrder by_id;

    mutable Epochs epochs;
    std::atomic<const View*> current{nullptr};

    // The rest requires: writing is held.

    // Checks all that is asked of an add, makes room for it, and returns its ids in the sequence in which they enter:
    // those given, or the next consecutive numbers. Throws Stopped.
    std::vector<Id> admit(const Batch& batch, const Crew& crew);
    // Throws InvalidArgumentError when some rows would have groups and others none.
    void settle_groups(bool given);
    // Of the rows that come next. Requires: make_room() has counted them.
    void store_groups(const Batch& batch) noexcept;
    // Links and shows some of the rows, `done` of which are in. False, and nothing has changed, when the watch says
    // stop.
    bool add_batch(const Batch& batch, std::span<const Id> ids, std::size_t done, Undo& undo, const Crew& crew);
    std::size_t repair(Watch& watch);  // all or nothing; throws Stopped
    // The ids of the next n rows.
    std::vector<Id> ids_for(std::size_t n, std::span<const std::int64_t> given, Watch& watch) const;
    // Room for n more rows in every table; afterwards storing and linking them allocates scratch, and now and then new
    // codes. Throws Stopped.
    void make_room(std::size_t n, Watch& watch);
    // Waits until no search can be reading the slots after the last. Throws Stopped.
    void await_slots(Watch& watch);
    // All the memory that publish() takes. Asked for before a change, so that what was changed can always be shown.
    std::unique_ptr<View> prepare_to_publish();
    // Shows the graph as it is now to searches that start from here on; what they do not see is as old as the result.
    Epochs::Time publish(std::unique_ptr<View> prepared) noexcept;
    // Lets the last ids.size() slots be found by their ids, once they are shown. Requires: make_room() has counted
    // them.
    void enter_ids(std::span<const Id> ids) noexcept;
    // Throws UnknownIdError, DuplicateIdError before anything changes.
    void forget(std::span<const std::int64_t> ids);

    // Where a call that adds began, and all it takes to go back there.
    struct Start {
        explicit Start(Parts& parts)
            : undo(parts.graph),
              count(parts.graph.view.count),
              nodes(parts.graph.view.nodes()),
              next_id(parts.next_id),
              view(parts.prepare_to_publish()) {}
        Undo undo;
        std::uint32_t count, nodes;
        std::int64_t next_id;
        std::unique_ptr<View> view;
    };
    void go_back(Start& start) noexcept;
    // After a whole add: the new nodes are led to, and now and then whatever their links have cut off gets a link again
    // (graph/reconnect.hpp). A watch that says stop leaves some of it undone.
    void reconnect_after(Start& start, Watch& watch);

private:
    void free_retired();
    struct Retired {
        std::unique_ptr<const View> view;
        Epochs::Time time;
    };
    std::vector<Retired> retired_;
    Epochs::Time withdrawn_ = 0;  // the slots after the last may be known to searches as old as this
    pid_t withdrawn_in_ = 0;      // the process in which they were withdrawn
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
