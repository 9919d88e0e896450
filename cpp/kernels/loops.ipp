// Loops over one vector, in plain C++ that compilers vectorize: loops_*.cpp compile it once for each instruction set.
// As in every file of a set, nothing from shared headers is inlined here. Each gives the same bits on every set: its
// operations have a fixed order and none is fused.
namespace {

constexpr std::size_t kLanes = 8;  // sums side by side, because one would wait for itself at every step

std::int32_t bits_of(float value) {
    std::int32_t bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    return bits;
}

std::uint32_t largest_magnitude(const float* values, std::size_t n) {
    std::int32_t largest = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const std::int32_t magnitude = bits_of(values[i]) & 0x7fff'ffff;
        largest = magnitude > largest ? magnitude : largest;
    }
    return static_cast<std::uint32_t>(largest);
}

double sum_of_squares(const float* values, std::size_t n) {
    double sums[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const double value = static_cast<double>(values[i + lane]);
            sums[lane] += value * value;
        }
    }
    for (std::size_t lane = 0; i + lane < n; ++lane) {
        const double value = static_cast<double>(values[i + lane]);
        sums[lane] += value * value;
    }
    double sum = 0;
    for (const double part : sums) sum += part;
    return sum;
}

void scale(const float* values, float factor, std::size_t n, float* scaled) {
    for (std::size_t i = 0; i < n; ++i) scaled[i] = values[i] * factor;
}

// Adding 1.5 * 2^23 leaves no room for a fraction, so that the sum is rounded and its last byte is the step.
std::int32_t round_to_steps(const float* values, float inverse, std::size_t n, std::int8_t* steps) {
    constexpr float kNoFraction = 12'582'912.0f;
    for (std::size_t i = 0; i < n; ++i) steps[i] = static_cast<std::int8_t>(bits_of(values[i] * inverse + kNoFraction));
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += std::int32_t{steps[i]} * steps[i];
    return sum;
}

// Adding 2^23 leaves no room for a fraction, so only whole numbers come back. Without branches, and so that NaN fails.
bool are_bytes(const float* values, std::size_t n) {
    constexpr float kNoFraction = 8'388'608.0f;
    std::int32_t others = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const float value = values[i];
        const float whole = (value + kNoFraction) - kNoFraction;
        others |= static_cast<std::int32_t>(whole != value) | static_cast<std::int32_t>(!(value >= 0.0f)) |
                  static_cast<std::int32_t>(!(value <= 255.0f));
    }
    return others == 0;
}

void to_bytes(const float* values, std::size_t n, std::uint8_t* bytes) {
    for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(values[i]));
}

// The nearest whole number, ties to even, that is no more than 7 away from zero.
float few_steps(float value) {
    constexpr float kNoFraction = 12'582'912.0f;
    const float above = value > -7.0f ? value : -7.0f;
    const float bounded = above < 7.0f ? above : 7.0f;
    return (bounded + kNoFraction) - kNoFraction;
}

// The nearest of -3, -1, 1 and 3.
float odd_step(float value) {
    constexpr float kNoFraction = 12'582'912.0f;
    const float half = (value - 1.0f) * 0.5f;
    const float above = half > -2.0f ? half : -2.0f;
    const float bounded = above < 1.0f ? above : 1.0f;
    return ((bounded + kNoFraction) - kNoFraction) * 2.0f + 1.0f;
}

template <float (*kStep)(float)>
void fit_steps(const float* values, float inverse, std::size_t n, float* along, float* squares) {
    float alongs[kLanes] = {};
    float lengths[kLanes] = {};
    std::size_t i = 0;
    for (; i + kLanes <= n; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
            const float steps = kStep(values[i + lane] * inverse);
            alongs[lane] += values[i + lane] * steps;
            lengths[lane] += steps * steps;
        }
    }
    for (std::size_t lane = 0; i + lane < n; ++lane) {
        const float steps = kStep(values[i + lane] * inverse);
        alongs[lane] += values[i + lane] * steps;
        lengths[lane] += steps * steps;
    }
    *along = *squares = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
        *along += alongs[lane];
        *squares += lengths[lane];
    }
}

void fit_few_steps(const float* values, float inverse, std::size_t n, float* along, float* squares) {
    fit_steps<few_steps>(values, inverse, n, along, squares);
}

void fit_crumbs(const float* values, float inverse, std::size_t n, float* along, float* squares) {
    fit_steps<odd_step>(values, inverse, n, along, squares);
}

void to_nibbles(const float* values, float inverse, std::size_t n, std::uint8_t* nibbles) {
    constexpr std::size_t kHalf = 32;
    for (std::size_t block = 0; block < n; block += 2 * kHalf, nibbles += kHalf) {
        for (std::size_t i = 0; i < kHalf; ++i) {
            const auto low = static_cast<std::int32_t>(few_steps(values[block + i] * inverse)) + 8;
            const auto high = static_cast<std::int32_t>(few_steps(values[block + kHalf + i] * inverse)) + 8;
            nibbles[i] = static_cast<std::uint8_t>(low | high << 4);
        }
    }
}

void to_crumbs(const float* values, float inverse, std::size_t n, std::uint8_t* crumbs) {
    constexpr std::size_t kQuarter = 16;
    for (std::size_t block = 0; block < n; block += 4 * kQuarter, crumbs += kQuarter) {
        std::int32_t bytes[kQuarter] = {};
        for (std::size_t part = 0; part < 4; ++part) {
            const float* const from = values + block + part * kQuarter;
            for (std::size_t i = 0; i < kQuarter; ++i) {
                const auto step = static_cast<std::int32_t>(odd_step(from[i] * inverse));
                bytes[i] |= (step + 3) / 2 << (2 * part);
            }
        }
        for (std::size_t i = 0; i < kQuarter; ++i) crumbs[i] = static_cast<std::uint8_t>(bytes[i]);
    }
}

// Adding just below half of what is cut off, and the bit above it, rounds ties to even. NaN is quieted.
void f32_to_bf16(const float* from, std::uint16_t* to, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const auto bits = static_cast<std::uint32_t>(bits_of(from[i]));
        const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
        const std::uint32_t quiet = (bits >> 16) | 0x40u;
        to[i] = static_cast<std::uint16_t>((bits & 0x7fff'ffffu) > 0x7f80'0000u ? quiet : rounded);
    }
}

void bf16_to_f32(const std::uint16_t* from, float* to, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint32_t bits = std::uint32_t{from[i]} << 16;
        __builtin_memcpy(to + i, &bits, sizeof(bits));
    }
}

// The table of a set, with the conversions that it has instructions for.
constexpr Loops loops_with(Narrow f32_to_f16, Widen f16_to_f32) {
    return {
        .largest_magnitude = largest_magnitude,
        .sum_of_squares = sum_of_squares,
        .scale = scale,
        .round_to_steps = round_to_steps,
        .are_bytes = are_bytes,
        .to_bytes = to_bytes,
        .fit_few_steps = fit_few_steps,
        .to_nibbles = to_nibbles,
        .fit_crumbs = fit_crumbs,
        .to_crumbs = to_crumbs,
        .f32_to_f16 = f32_to_f16,
        .f32_to_bf16 = f32_to_bf16,
        .f16_to_f32 = f16_to_f32,
        .bf16_to_f32 = bf16_to_f32,
    };
}

}  // namespace
