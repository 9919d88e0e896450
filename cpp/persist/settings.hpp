// The settings and counts of an index: the section that says how to read the others.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "codecs/types.hpp"
#include "graph/code_choice.hpp"
#include "graph/graph.hpp"
#include "persist/format.hpp"

namespace vicinal {

struct Settings {
    Metric metric = Metric::l2;
    Dtype dtype = Dtype::f32;
    std::size_t dim = 0;
    GraphOptions graph;
    std::uint32_t count = 0;
    std::uint32_t gone = 0;    // rows that are not live
    std::uint32_t cursor = 0;  // of a pass
    std::uint64_t insertions = 0;
    std::int64_t next_id = 0;
    std::uint32_t entry = 0;
    Norms norms;
    CodeChoice codes;
    std::uint32_t judge_at = 0;
};

using SettingsBytes = std::array<std::byte, format::kSettingsBytes>;

Settings settings_of(const Graph& graph, std::int64_t next_id);
SettingsBytes encode(const Settings& settings);

// Throws CorruptIndexError when any value is not one that an index can have; `name` says whose bytes they are.
Settings decode_settings(std::span<const std::byte> bytes, const std::string& name);

}  // namespace vicinal
