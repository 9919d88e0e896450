// What has been measured of an index: how much effort reaches which recall.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "graph/stop_rule.hpp"

namespace vicinal {

// One target, and the least effort that reached it on the queries the index was tuned with.
struct Calibrated {
    std::uint32_t k = 0;
    double recall = 0;        // that was asked for
    std::uint32_t ef = 0;     // width of the beam that reached it alone
    std::uint32_t width = 0;  // of the beam under the rule; ef, where there is none
    StopRule rule;
    double measured = 0;   // mean recall with this effort,
    double low = 0;        // the lower bound of its confidence interval
    double distances = 0;  // and the mean number of vectors compared

    // Otherwise this is the most that was tried, kept so that somebody can be told how far it went.
    bool reached() const { return low >= recall; }
};

struct Calibration {
    std::uint32_t size = 0;           // vectors in the index at that time
    std::uint32_t queries = 0;        // that were searched for
    std::vector<Calibrated> entries;  // ascending by k, then by recall, no two alike

    // The cheapest that promises at least `recall` of the k nearest: what reaches it for more neighbors does for fewer.
    // Null where nothing does.
    const Calibrated* find(std::size_t k, double recall) const;

    // Whether an index of so many vectors is much the same as it was: within a fifth.
    bool holds_for(std::size_t now) const;

    // What cannot be in a calibration, or nothing: " holds ..., expected ..." without the subject.
    std::string fault() const;
};

constexpr std::size_t kMaxCalibrated = 4'096;
constexpr double kDefaultRecall = 0.95;  // of a search that asks for nothing

}  // namespace vicinal
