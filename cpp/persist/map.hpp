// An index that is used where it lies in its file (mmap), and cannot be changed.
//
// At once: header, table and settings; ids, groups, levels, states and upper links, with their values. At first touch
// (graph/first_touch.hpp), in groups of about 1 MB: the checksums of the blocks that hold the rows or the links, and
// their values. Two checks of read_index() are left out, since they would touch every row: that a copy holds the bytes
// of its node, and that under cosine the stored inverse norms are those of the rows.
//
// Codes of a tier are looked at at once too, and walked on, and rows are read by ones, for those that a walk has found.
// Other codes are not stored and not made: searches walk on the rows themselves, whatever the index was asked to walk
// on. A file of version 1.0 without inverse norms under cosine is read whole to make them.
#pragma once

#include <string>

#include "base/watch.hpp"
#include "file/disk.hpp"
#include "persist/read.hpp"

namespace vicinal {

// Throws as read_index() does. The View's tables lie in the file: nothing may be written to them.
StoredIndex map_index(Disk& disk, const std::string& path, Watch& watch);

}  // namespace vicinal
