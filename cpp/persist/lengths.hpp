// What the settings of an index say about its sections, for whoever reads or maps them.
#pragma once

#include <cstddef>
#include <string>

#include "file/container_read.hpp"
#include "graph/graph.hpp"
#include "persist/format.hpp"
#include "persist/settings.hpp"

namespace vicinal {

constexpr ReaderKnowledge kKnowledge{format::kVersion, format::kKinds};

Settings read_settings(Container& container, const std::string& name);

// Throws CorruptIndexError unless the section has so many rows.
void check_length(const Container& container, SectionKind kind, const char* what, std::size_t rows, std::size_t stride,
                  const std::string& name);

// All that can be compared before anything is allocated.
void check_lengths(const Container& container, const Layout& layout, const Settings& settings, const std::string& name);

// Requires: levels are right, and there is room.
void derive_places_of_upper_links(View& view);

}  // namespace vicinal
