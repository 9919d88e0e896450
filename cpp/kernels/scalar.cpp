// Plain loops for every kernel: what a processor without a faster set runs, and the oracle the other sets are
// tested against. Floating sums are taken in double, so their error is the final rounding to float.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {

#include "kernels/half.ipp"

namespace {

template <class Value>
Value load(const void* from, std::size_t index) {
    Value value;
    std::memcpy(&value, static_cast<const std::byte*>(from) + index * sizeof(Value), sizeof(Value));
    return value;
}

float float_of_bf16(std::uint16_t half) { return float_of(static_cast<std::uint32_t>(half) << 16); }

// How element i of a row, and of the query that goes with such rows, is read.
struct F32 {
    static double query(const void* from, std::size_t i) { return static_cast<double>(load<float>(from, i)); }
    static double row(const void* from, std::size_t i) { return static_cast<double>(load<float>(from, i)); }
};
struct F16 : F32 {
    static double row(const void* from, std::size_t i) {
        return static_cast<double>(float_of_f16(load<std::uint16_t>(from, i)));
    }
};
struct Bf16 : F32 {
    static double row(const void* from, std::size_t i) {
        return static_cast<double>(float_of_bf16(load<std::uint16_t>(from, i)));
    }
};
template <class Stored>
struct Integer {
    static std::int64_t query(const void* from, std::size_t i) { return load<Stored>(from, i); }
    static std::int64_t row(const void* from, std::size_t i) { return load<Stored>(from, i); }
};
using U8 = Integer<std::uint8_t>;
using I8 = Integer<std::int8_t>;

const std::byte* row_at(const Rows& rows, std::uint32_t slot) { return rows.base + slot * rows.stride; }

// One line of the row to come: the processor's own prefetcher continues once the row is being read.
void ask_for(const Rows& rows, const std::uint32_t* slots, std::size_t i, std::size_t n) {
    if (i < n) __builtin_prefetch(row_at(rows, slots[i]));
}

template <class Element>
void l2(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    for (std::size_t r = 0; r < n; ++r) {
        ask_for(rows, slots, r + 1, n);
        const std::byte* row = row_at(rows, slots[r]);
        decltype(Element::row(row, 0)) sum = 0;
        for (std::size_t i = 0; i < rows.dim; ++i) {
            const auto difference = Element::query(query, i) - Element::row(row, i);
            sum += difference * difference;
        }
        out[r] = static_cast<float>(sum);
    }
}

template <class Element>
void scaled_l2(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    for (std::size_t r = 0; r < n; ++r) {
        ask_for(rows, slots, r + 1, n);
        const std::byte* row = row_at(rows, slots[r]);
        const double scale = static_cast<double>(rows.scale[slots[r]]);
        double sum = 0;
        for (std::size_t i = 0; i < rows.dim; ++i) {
            const double difference = Element::query(query, i) - scale * Element::row(row, i);
            sum += difference * difference;
        }
        out[r] = static_cast<float>(sum);
    }
}

template <class Element>
void dot(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    for (std::size_t r = 0; r < n; ++r) {
        ask_for(rows, slots, r + 1, n);
        const std::byte* row = row_at(rows, slots[r]);
        decltype(Element::row(row, 0)) sum = 0;
        for (std::size_t i = 0; i < rows.dim; ++i) sum += Element::query(query, i) * Element::row(row, i);
        out[r] = static_cast<float>(sum);
    }
}

void dot_nibbles(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    for (std::size_t r = 0; r < n; ++r) {
        ask_for(rows, slots, r + 1, n);
        const std::byte* row = row_at(rows, slots[r]);
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < rows.dim; ++i) {
            const std::uint8_t both = load<std::uint8_t>(row, i / 64 * 32 + i % 32);
            sum += load<std::int8_t>(query, i) * ((i % 64 < 32 ? both & 15 : both >> 4) - 8);
        }
        out[r] = static_cast<float>(sum);
    }
}

void hamming_b1(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    for (std::size_t r = 0; r < n; ++r) {
        ask_for(rows, slots, r + 1, n);
        const std::byte* row = row_at(rows, slots[r]);
        int differing = 0;
        for (std::size_t i = 0; i < rows.dim / 8; ++i) {
            const unsigned bits = static_cast<unsigned>(load<std::uint8_t>(query, i) ^ load<std::uint8_t>(row, i));
            differing += __builtin_popcount(bits);
        }
        out[r] = static_cast<float>(differing);
    }
}

void jaccard_b1(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    for (std::size_t r = 0; r < n; ++r) {
        ask_for(rows, slots, r + 1, n);
        const std::byte* row = row_at(rows, slots[r]);
        int differing = 0;
        int either = 0;
        for (std::size_t i = 0; i < rows.dim / 8; ++i) {
            const unsigned a = load<std::uint8_t>(query, i);
            const unsigned b = load<std::uint8_t>(row, i);
            differing += __builtin_popcount(a ^ b);
            either += __builtin_popcount(a | b);
        }
        out[r] = either == 0 ? 0.0f : static_cast<float>(static_cast<double>(differing) / static_cast<double>(either));
    }
}

}  // namespace

constinit const Table kScalarTable = {
    .name = "scalar",
    .l2_f32 = l2<F32>,
    .l2_f16 = l2<F16>,
    .l2_bf16 = l2<Bf16>,
    .scaled_l2_f32 = scaled_l2<F32>,
    .scaled_l2_f16 = scaled_l2<F16>,
    .scaled_l2_bf16 = scaled_l2<Bf16>,
    .dot_f32 = dot<F32>,
    .dot_f16 = dot<F16>,
    .dot_bf16 = dot<Bf16>,
    .l2_u8 = l2<U8>,
    .l2_i8 = l2<I8>,
    .dot_u8 = dot<U8>,
    .dot_i8 = dot<I8>,
    .dot_steps = dot<I8>,
    .dot_nibbles = dot_nibbles,
    .dot_crumbs = dot_crumbs_scalar,
    .hamming_b1 = hamming_b1,
    .jaccard_b1 = jaccard_b1,
    .raise_maxima = &kRaiseMaximaScalar,
    .packed = &kPackedScalar,
    .loops = &kScalarLoops,
};

}  // namespace vicinal::kernels
