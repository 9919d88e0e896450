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
#include "graph/renumber.hpp"
#include "graph/sweep.hpp"
#include "graph/undo.hpp"
#include "index/id_order.hpp"
#include "index/index.hpp"

namespace vicinal {

// Readers, of whatever, take no lock; they take a seat among the readers.
struct Index::Parts {
    explicit Parts(const Options& given);
    Parts(const Options& given, Graph&& loaded, std::int64_t next);
    struct FrozenTag {};
    Parts(FrozenTag frozen, const Parts& origin);  // requires: writing of the origin is held
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

    // Of the rows of a batch, in the sequence in which they enter: their ids, the slots they go to, and those whose ids
    // they take over, or kNobody. Empty: nobody's.
    struct Rows {
        static constexpr std::uint32_t kNobody = kMaxSlots;
        std::vector<Id> ids;
        std::vector<std::uint32_t> slots, replaced;
    };
    // Checks all that is asked and makes room for it. Throws Stopped.
    Rows admit(Mode mode, const Batch& batch, const Crew& crew);
    // The slots of ids that are given anew. Throws UnknownIdError, DuplicateIdError where the mode does not allow it.
    std::vector<std::uint32_t> replaced_by(std::span<const Id> ids, Mode mode, Watch& watch) const;
    // Throws InvalidArgumentError when some rows would have groups and others none.
    void settle_groups(const Batch& batch, std::span<const std::uint32_t> replaced);
    void store_groups(const Batch& batch, const Rows& rows) noexcept;
    // Links and shows some of the rows from number `done` on. Returns how many: none, and nothing has changed, when the
    // watch says stop.
    std::size_t add_batch(const Batch& batch, const Rows& rows, std::size_t done, Undo& undo, const Crew& crew);
    // Part of what was removed leaves the graph: as much as is due after a call that wrote n rows. What is left out for
    // want of memory, or because the watch says stop, is left to later calls.
    void sweep_after(std::size_t n, const Crew& crew);
    // As Index::compact.
    void compact(const Crew& crew);
    // Tables made anew, with these in the first slots. All or nothing.
    void move_to_tables_of_its_own(const std::vector<Sitter>& sitters, Watch& watch);
    std::size_t repair(Watch& watch);  // all or nothing; throws Stopped
    // The ids of the next n rows.
    std::vector<Id> ids_for(std::size_t n, std::span<const std::int64_t> given) const;
    // Room for n more rows in every table; afterwards storing and linking them allocates scratch, and now and then new
    // codes. Throws Stopped.
    void make_room(std::size_t n, Watch& watch);
    // Waits until no search can be reading what these slots held, and lets go of it. Throws Stopped.
    void take_over(std::span<const std::uint32_t> slots, Watch& watch);
    // All the memory that publish() takes. Asked for before a change, so that what was changed can always be shown.
    std::unique_ptr<View> prepare_to_publish();
    // Shows the graph as it is now to searches that start from here on; what they do not see is as old as the result.
    Epochs::Time publish(std::unique_ptr<View> prepared) noexcept;
    // Lets slots be found by their ids, once they are shown. Requires: make_room() has counted them.
    void enter_ids(std::span<const std::uint32_t> slots) noexcept;
    // Throws UnknownIdError, DuplicateIdError before anything changes.
    void forget(std::span<const std::int64_t> ids);

    // Where a call that adds began, and all it takes to go back there.
    struct Start {
        explicit Start(Parts& parts)
            : undo(parts.graph),
              nodes(parts.graph.view.nodes()),
              next_id(parts.next_id),
              view(parts.prepare_to_publish()) {}
        Undo undo;
        std::uint32_t nodes;
        std::int64_t next_id;
        std::unique_ptr<View> view;
    };
    // `slots`: those that were shown since.
    void go_back(Start& start, std::span<const std::uint32_t> slots) noexcept;
    // After a whole add: the new nodes are led to, and now and then whatever their links have cut off gets a link again
    // (graph/reconnect.hpp). A watch that says stop leaves some of it undone.
    void reconnect_after(Start& start, std::span<const std::uint32_t> slots, Watch& watch);

private:
    void free_retired();
    struct Retired {
        std::unique_ptr<const View> view;
        Epochs::Time time;
    };
    std::vector<Retired> retired_;
    void sweep(std::size_t rows, const Crew& crew);
    void end_sweep(Watch& watch);
    bool part_from_old_codes(std::span<const std::uint32_t> slots, Watch& watch);
    void await(Epochs::Time time, pid_t process, Watch& watch) const;
    void withdraw_since(Epochs::Time time) noexcept;
    Epochs::Time withdrawn_ = 0;  // vacant slots, and those after the last, may be known to searches as old as this
    pid_t withdrawn_in_ = 0;      // the process in which they were withdrawn
    const pid_t process_;         // the one in which this was made

    // Snapshots that read the same tables hold it too: what they have is not swept out.
    struct Hold {};
    std::shared_ptr<const Hold> hold_ = std::make_shared<Hold>();
    bool is_held() const { return hold_.use_count() > 1; }
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
