// Which codes the walks of an index use, and when that is decided.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "graph/graph.hpp"

namespace vicinal {

// Which of the two tables of codes a View has, and of what kind.
struct CodeChoice {
    Traversal fine = Traversal::exact;    // exact (no codes), u8, sq8 or code8
    Traversal coarse = Traversal::exact;  // sq4 besides, or code2 or code4 alone: it is walked
    Traversal walked() const { return coarse != Traversal::exact ? coarse : fine; }
    friend bool operator==(const CodeChoice&, const CodeChoice&) = default;
};

inline CodeChoice choice_of(const View& view) { return {view.fine.code.traversal(), view.coarse.code.traversal()}; }

// Under automatic traversal the choice is a function of the vectors and of how many have been inserted, never of a
// stopwatch: at 1 024 nodes, and each time the graph has doubled since, the rows are looked at. Whole numbers from 0
// to 255 throughout have codes of u8. Else, when rounding to 8 bits blurs the distance to a linked neighbor by no
// more than kMostNoise, of sq8. Else, and in few dimensions, none. In many dimensions walks take codes of sq4, when
// those blur it by no more than kMostCoarseNoise. Vectors stored as integers or bits are their own codes.

// Those that work on a crew look at every row; they return false when its watch said stop, and have changed nothing
// then, nor when they throw.

// Brings the codes in line with the choice for the graph as it is. Cheap when nothing is due.
bool settle_code(Graph& graph, const Crew& crew);

// Codes for the rows in these slots, which are stored but not yet linked. When one has no code of the present kind (a
// fraction after whole numbers), the choice is made anew.
bool store_codes(Graph& graph, std::span<const std::uint32_t> slots, const Crew& crew);

// What a choice comes to for vectors that are not known yet, and are no whole numbers.
CodeChoice likely_choice(const Space& space, Traversal asked);

// Whether every row in use has a code of this kind; anything when the watch said stop.
bool rows_have_code(const Graph& graph, Traversal traversal, const Crew& crew);

// Makes both tables anew for every row in use.
bool encode_all(Graph& graph, CodeChoice choice, const Crew& crew);

}  // namespace vicinal
