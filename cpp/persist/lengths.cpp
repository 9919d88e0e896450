#include "persist/lengths.hpp"

#include "base/checked.hpp"
#include "graph/copies.hpp"
#include "persist/refuse.hpp"

namespace vicinal {

using namespace format;

void check_length(const Container& container, SectionKind kind, const char* what, std::size_t rows, std::size_t stride,
                  const std::string& name) {
    const std::size_t expected = checked_multiply(rows, stride);
    const std::uint64_t found = container.section(kind).length;
    if (found != expected)
        refuse(name, std::string("the length of the ") + what, found,
               std::to_string(expected) + ", " + std::to_string(rows) + " rows of " + std::to_string(stride));
}

Settings read_settings(Container& container, const std::string& name) {
    const std::uint64_t length = container.section(kSettings).length;
    if (length != kSettingsBytes) refuse(name, "the length of the settings", length, std::to_string(kSettingsBytes));
    SettingsBytes bytes{};
    container.read(kSettings, bytes);
    return decode_settings(bytes, name);
}

// All that can be compared before anything is allocated.
void check_lengths(const Container& container, const Layout& layout, const Settings& settings,
                   const std::string& name) {
    check_length(container, kRows, "rows", settings.count, layout.row_stride, name);
    check_length(container, kIds, "ids", settings.count, sizeof(Id), name);
    if (container.has(kGroups)) {
        check_length(container, kGroups, "groups", settings.count, sizeof(std::int64_t), name);
        if (settings.count == 0) refuse(name, "it has groups and no rows");
    }
    if (container.has(kFactors)) {
        check_length(container, kFactors, "inverse norms", settings.count, sizeof(float), name);
        if (settings.metric != Metric::cosine || settings.count == 0)
            refuse(name, "it has inverse norms, expected none but of rows under cosine");
    }
    check_length(container, kLevels, "levels", settings.count, 1, name);
    check_length(container, kStates, "states", settings.count, 1, name);
    check_length(container, kLinks, "links", settings.count, layout.link_stride, name);
}

void derive_places_of_upper_links(View& view) {
    std::uint32_t upper = 0;
    for (std::uint32_t slot = 0; slot < view.count; ++slot) {
        view.upper_first.as<std::uint32_t>()[slot] = upper;
        upper += upper_rows_of(view.level(Slot{slot}));  // of what is vacant, that is level 0
    }
}

}  // namespace vicinal
