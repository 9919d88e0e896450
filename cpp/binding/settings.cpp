#include "binding/settings.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/errors.hpp"

namespace vicinal::binding {
namespace {

constexpr std::array<std::string_view, 3> kLifts{"auto", "on", "off"};  // in the order of enum Lift
constexpr std::array<std::string_view, 2> kTiers{"memory", "disk"};     // in the order of enum Tier

}  // namespace

Options options_of(std::size_t dim, const std::string& metric, const std::string& dtype) {
    const auto known_metric = metric_named(metric);
    if (!known_metric)
        throw InvalidArgumentError("metric is \"" + metric +
                                   "\", expected \"l2\", \"ip\", \"cosine\", \"hamming\" or \"jaccard\"");
    const auto known_dtype = dtype_named(dtype);
    if (!known_dtype)
        throw InvalidArgumentError("dtype is \"" + dtype +
                                   "\", expected \"f32\", \"f16\", \"bf16\", \"i8\", \"u8\" or \"b1\"");
    Options options;
    options.dim = dim;
    options.metric = *known_metric;
    options.dtype = *known_dtype;
    return options;
}

Lift lift_of(const std::string& name) {
    const auto* found = std::find(kLifts.begin(), kLifts.end(), name);
    if (found == kLifts.end())
        throw InvalidArgumentError("lift is \"" + name + "\", expected \"auto\", \"on\" or \"off\"");
    return static_cast<Lift>(found - kLifts.begin());
}

Traversal traversal_of(const std::string& name) {
    const auto known = traversal_named(name);
    if (!known)
        throw InvalidArgumentError("traversal is \"" + name +
                                   "\", expected \"auto\", \"exact\", \"u8\", \"sq8\" or \"sq4\"");
    return *known;
}

void set_tier(Options& options, const std::string& codes, const std::string& vectors) {
    if (!codes.empty()) {
        const auto known = codes_named(codes);
        if (!known) throw InvalidArgumentError("codes is \"" + codes + "\", expected \"2bit\", \"4bit\" or \"8bit\"");
        options.traversal = *known;
    }
    const auto* found = std::find(kTiers.begin(), kTiers.end(), vectors);
    if (found == kTiers.end())
        throw InvalidArgumentError("vectors is \"" + vectors + "\", expected \"memory\" or \"disk\"");
    options.vectors = static_cast<Tier>(found - kTiers.begin());
}

py::dict as_dict(const Options& options) {
    py::dict dict("dim"_a = options.dim, "metric"_a = std::string(name_of(options.metric)),
                  "dtype"_a = std::string(name_of(options.dtype)), "M"_a = options.M,
                  "ef_construction"_a = options.ef_construction,
                  "traversal"_a = std::string(name_of(options.traversal)),
                  "lift"_a = std::string(kLifts[static_cast<std::size_t>(options.lift)]), "seed"_a = options.seed);
    if (is_tier(options.traversal)) {
        dict["traversal"] = std::string(name_of(Traversal::automatic));
        dict["codes"] = std::string(name_of(options.traversal));
        dict["vectors"] = std::string(kTiers[static_cast<std::size_t>(options.vectors)]);
    }
    return dict;
}

py::dict as_dict(const Memory& memory) {
    return py::dict("vectors"_a = memory.vectors, "codes"_a = memory.codes, "links"_a = memory.links,
                    "upper_links"_a = memory.upper_links, "ids"_a = memory.ids, "factors"_a = memory.factors,
                    "copies"_a = memory.copies, "mapped"_a = memory.mapped);
}

namespace {

py::list list_of(const std::vector<std::size_t>& counts) {
    py::list list;
    for (const std::size_t count : counts) list.append(count);
    return list;
}

}  // namespace

py::dict as_dict(const Health& health) {
    return py::dict(
        "unreachable"_a = health.unreachable, "zero_in_degree"_a = health.zero_in_degree,
        "duplicates"_a = health.duplicates, "zero_norm"_a = health.zero_norm, "degrees"_a = list_of(health.degrees),
        "in_degrees"_a = list_of(health.in_degrees), "levels"_a = list_of(health.levels),
        "norms"_a = py::dict("min"_a = health.shortest, "p5"_a = health.twentieth, "median"_a = health.median,
                             "p95"_a = health.last_twentieth, "max"_a = health.longest));
}

py::dict as_dict(const GraphShape& shape) {
    return py::dict("size"_a = shape.size, "removed"_a = shape.removed, "vacant"_a = shape.vacant,
                    "copies"_a = shape.copies, "top_level"_a = shape.top_level,
                    "level_counts"_a = list_of(shape.level_counts), "mean_degree"_a = shape.mean_degree,
                    "walked"_a = std::string(name_of(shape.walked)));
}

py::dict as_dict(const Info& info) {
    py::dict dict = as_dict(info.options);
    dict["size"] = info.size;
    dict["removed"] = info.removed;
    dict["file_bytes"] = info.file_bytes;
    dict["format"] = std::to_string(info.format_major) + "." + std::to_string(info.format_minor);
    return dict;
}

}  // namespace vicinal::binding
