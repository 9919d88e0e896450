// The codes of a tier (codecs/walk_code.hpp, is_tier) as sections of a file. Other codes are made from the rows; these
// are there so that whoever maps the file need not read the rows they stand for.
#pragma once

#include <string>

#include "file/container_read.hpp"
#include "graph/view.hpp"
#include "persist/settings.hpp"

namespace vicinal {

// The one table of codes that a file holds; null where it holds none.
const CodeTable* stored_codes(const View& view);

// Takes notice of what the settings say of codes, and makes the table that a file holds, empty.
void set_codes(Graph& graph, const Settings& settings);

// Whether the file has such sections where it must, and nowhere else, and how long they are. Requires: set_codes().
void check_code_lengths(const Container& container, const Graph& graph, const Settings& settings,
                        const std::string& name);

// Any bytes are codes of some vector, and what a search reports is measured on the stored vectors; so what is looked at
// is that factors are finite and vacant rows are zeros. That codes are those of their rows is not.
void check_codes(const View& view, const std::string& name);

}  // namespace vicinal
