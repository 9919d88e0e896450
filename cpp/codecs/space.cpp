#include "codecs/space.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/checked.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kLine = 64;
constexpr float kLargestF16 = 65'504.0F;

// Of whole numbers, whose squares add up exactly in any order.
template <class Integer>
double sum_of_squares(const Integer* values, std::size_t n) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += std::int64_t{values[i]} * values[i];
    return static_cast<double>(sum);
}

double sum_of_squares(const float* values, std::size_t n) { return kernels::active().loops->sum_of_squares(values, n); }

template <class T>
const T* elements(const std::byte* bytes) {
    return reinterpret_cast<const T*>(bytes);
}

}  // namespace

void Ruler::finish(const Probe& probe, const kernels::Rows& rows, const std::uint32_t* slots, std::size_t n,
                   float* distances) const {
    switch (finish_) {
        case Finish::none: return;
        case Finish::halve:
            for (std::size_t i = 0; i < n; ++i) distances[i] *= 0.5F;
            return;
        case Finish::one_minus:
            for (std::size_t i = 0; i < n; ++i) distances[i] = 1.0F - distances[i];
            return;
        case Finish::one_minus_scaled:
            // In double and not below 0: what is left between a vector and its multiples, at most 2e-7, is the rounding
            // of the two factors.
            for (std::size_t i = 0; i < n; ++i)
                distances[i] = static_cast<float>(
                    std::max(0.0, 1.0 - static_cast<double>(distances[i]) * static_cast<double>(probe.factor) *
                                            static_cast<double>(rows.scale[slots[i]])));
            return;
        case Finish::code:
            for (std::size_t i = 0; i < n; ++i) {
                const float* factors = rows.scale + 2 * std::size_t{slots[i]};
                distances[i] = probe.add + factors[0] + (probe.factor * factors[1]) * distances[i];
            }
            return;
        case Finish::lifted:
            for (std::size_t i = 0; i < n; ++i)
                distances[i] = ceiling_ - distances[i] - probe.factor * rows.scale[slots[i]];
            return;
    }
}

std::size_t Space::stride_for(std::size_t bytes) {
    return bytes >= kLine ? round_up(bytes, kLine) : std::bit_ceil(std::max<std::size_t>(bytes, 1));
}

Space::Space(Metric metric, Dtype dtype, std::size_t dim)
    : metric_(metric), dtype_(dtype), dim_(dim), stride_(stride_for(stored_bytes(dtype, dim))) {}

std::string Space::fault(const std::byte* given, Source source) const {
    const bool zero_matters = metric_ == Metric::cosine;
    if (!is_floating(dtype_)) {
        if (zero_matters && std::all_of(given, given + dim_, [](std::byte b) { return b == std::byte{0}; }))
            return "is all zeros, which has no direction under cosine";
        return {};
    }
    const float* values = elements<float>(given);
    const std::uint32_t largest = kernels::active().loops->largest_magnitude(values, dim_);
    constexpr std::uint32_t kInfinity = 0x7f80'0000U;
    constexpr std::uint32_t kRoundsToInfinity = 0x7f7f'8000U;  // as bfloat16, which keeps the upper half
    if (largest > kInfinity) return "holds NaN";
    if (largest == kInfinity) return "holds infinity, or a number beyond float32";
    if (dtype_ == Dtype::bf16 && largest >= kRoundsToInfinity)
        return "holds a number beyond bfloat16, which ends at 3.3895e38";
    if (dtype_ == Dtype::f16 && std::bit_cast<float>(largest) > kLargestF16)
        return "holds " + std::to_string(std::bit_cast<float>(largest)) + ", beyond float16's 65504";
    constexpr auto kNeverTooLong = static_cast<float>(kLongest / 256);  // the largest element, in 65 536 dimensions
    if (source == Source::caller && metric_ != Metric::cosine && std::bit_cast<float>(largest) > kNeverTooLong &&
        sum_of_squares(values, dim_) > kLongest * kLongest)
        return "is longer than 6e18, so that distances from it could leave float32";
    if (zero_matters && !has_direction(values))
        return "is all zeros (or too close to zero), which has no direction under cosine";
    return {};
}

// As it is given and as it will be stored: a row must not become zero on the way. A vector this long has an element
// that no type rounds to zero, so only the shortest are encoded to find out.
bool Space::has_direction(const float* values) const {
    constexpr double kLongEnough = 1e-6;  // squared; then some element exceeds 3e-6, in the most dimensions there are
    const double squared = sum_of_squares(values, dim_);
    if (squared > kLongEnough) return true;
    if (!std::isfinite(static_cast<float>(1.0 / std::sqrt(squared)))) return false;
    std::vector<std::byte> row(row_bytes());
    encode(reinterpret_cast<const std::byte*>(values), row.data());
    return std::isfinite(inverse_norm(row.data()));
}

