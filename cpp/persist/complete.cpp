#include "persist/complete.hpp"

#include "graph/copies.hpp"
#include "graph/sweep.hpp"
#include "persist/check.hpp"
#include "persist/lengths.hpp"

namespace vicinal {

void complete(Graph& graph, const Settings& settings, const std::string& name, Effort& effort) {
    View& view = graph.view;
    derive_places_of_upper_links(view);
    check_vacant(view, name);
    check_ids(view, settings, name);
    check_rows(graph, name, effort);
    check_links(graph, name, effort);
    check_copies(graph, name, effort);
    derive_chains(view);
    resume_sweep(graph);
}

}  // namespace vicinal
