#include "index/effort.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/errors.hpp"
#include "index/parts.hpp"

namespace vicinal {
namespace {

std::string shown(double number) {
    std::string text = std::to_string(number);
    text.erase(text.find_last_not_of('0') + 1);
    return text.back() == '.' ? text + '0' : text;
}

void check_effort(const SearchOptions& options) {
    if (options.ef > kMaxEf)
        throw InvalidArgumentError("ef is " + std::to_string(options.ef) + ", expected 1 to " + std::to_string(kMaxEf));
    if (!(options.recall >= 0 && options.recall <= 1))
        throw InvalidArgumentError("recall is " + shown(options.recall) + ", expected a number above 0, at most 1");
    if (!(options.rule.stretch > 0)) throw InvalidArgumentError("the stretch of a rule is not above 0");
}

[[noreturn]] void throw_not_tuned(std::size_t k, double recall, const Calibration* calibration) {
    const std::string asked = "recall " + shown(recall) + " at k=" + std::to_string(k);
    const std::string call = "tune(queries, k=" + std::to_string(k) + ", recall=" + shown(recall) + ")";
    if (calibration == nullptr)
        throw NotTunedError(asked + " was asked of an index that is not tuned: call " + call +
                            " with queries that are not stored in it, or name an ef");
    for (const Calibrated& one : calibration->entries)
        if (one.k >= k && one.recall >= recall - 1e-9)
            throw NotTunedError(asked + " was not reached when the index was tuned: " + shown(one.measured) +
                                " at ef=" + std::to_string(one.ef) + ", at least " + shown(one.low) +
                                "; ask for less, call tune with more queries, or name an ef");
    throw NotTunedError(asked + " is beyond what the index was tuned for: call " + call + ", or name an ef");
}

Asked as_calibrated(std::size_t k, const Calibrated& known) {
    return {.k = k, .width = std::max<std::size_t>(known.width, k), .rule = known.rule};
}

}  // namespace

Asked effort_of(const SearchOptions& options, const View& view) {
    check_effort(options);
    const std::size_t k = options.k;
    if (options.ef != 0 || options.exact) return {.k = k, .width = std::max(options.ef, k), .rule = options.rule};

    const Calibration* calibration = view.calibration.get();
    const double recall = options.recall > 0 ? options.recall : kDefaultRecall;
    const Calibrated* known = calibration == nullptr ? nullptr : calibration->find(k, recall);
    if (known == nullptr && options.recall > 0) throw_not_tuned(k, recall, calibration);
    const std::size_t untuned = std::max<std::size_t>(64, 2 * k);
    if (known == nullptr) return {.k = k, .width = untuned};

    // What was measured were searches of all there is, and no rule ends a walk to what a filter admits. Where nobody
    // asked for a promise, nobody is warned that it is out of date. In both cases rather too wide than too narrow.
    const bool restricted = !options.filters.empty() || options.per_group != 0;
    const bool outdated = options.recall == 0 && !calibration->holds_for(view.size());
    if (restricted || outdated) return {.k = k, .width = std::max<std::size_t>(untuned, known->ef)};
    return as_calibrated(k, *known);
}

void Index::calibrate(Calibration&& calibration) {
    const std::string fault = calibration.fault();
    if (!fault.empty()) throw InvalidArgumentError("the calibration holds " + fault);
    auto kept = std::make_shared<const Calibration>(std::move(calibration));
    const std::lock_guard writing(parts_->writing);
    std::unique_ptr<View> prepared = parts_->prepare_to_publish();
    parts_->graph.view.calibration = std::move(kept);
    parts_->publish(std::move(prepared));
}

std::shared_ptr<const Calibration> Index::calibration() const {
    const Reading reading(*parts_);
    return reading.view().calibration;
}

}  // namespace vicinal
