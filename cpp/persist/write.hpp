// An index becomes bytes (persist/format.hpp).
//
// The same graph gives the same bytes. Requires of every function: nobody changes the graph meanwhile; searches may
// go on. Throws Stopped when the watch says so, at the latest after the next megabyte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/watch.hpp"
#include "file/append_log.hpp"
#include "file/container_write.hpp"
#include "file/disk.hpp"
#include "graph/graph.hpp"

namespace vicinal {

std::vector<std::byte> index_as_bytes(const Graph& graph, std::int64_t next_id, Watch& watch);

// Replaces the file all or nothing (file/atomic_replace.hpp). Throws IoError; the old file is then untouched.
// Just before the new file takes the name, when it is on the device, `before` is told its mark, and may throw.
using BeforeCommit = std::function<void(const FileMark&)>;
void write_index(Disk& disk, const std::string& path, const Graph& graph, std::int64_t next_id, Watch& watch,
                 const BeforeCommit& before = {});

// The same with bytes that are an index already.
void write_bytes(Disk& disk, const std::string& path, std::span<const std::byte> bytes, Watch& watch);

// The two ways out for the sections of anything else.
std::vector<std::byte> sections_as_bytes(std::span<const SectionToWrite> sections, FormatVersion version, Watch& watch);
void write_sections(Disk& disk, const std::string& path, std::span<const SectionToWrite> sections,
                    FormatVersion version, Watch& watch, const BeforeCommit& before = {});

}  // namespace vicinal
