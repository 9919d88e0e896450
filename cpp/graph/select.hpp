// Which candidates become neighbors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/beam.hpp"
#include "graph/ground.hpp"

namespace vicinal {

struct SelectScratch {
    std::vector<Key> kept;  // the candidates that were chosen without filling
    std::vector<std::uint32_t> pruned;
    std::vector<float> probe;
};

// The heuristic of Malkov & Yashunin: nearest first, a candidate is kept unless one already kept is closer to it than
// the target is; the links so spread in all directions instead of into one cluster. Afterwards the nearest of the
// pruned fill the row up to `fill` (keepPrunedConnections).
//
// Beyond the paper: a strict comparison never prunes copies of one vector, which then keep all their links among
// themselves. So of the candidates that are copies of a kept one (Ground::copies), a quarter of the row stays; the
// others are pruned and not taken to fill. (With none but the first, groups of 5 to 12 copies found only four fifths of
// themselves at ef = 64.)
//
// With slack above 1 a kept one must be closer by that factor to prune (DiskANN's alpha; Subramanya et al. 2019): more
// links stay, the long ones among them. Below zero, where inner products lie, there is no slack.
//
// `candidates`: keys of distances from the target, ascending, without the target and without repetition.
// Writes the chosen slots, at most `most`.
struct Room {
    std::size_t most, fill;
    float slack = 1;
};
void select_neighbors(const Ground& ground, std::span<const Key> candidates, Room room, SelectScratch& scratch,
                      std::vector<std::uint32_t>& chosen);

}  // namespace vicinal
