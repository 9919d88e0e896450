// The way back to what a graph was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/graph.hpp"

namespace vicinal {

// All of a graph but the contents of its tables. Tables that are made anew meanwhile (codes, heights) come back with
// it, since a View holds them.
class Footing {
public:
    explicit Footing(const Graph& graph)
        : view_(graph.view),
          norms_(graph.norms),
          insertions_(graph.insertions),
          judge_at_(graph.judge_at),
          spare_rows_(graph.spare_rows.left()) {}

    void restore(Graph& graph) const noexcept;
    const View& view() const { return view_; }

private:
    View view_;
    Norms norms_;
    std::uint64_t insertions_;
    std::uint32_t judge_at_;
    SpareRows::Left spare_rows_;
};

// A call that adds vectors, and fails half way for want of memory, must leave no trace: nobody may be left with a link
// to a node that is not in. So the links of the nodes that were there before are kept before they first change.
class Undo {
public:
    // From here on the graph's tables must not grow.
    explicit Undo(const Graph& graph) : before_(graph) {}

    // Called before the links of a node change on a level; new nodes do not matter.
    void keep(Slot node, Level level);

    // Called before the chain of a node's copies changes.
    void keep_copies(Slot node);

    // Afterwards the graph is what it was, and nobody links to new nodes. Searches that began earlier may still be
    // reading their rows, so these must not be written again before they have ended. Requires: new nodes have no names
    // any more.
    void take_back(Graph& graph) const noexcept;

private:
    struct Row {
        Slot node;
        Level level;
        std::size_t first, degree;  // its links, in slots_
    };
    std::size_t number_of(Slot node, Level level) const;
    bool mark(std::size_t number);

    Footing before_;
    std::vector<Row> rows_;
    std::vector<std::uint32_t> slots_;
    struct Chain {
        Slot node;
        std::uint32_t next;
    };
    std::vector<Chain> chains_;
    std::vector<std::uint64_t> kept_;  // a bit per row of links
};

}  // namespace vicinal
