// Whether what stands in the tables of a graph can be walked. The checksums have said that it is what was written;
// this says that it is sound, whoever wrote it: nothing behind it looks again.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "graph/graph.hpp"
#include "persist/effort.hpp"
#include "persist/settings.hpp"

namespace vicinal {

// Each throws CorruptIndexError for the first thing that is wrong; `name` says whose it is. Each relies on those
// before it.

// The states of the rows, of which `graph` takes notice.
void check_states(Graph& graph, std::span<const std::uint8_t> states, const Settings& settings,
                  const std::string& name);

// Levels, and that the entry has the highest. Returns how many rows of upper links they take.
std::uint64_t check_levels(const View& view, const Settings& settings, const std::string& name);

// Not negative, below the next id, and none twice among the live.
void check_ids(const View& view, const Settings& settings, const std::string& name);

// Vectors that could have been added, padding that is zero, norms between the shortest and the longest.
void check_rows(const Graph& graph, const std::string& name, Effort& effort);
void check_rows(const Graph& graph, std::uint32_t first, std::uint32_t n, const std::string& name);

// Inverse norms that could be those of a row.
void check_factors(const View& view, const std::string& name);

// That there is nothing in vacant rows.
void check_vacant(const View& view, const std::string& name);

// Links to other nodes of the level, none twice, and nothing after the first empty lane.
void check_links(const Graph& graph, const std::string& name, Effort& effort);
void check_links(const Graph& graph, std::uint32_t first, std::uint32_t n, const std::string& name);  // on level 0
void check_upper_links(const Graph& graph, const std::string& name);                                  // above it

// Of each copy one link, to a node with its bytes.
void check_copies(const Graph& graph, const std::string& name, Effort& effort);

}  // namespace vicinal
