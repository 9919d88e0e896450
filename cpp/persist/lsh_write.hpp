// An LshIndex becomes bytes (persist/lsh_format.hpp). The same items give the same bytes, whatever was removed between
// them. Requires: nobody changes the index meanwhile. Throws Stopped when the watch says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/watch.hpp"
#include "file/disk.hpp"
#include "hash/lsh_tables.hpp"

namespace vicinal {

std::vector<std::byte> lsh_as_bytes(const LshView& view, const LshSettings& settings, std::int64_t next_id,
                                    Watch& watch);

// Replaces the file all or nothing (file/atomic_replace.hpp). Throws IoError; the old file is then untouched.
void write_lsh(Disk& disk, const std::string& path, const LshView& view, const LshSettings& settings,
               std::int64_t next_id, Watch& watch);

}  // namespace vicinal
