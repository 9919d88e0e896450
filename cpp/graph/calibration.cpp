#include "graph/calibration.hpp"

#include <cmath>
#include <tuple>

#include "base/types.hpp"

namespace vicinal {
namespace {

constexpr std::uint32_t kMostWidth = 1'000'000;  // as callers may ask for
constexpr float kMostStretch = 1'000;

bool is_share(double number) { return number >= 0 && number <= 1 && !std::signbit(number); }

// Written so that NaN fails; -0 would come back as another file than was read.
std::string fault_of(const Calibrated& one) {
    if (one.k < 1 || one.k >= kMaxSlots) return "k of " + std::to_string(one.k) + ", expected a number of neighbors";
    if (!(is_share(one.recall) && one.recall > 0))
        return "a target of " + std::to_string(one.recall) + ", expected one above 0, at most 1";
    if (one.ef < one.k || one.ef > std::max(kMostWidth, one.k))
        return "ef of " + std::to_string(one.ef) + ", expected " + std::to_string(one.k) + " or more";
    if (one.width < one.k || one.width > std::max(kMostWidth, one.k))
        return "a width of " + std::to_string(one.width) + ", expected " + std::to_string(one.k) + " or more";
    if (one.rule.anchor > one.width)
        return "an anchor of " + std::to_string(one.rule.anchor) + ", expected at most the width of " +
               std::to_string(one.width);
    if (!(one.rule.stretch > 0 && one.rule.stretch <= kMostStretch) || (!one.rule.on() && one.rule.stretch != 1))
        return "a stretch of " + std::to_string(one.rule.stretch) + ", expected one above 0, and 1 without an anchor";
    if (!is_share(one.measured)) return "a recall of " + std::to_string(one.measured) + ", expected 0 to 1";
    if (!(is_share(one.low) && one.low <= one.measured))
        return "a lower bound of " + std::to_string(one.low) + ", expected 0 to the recall of " +
               std::to_string(one.measured);
    if (!(std::isfinite(one.distances) && one.distances >= 0 && !std::signbit(one.distances)))
        return std::to_string(one.distances) + " distances, expected a finite number not below 0";
    return "";
}

}  // namespace

const Calibrated* Calibration::find(std::size_t k, double recall) const {
    constexpr double kRounding = 1e-9;
    for (const Calibrated& one : entries)
        if (one.k >= k && one.recall >= recall - kRounding && one.reached()) return &one;
    return nullptr;
}

bool Calibration::holds_for(std::size_t now) const {
    const std::size_t then = size, change = now > then ? now - then : then - now;
    return 5 * change <= then;
}

std::string Calibration::fault() const {
    if (size < 1 || size >= kMaxSlots) return "a size of " + std::to_string(size) + ", expected that of an index";
    if (queries < 1) return "no queries, expected one or more";
    if (entries.empty() || entries.size() > kMaxCalibrated)
        return std::to_string(entries.size()) + " entries, expected 1 to " + std::to_string(kMaxCalibrated);
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const std::string fault = fault_of(entries[i]);
        if (!fault.empty()) return "in entry " + std::to_string(i) + " " + fault;
        if (i > 0 && std::tie(entries[i - 1].k, entries[i - 1].recall) >= std::tie(entries[i].k, entries[i].recall))
            return "entry " + std::to_string(i) + " out of order, expected ascending k and targets";
    }
    return "";
}

}  // namespace vicinal
