#include "codecs/walk_code.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/checked.hpp"
#include "codecs/nibbles.hpp"

namespace vicinal {
namespace {

constexpr std::array<std::string_view, 5> kNames{"auto", "exact", "u8", "sq8", "sq4"};

constexpr float kSteps = 127.0F;

// Rounds values to whole steps of the largest, and returns the size of a step. Written for the compiler to do many at
// once, since every query passes here: magnitudes compare as whole numbers, and adding 1.5 * 2^23 leaves no room for a
// fraction, so that the sum is rounded (ties to even) and its last byte is the step.
float round_to_steps(const float* values, std::size_t n, std::int8_t* steps) {
    constexpr float kNoFraction = 12'582'912.0F;
    std::int32_t magnitude = 0;
    for (std::size_t i = 0; i < n; ++i)
        magnitude = std::max(magnitude, std::bit_cast<std::int32_t>(values[i]) & 0x7fff'ffff);
    const auto largest = std::bit_cast<float>(magnitude);
    // A largest value so small that its inverse is infinite is taken for zero.
    const float inverse = largest > kSteps / std::numeric_limits<float>::max() ? kSteps / largest : 0.0F;
    for (std::size_t i = 0; i < n; ++i)
        steps[i] = static_cast<std::int8_t>(std::bit_cast<std::uint32_t>(values[i] * inverse + kNoFraction) & 0xff);
    return largest / kSteps;
}

float sum_of_squares(const std::int8_t* steps, std::size_t n) {
    std::int32_t sum = 0;  // at most 127^2 * 65 536, below 2^31
    for (std::size_t i = 0; i < n; ++i) sum += std::int32_t{steps[i]} * steps[i];
    return static_cast<float>(sum);
}

}  // namespace

std::string_view name_of(Traversal traversal) { return kNames.at(static_cast<std::size_t>(traversal)); }

std::optional<Traversal> traversal_named(std::string_view name) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<Traversal>(found - kNames.begin());
}

bool WalkCode::serves(const Space& space, Traversal traversal) {
    if (traversal == Traversal::exact) return true;
    return is_floating(space.dtype()) && (traversal != Traversal::u8 || space.metric() != Metric::cosine);
}

WalkCode::WalkCode(const Space& space, Traversal traversal)
    : space_(space), traversal_(traversal), length_(space.dim()), stride_(on() ? Space::stride_for(length_) : 0) {
    if (traversal_ != Traversal::sq4) return;
    length_ = round_up(length_, kNibbleBlock);
    stride_ = Space::stride_for(length_ / 2);
}

bool WalkCode::integral(const float* values, std::size_t n) {
    bool all = true;
    for (std::size_t i = 0; i < n; ++i) {
        const float value = values[i];
        // A comparison of what comes back catches fractions, and NaN, infinity and what a byte cannot hold.
        const float bounded = std::min(std::max(value, 0.0F), 255.0F);
        all &= static_cast<float>(static_cast<std::int32_t>(bounded)) == value;
    }
    return all;
}

void WalkCode::encode(const float* values, std::byte* code, CodeFactors* factors) const {
    const std::size_t dim = space_.dim();
    if (traversal_ == Traversal::u8) {
        auto* bytes = reinterpret_cast<std::uint8_t*>(code);
        for (std::size_t i = 0; i < dim; ++i) bytes[i] = static_cast<std::uint8_t>(values[i]);
        return;
    }
    if (traversal_ == Traversal::sq4) {
        const Packed packed = pack_nibbles(values, dim, code);
        *factors = factors_of(packed.squared_norm, packed.step);
    } else {
        *factors = round(values, reinterpret_cast<std::int8_t*>(code));
    }
}

// l2 is |x|^2 + |q|^2 - 2 x.q; cosine is half of it; ip is 1 - x.q.
CodeFactors WalkCode::factors_of(float squared_norm, float step) const {
    if (space_.metric() == Metric::ip) return {0.5F, -step};
    const float half = space_.metric() == Metric::cosine ? 0.5F : 1.0F;
    return {half * squared_norm, half * -2.0F * step};
}

// With the norm of what was rounded, not of the vector: the sum is then the exact distance between two rounded vectors,
// and copies are at distance 0.
CodeFactors WalkCode::round(const float* values, std::int8_t* steps) const {
    const float step = round_to_steps(values, space_.dim(), steps);
    return factors_of(step * step * sum_of_squares(steps, space_.dim()), step);
}

std::optional<Probe> WalkCode::probe(const Probe& prepared, std::vector<std::byte>& scratch) const {
    const auto* values = static_cast<const float*>(prepared.data);
    const std::size_t dim = space_.dim();
    scratch.resize(round_up(dim, kNibbleBlock));
    if (!rounds()) {
        if (!integral(values, dim)) return std::nullopt;
        encode(values, scratch.data(), nullptr);
        return probe_code(scratch.data(), {});
    }
    std::fill(scratch.begin() + static_cast<std::ptrdiff_t>(dim), scratch.end(), std::byte{0});
    const CodeFactors factors = round(values, reinterpret_cast<std::int8_t*>(scratch.data()));
    return probe_code(scratch.data(), factors);
}

Probe WalkCode::probe_code(const std::byte* code, CodeFactors factors) const {
    const float step_of_mul = space_.metric() == Metric::l2 ? -0.5F : -1.0F;  // see factors_of
    return {code, step_of_mul * factors.mul, factors.add};
}

Ruler WalkCode::ruler() const {
    const auto& table = kernels::active();
    if (traversal_ == Traversal::sq8) return {table.dot_steps, Ruler::Finish::code};
    if (traversal_ == Traversal::sq4) return {table.dot_nibbles, Ruler::Finish::code};
    return Space(space_.metric(), Dtype::u8, space_.dim()).search_ruler();
}

float WalkCode::blur(const Probe& probe, CodeFactors row, float distance) const {
    // An element of a vector is off by up to half a step either way, a variance of step^2 / 12. Between two vectors d
    // apart that are off by e in all, |d + e|^2 - |d|^2 = 2 d.e + |e|^2, and among copies of nearly one vector there is
    // nothing but the last. Two such distances are compared, so variances add once more.
    const double half = space_.metric() == Metric::cosine ? 0.5 : 1.0;
    const double step = static_cast<double>(row.mul) / (-2.0 * half);
    const double query_step = static_cast<double>(probe.factor);
    const double variance = (query_step * query_step + step * step) / 12.0;
    const double squared = std::max(static_cast<double>(distance), 0.0) / half;
    const double along = squared * variance + static_cast<double>(space_.dim()) * variance * variance / 2.0;
    constexpr double kDeviations = 4.0;
    return static_cast<float>(kDeviations * half * 2.0 * std::sqrt(2.0 * along));
}

float WalkCode::noise(const float* values, float distance) const {
    // Both vectors are rounded. Of the error e, which points anywhere, the part along the difference counts, twice:
    // |d + e|^2 - |d|^2 is about 2 d.e, and d.e is about |d| |e| / sqrt(dim).
    const double l2 = static_cast<double>(distance) * (space_.metric() == Metric::l2 ? 1 : 2);
    return static_cast<float>(2 * std::sqrt(lost(values) / (static_cast<double>(space_.dim()) * std::max(l2, 1e-30))));
}

// |e|^2 of two such vectors; beside rows of sq4 what the query loses is nothing.
double WalkCode::lost(const float* values) const {
    const std::size_t dim = space_.dim();
    if (traversal_ == Traversal::sq4) {
        std::vector<std::byte> code(stride_);
        return static_cast<double>(pack_nibbles(values, dim, code.data()).lost);
    }
    std::vector<std::int8_t> steps(dim);
    const float step = round_to_steps(values, dim, steps.data());
    double error = 0;
    for (std::size_t i = 0; i < dim; ++i) {
        const double off = static_cast<double>(values[i]) - static_cast<double>(step) * steps[i];
        error += off * off;
    }
    return 2 * error;
}

}  // namespace vicinal