void Space::encode(const std::byte* given, std::byte* row) const {
    if (dtype_ == Dtype::f16)
        kernels::active().loops->f32_to_f16(elements<float>(given), reinterpret_cast<std::uint16_t*>(row), dim_);
    else if (dtype_ == Dtype::bf16)
        kernels::active().loops->f32_to_bf16(elements<float>(given), reinterpret_cast<std::uint16_t*>(row), dim_);
    else
        std::memcpy(row, given, row_bytes());
}

void Space::decode(const std::byte* row, std::byte* given) const {
    if (dtype_ == Dtype::f16 || dtype_ == Dtype::bf16)
        widen(row, reinterpret_cast<float*>(given));
    else
        std::memcpy(given, row, row_bytes());
}

void Space::widen(const std::byte* row, float* floats) const {
    const kernels::Loops& loops = *kernels::active().loops;
    const auto widen = dtype_ == Dtype::f16 ? loops.f16_to_f32 : loops.bf16_to_f32;
    widen(elements<std::uint16_t>(row), floats, dim_);
}

double Space::squared_norm(const std::byte* row) const {
    switch (dtype_) {
        case Dtype::f32: return sum_of_squares(elements<float>(row), dim_);
        case Dtype::i8: return sum_of_squares(elements<std::int8_t>(row), dim_);
        case Dtype::u8: return sum_of_squares(elements<std::uint8_t>(row), dim_);
        case Dtype::f16:
        case Dtype::bf16: {
            std::vector<float> floats(dim_);
            widen(row, floats.data());
            return sum_of_squares(floats.data(), dim_);
        }
        case Dtype::b1: return 0;
    }
    return 0;
}

float Space::inverse_norm(const std::byte* row) const { return static_cast<float>(1.0 / std::sqrt(squared_norm(row))); }

float Space::height(const std::byte* row, double ceiling) const {
    return static_cast<float>(std::sqrt(std::max(0.0, ceiling - squared_norm(row))));
}

Probe Space::probe_given(const std::byte* given, std::vector<float>& scratch) const {
    if (metric_ != Metric::cosine) return {given, 0.0F};
    if (!is_floating(dtype_)) return {given, inverse_norm(given)};
    const float* values = elements<float>(given);
    const auto inverse = static_cast<float>(1.0 / std::sqrt(sum_of_squares(values, dim_)));
    scratch.resize(dim_);
    kernels::active().loops->scale(values, inverse, dim_, scratch.data());
    return {scratch.data(), 1.0F};
}

Probe Space::probe_row(const std::byte* row, float factor, std::vector<float>& scratch) const {
    if (!is_floating(dtype_)) return {row, factor};
    const bool as_it_is = dtype_ == Dtype::f32 && metric_ != Metric::cosine;
    if (as_it_is) return {row, factor};
    scratch.resize(dim_);
    if (dtype_ == Dtype::f32)
        std::memcpy(scratch.data(), row, row_bytes());
    else
        widen(row, scratch.data());
    if (metric_ == Metric::cosine)
        for (float& value : scratch) value *= factor;
    return {scratch.data(), factor};
}

kernels::ScoreRows Space::of_type(kernels::ScoreRows f32, kernels::ScoreRows f16, kernels::ScoreRows bf16,
                                  kernels::ScoreRows i8, kernels::ScoreRows u8) const {
    switch (dtype_) {
        case Dtype::f32: return f32;
        case Dtype::f16: return f16;
        case Dtype::bf16: return bf16;
        case Dtype::i8: return i8;
        default: return u8;
    }
}

Ruler Space::search_ruler() const {
    const auto& table = kernels::active();
    switch (metric_) {
        case Metric::l2:
            return {of_type(table.l2_f32, table.l2_f16, table.l2_bf16, table.l2_i8, table.l2_u8), Ruler::Finish::none};
        case Metric::ip: return {dot(), Ruler::Finish::one_minus};
        case Metric::cosine:
            return {of_type(table.scaled_l2_f32, table.scaled_l2_f16, table.scaled_l2_bf16, table.dot_i8, table.dot_u8),
                    is_floating(dtype_) ? Ruler::Finish::halve : Ruler::Finish::one_minus_scaled};
        case Metric::hamming: return {table.hamming_b1, Ruler::Finish::none};
        case Metric::jaccard: break;
    }
    return {table.jaccard_b1, Ruler::Finish::none};
}

kernels::ScoreRows Space::dot() const {
    const auto& table = kernels::active();
    return of_type(table.dot_f32, table.dot_f16, table.dot_bf16, table.dot_i8, table.dot_u8);
}

Ruler Space::build_ruler(bool lifted, double ceiling) const {
    if (!lifted) return search_ruler();
    return {dot(), Ruler::Finish::lifted, static_cast<float>(ceiling)};
}

}  // namespace vicinal
