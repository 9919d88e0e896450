#include "codecs/walk_code.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/checked.hpp"
#include "codecs/few_bits.hpp"

namespace vicinal {
namespace {

constexpr std::array<std::string_view, 8> kNames{"auto", "exact", "u8", "sq8", "sq4", "2bit", "4bit", "8bit"};

std::optional<Traversal> named(std::string_view name) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) return std::nullopt;
    return static_cast<Traversal>(found - kNames.begin());
}

constexpr float kSteps = 127.0F;

struct Rounded {
    float step;     // its size
    float squares;  // the sum of those of the steps: at most 127^2 * 65 536, below 2^31
};

// Rounds values to whole steps of the largest.
Rounded round_to_steps(const float* values, std::size_t n, std::int8_t* steps) {
    const kernels::Loops& loops = *kernels::active().loops;
    const auto largest = std::bit_cast<float>(loops.largest_magnitude(values, n));
    // A largest value so small that its inverse is infinite is taken for zero.
    const float inverse = largest > kSteps / std::numeric_limits<float>::max() ? kSteps / largest : 0.0F;
    const std::int32_t squares = loops.round_to_steps(values, inverse, n, steps);
    return {largest / kSteps, static_cast<float>(squares)};
}

}  // namespace

std::string_view name_of(Traversal traversal) { return kNames.at(static_cast<std::size_t>(traversal)); }

std::optional<Traversal> traversal_named(std::string_view name) {
    const auto found = named(name);
    return found && !is_tier(*found) ? found : std::nullopt;
}

std::optional<Traversal> codes_named(std::string_view name) {
    const auto found = named(name);
    return found && is_tier(*found) ? found : std::nullopt;
}

bool WalkCode::serves(const Space& space, Traversal traversal) {
    if (traversal == Traversal::exact) return true;
    return is_floating(space.dtype()) && (traversal != Traversal::u8 || space.metric() != Metric::cosine);
}

// Codes of a tier take no more bytes than they need, though rows of theirs then begin amid a line: at 384 dimensions
// and 2 bits whole lines would make of 96 bytes 128, as many as the links.
WalkCode::WalkCode(const Space& space, Traversal traversal)
    : space_(space), traversal_(traversal), length_(space.dim()), stride_(on() ? Space::stride_for(length_) : 0) {
    if (!on() || bits() == 8) return;
    length_ = round_up(length_, kCodeBlock);
    const std::size_t bytes = length_ * bits() / 8;
    stride_ = tiered() ? bytes : Space::stride_for(bytes);
    if (tiered()) rotation_ = std::make_shared<const Rotation>(space_.dim());
}

std::size_t WalkCode::bits() const {
    if (traversal_ == Traversal::code2) return 2;
    return traversal_ == Traversal::sq4 || traversal_ == Traversal::code4 ? 4 : 8;
}

// The vector as it is rounded, in memory of the thread's own where it is rotated first.
const float* WalkCode::turned(const float* values) const {
    if (rotation_ == nullptr) return values;
    static thread_local std::vector<float> room;
    room.assign(values, values + space_.dim());
    rotation_->turn(room.data());
    return room.data();
}

bool WalkCode::integral(const float* values, std::size_t n) { return kernels::active().loops->are_bytes(values, n); }

void WalkCode::encode(const float* values, std::byte* code, CodeFactors* factors) const {
    const std::size_t dim = space_.dim();
    if (traversal_ == Traversal::u8) {
        kernels::active().loops->to_bytes(values, dim, reinterpret_cast<std::uint8_t*>(code));
        return;
    }
    if (bits() == 8) {
        *factors = round(values, reinterpret_cast<std::int8_t*>(code));
        return;
    }
    static thread_local std::vector<float> scratch;
    const auto pack = bits() == 4 ? pack_nibbles : pack_crumbs;
    const Packed packed = pack(turned(values), dim, code, scratch);
    *factors = factors_of(packed.squared_norm, packed.step);
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
    const Rounded rounded = round_to_steps(values, space_.dim(), steps);
    return factors_of(rounded.step * rounded.step * rounded.squares, rounded.step);
}

std::optional<Probe> WalkCode::probe(const Probe& prepared, std::vector<std::byte>& scratch) const {
    const auto* values = static_cast<const float*>(prepared.data);
    const std::size_t dim = space_.dim();
    scratch.resize(round_up(dim, kCodeBlock));
    if (!rounds()) {
        if (!integral(values, dim)) return std::nullopt;
        encode(values, scratch.data(), nullptr);
        return probe_code(scratch.data(), {});
    }
    std::fill(scratch.begin() + static_cast<std::ptrdiff_t>(dim), scratch.end(), std::byte{0});
    const CodeFactors factors = round(turned(values), reinterpret_cast<std::int8_t*>(scratch.data()));
    return probe_code(scratch.data(), factors);
}

Probe WalkCode::probe_code(const std::byte* code, CodeFactors factors) const {
    const float step_of_mul = space_.metric() == Metric::l2 ? -0.5F : -1.0F;  // see factors_of
    return {code, step_of_mul * factors.mul, factors.add};
}

Ruler WalkCode::ruler() const {
    const auto& table = kernels::active();
    if (rounds() && bits() == 8) return {table.dot_steps, Ruler::Finish::code};
    if (rounds()) return {bits() == 4 ? table.dot_nibbles : table.dot_crumbs, Ruler::Finish::code};
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
        std::vector<float> scratch;
        return static_cast<double>(pack_nibbles(values, dim, code.data(), scratch).lost);
    }
    std::vector<std::int8_t> steps(dim);
    const float step = round_to_steps(values, dim, steps.data()).step;
    double error = 0;
    for (std::size_t i = 0; i < dim; ++i) {
        const double off = static_cast<double>(values[i]) - static_cast<double>(step) * steps[i];
        error += off * off;
    }
    return 2 * error;
}

}  // namespace vicinal
