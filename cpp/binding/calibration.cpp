#include "binding/calibration.hpp"

namespace vicinal::binding {
namespace {

py::dict as_dict(const Calibrated& one) {
    return py::dict("k"_a = one.k, "recall"_a = one.recall, "ef"_a = one.ef, "width"_a = one.width,
                    "anchor"_a = one.rule.anchor, "stretch"_a = one.rule.stretch, "measured"_a = one.measured,
                    "low"_a = one.low, "distances"_a = one.distances, "reached"_a = one.reached());
}

}  // namespace

py::dict as_dict(const Calibration& calibration) {
    py::list efforts;
    for (const Calibrated& one : calibration.entries) efforts.append(as_dict(one));
    return py::dict("size"_a = calibration.size, "queries"_a = calibration.queries, "efforts"_a = efforts);
}

Calibration calibration_of(const py::dict& dict) {
    Calibration calibration;
    calibration.size = dict["size"].cast<std::uint32_t>();
    calibration.queries = dict["queries"].cast<std::uint32_t>();
    for (const py::handle effort : dict["efforts"]) {
        Calibrated one;
        one.k = effort["k"].cast<std::uint32_t>();
        one.recall = effort["recall"].cast<double>();
        one.ef = effort["ef"].cast<std::uint32_t>();
        one.width = effort["width"].cast<std::uint32_t>();
        one.rule.anchor = effort["anchor"].cast<std::uint32_t>();
        one.rule.stretch = effort["stretch"].cast<float>();
        one.measured = effort["measured"].cast<double>();
        one.low = effort["low"].cast<double>();
        one.distances = effort["distances"].cast<double>();
        calibration.entries.push_back(one);
    }
    return calibration;
}

}  // namespace vicinal::binding
