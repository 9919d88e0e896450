// NEON as every ARMv8-A processor has it. How rows are walked and prefetched is told in README.md.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

using Bytes = const std::byte*;

constexpr std::size_t kLine = 64;
constexpr std::size_t kLinesAhead = 128;
constexpr std::size_t kGroup = 4;

// Into L2, as on x86 (avx2.cpp), where it was measured; here it was not. Inlined by force: GCC 12 takes a function
// that only prefetches for one without effect, and drops the calls to it.
[[gnu::always_inline]] inline void prefetch(Bytes line) { __builtin_prefetch(line, 0, 2); }

[[gnu::always_inline]] inline void prefetch_row(Bytes row, std::size_t bytes) {
    std::size_t at = 0;
    for (; at + 3 * kLine < bytes; at += 4 * kLine) {
        prefetch(row + at);
        prefetch(row + at + kLine);
        prefetch(row + at + 2 * kLine);
        prefetch(row + at + 3 * kLine);
    }
    for (; at < bytes; at += kLine) prefetch(row + at);
}

// What belongs to a row as numbers lies apart from it and misses as often.
[[gnu::always_inline]] inline void prefetch_factors(const Rows& rows, std::uint32_t slot) {
    if (rows.factors > 0) prefetch(reinterpret_cast<Bytes>(rows.scale + slot * rows.factors));
}

// The empty assembly keeps the compiler from computing four addresses in one vector and taking it apart again, which
// cost a tenth of the time at 128 dimensions.
Bytes row_at(const Rows& rows, std::uint32_t slot) {
    Bytes row = rows.base + slot * rows.stride;
    asm("" : "+r"(row));
    return row;
}

// The rows being scored, those to prefetch meanwhile, and where their scores go.
struct Group {
    Bytes row[kGroup];
    Bytes ahead[kGroup];
    std::uint32_t slot[kGroup];
    float* out;
};

enum class Ahead { kNone, kPrefetch };

template <std::size_t kRows, Ahead kAhead>
[[gnu::always_inline]] inline void prefetch_block(const Group& group, std::size_t at) {
    if constexpr (kAhead == Ahead::kPrefetch) {
        for (std::size_t r = 0; r < kRows; ++r) prefetch(group.ahead[r] + at);
    }
}

template <class Kernel>
void score_rows(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    const std::size_t bytes = Kernel::row_bytes(rows.dim);
    const std::size_t lines = (bytes + kLine - 1) / kLine;
    const std::size_t ahead = (kLinesAhead / (lines == 0 ? 1 : lines) + kGroup) / kGroup * kGroup;
    const Bytes q = static_cast<Bytes>(query);
    Group group;
    const auto take = [&](std::size_t first, std::size_t count) {
        for (std::size_t r = 0; r < count; ++r) {
            group.slot[r] = slots[first + r];
            group.row[r] = row_at(rows, slots[first + r]);
        }
        group.out = out + first;
    };

    for (std::size_t i = 0; i < ahead && i < n; ++i) {
        prefetch_factors(rows, slots[i]);
        prefetch_row(row_at(rows, slots[i]), bytes);
    }
    std::size_t i = 0;
    for (; i + ahead + kGroup <= n; i += kGroup) {
        take(i, kGroup);
        for (std::size_t r = 0; r < kGroup; ++r) {
            prefetch_factors(rows, slots[i + ahead + r]);
            group.ahead[r] = row_at(rows, slots[i + ahead + r]);
        }
        Kernel::template score<kGroup, Ahead::kPrefetch>(q, rows, group);
    }
    for (std::size_t late = i + ahead; late < n; ++late) {
        prefetch_factors(rows, slots[late]);
        prefetch_row(row_at(rows, slots[late]), bytes);
    }
    for (; i + kGroup <= n; i += kGroup) {
        take(i, kGroup);
        Kernel::template score<kGroup, Ahead::kNone>(q, rows, group);
    }
    if (i + 2 <= n) {
        take(i, 2);
        Kernel::template score<2, Ahead::kNone>(q, rows, group);
        i += 2;
    }
    if (i < n) {
        take(i, 1);
        Kernel::template score<1, Ahead::kNone>(q, rows, group);
    }
}

// A remainder is read as the last whole vector that ends where the row ends. What was counted before is cleared by
// the window of this array that starts as many bytes in as the remainder is long.
alignas(64) constexpr std::uint8_t kLastBytes[32] = {0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
                                                     0,   0,   0,   0,   0,   255, 255, 255, 255, 255, 255,
                                                     255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

uint8x16_t load(Bytes from) { return vld1q_u8(reinterpret_cast<const std::uint8_t*>(from)); }
uint8x16_t last_bytes(std::size_t count) { return vld1q_u8(kLastBytes + count); }

// A row shorter than a vector, with zeros behind it.
struct Short {
    alignas(16) std::byte bytes[16] = {};
    Short(Bytes from, std::size_t count) {
        for (std::size_t b = 0; b < count; ++b) bytes[b] = from[b];
    }
};

// Four elements of a row as floats. Loads go through bytes: an address may have any alignment.
struct F32 {
    static constexpr std::size_t kBytes = 4;
    static float32x4_t load(Bytes from) {
        return vreinterpretq_f32_u8(vld1q_u8(reinterpret_cast<const std::uint8_t*>(from)));
    }
};
struct F16 {
    static constexpr std::size_t kBytes = 2;
    static float32x4_t load(Bytes from) {
        return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(reinterpret_cast<const std::uint8_t*>(from))));
    }
};
struct Bf16 {
    static constexpr std::size_t kBytes = 2;
    static float32x4_t load(Bytes from) {
        const uint16x4_t halves = vreinterpret_u16_u8(vld1_u8(reinterpret_cast<const std::uint8_t*>(from)));
        return vreinterpretq_f32_u32(vshll_n_u16(halves, 16));
    }
};

struct L2 {
    static constexpr bool kScaled = false;
    static float32x4_t add(float32x4_t sum, float32x4_t q, float32x4_t x, float32x4_t) {
        const float32x4_t difference = vsubq_f32(q, x);
        return vfmaq_f32(sum, difference, difference);
    }
};
struct ScaledL2 {
    static constexpr bool kScaled = true;
    static float32x4_t add(float32x4_t sum, float32x4_t q, float32x4_t x, float32x4_t scale) {
        const float32x4_t difference = vfmsq_f32(q, scale, x);
        return vfmaq_f32(sum, difference, difference);
    }
};
struct Dot {
    static constexpr bool kScaled = false;
    static float32x4_t add(float32x4_t sum, float32x4_t q, float32x4_t x, float32x4_t) { return vfmaq_f32(sum, q, x); }
};

template <class Element, class Term>
struct Floats {
    static std::size_t row_bytes(std::size_t dim) { return dim * Element::kBytes; }

    template <std::size_t kRows, Ahead kAhead>
    static void score(Bytes q, const Rows& rows, const Group& group) {
        constexpr std::size_t kBytes = Element::kBytes;
        constexpr std::size_t kBlock = kLine / kBytes;
        const std::size_t dim = rows.dim;
        float32x4_t scale[kRows];
        float32x4_t sum[kRows][4];
        for (std::size_t r = 0; r < kRows; ++r) {
            scale[r] = vdupq_n_f32(Term::kScaled ? rows.scale[group.slot[r]] : 0.0f);
            for (float32x4_t& part : sum[r]) part = vdupq_n_f32(0.0f);
        }

        std::size_t i = 0;
        for (; i + kBlock <= dim; i += kBlock) {
            prefetch_block<kRows, kAhead>(group, i * kBytes);
            for (std::size_t c = 0; c < kBlock; c += 4) {
                const float32x4_t part = F32::load(q + (i + c) * 4);
                for (std::size_t r = 0; r < kRows; ++r) {
                    float32x4_t& to = sum[r][c / 4 % 4];
                    to = Term::add(to, part, Element::load(group.row[r] + (i + c) * kBytes), scale[r]);
                }
            }
        }
        if (i < dim) prefetch_block<kRows, kAhead>(group, i * kBytes);
        for (; i + 4 <= dim; i += 4) {
            const float32x4_t part = F32::load(q + i * 4);
            for (std::size_t r = 0; r < kRows; ++r) {
                sum[r][0] = Term::add(sum[r][0], part, Element::load(group.row[r] + i * kBytes), scale[r]);
            }
        }
        if (i < dim) {
            for (std::size_t r = 0; r < kRows; ++r) sum[r][1] = add_last(sum[r][1], q, group.row[r], dim, scale[r]);
        }
        for (std::size_t r = 0; r < kRows; ++r) {
            const float32x4_t low = vaddq_f32(sum[r][0], sum[r][1]);
            group.out[r] = vaddvq_f32(vaddq_f32(low, vaddq_f32(sum[r][2], sum[r][3])));
        }
    }

    static float32x4_t add_last(float32x4_t sum, Bytes q, Bytes row, std::size_t dim, float32x4_t scale) {
        if (dim < 4) {
            const Short query(q, dim * 4);
            const Short element(row, dim * Element::kBytes);
            return Term::add(sum, F32::load(query.bytes), Element::load(element.bytes), scale);
        }
        const uint8x16_t last = last_bytes(dim % 4 * 4);
        return Term::add(sum, kept(F32::load(q + (dim - 4) * 4), last),
                         kept(Element::load(row + (dim - 4) * Element::kBytes), last), scale);
    }

    static float32x4_t kept(float32x4_t v, uint8x16_t mask) {
        return vreinterpretq_f32_u8(vandq_u8(vreinterpretq_u8_f32(v), mask));
    }
};

// Products of bytes fill 16 bits, and pairs of them are added into 32 bits. No sum of 65 536 terms leaves those: at
// most 255 * 255 * 65 536 < 2^32 unsigned, and 2^14 * 2^16 = 2^30 for the signed dot.
struct L2U8 {
    using Sum = uint32x4_t;
    static Sum zero() { return vdupq_n_u32(0); }
    static void add(Sum* sum, uint8x16_t q, uint8x16_t x) { add_squares(sum, vabdq_u8(q, x)); }
    static void add_squares(Sum* sum, uint8x16_t v) {
        sum[0] = vpadalq_u16(sum[0], vmull_u8(vget_low_u8(v), vget_low_u8(v)));
        sum[1] = vpadalq_u16(sum[1], vmull_high_u8(v, v));
    }
    static float total(const Sum* sum) { return static_cast<float>(vaddlvq_u32(vaddq_u32(sum[0], sum[1]))); }
};
struct L2I8 : L2U8 {
    static void add(Sum* sum, uint8x16_t q, uint8x16_t x) {
        add_squares(sum, vreinterpretq_u8_s8(vabdq_s8(vreinterpretq_s8_u8(q), vreinterpretq_s8_u8(x))));
    }
};
struct DotU8 : L2U8 {
    static void add(Sum* sum, uint8x16_t q, uint8x16_t x) {
        sum[0] = vpadalq_u16(sum[0], vmull_u8(vget_low_u8(q), vget_low_u8(x)));
        sum[1] = vpadalq_u16(sum[1], vmull_high_u8(q, x));
    }
};
struct DotI8 {
    using Sum = int32x4_t;
    static Sum zero() { return vdupq_n_s32(0); }
    static void add(Sum* sum, uint8x16_t q, uint8x16_t x) {
        const int8x16_t a = vreinterpretq_s8_u8(q);
        const int8x16_t b = vreinterpretq_s8_u8(x);
        sum[0] = vpadalq_s16(sum[0], vmull_s8(vget_low_s8(a), vget_low_s8(b)));
        sum[1] = vpadalq_s16(sum[1], vmull_high_s8(a, b));
    }
    static float total(const Sum* sum) { return static_cast<float>(vaddlvq_s32(vaddq_s32(sum[0], sum[1]))); }
};

// Calls add(query part, row part of r, r) for all bytes of the rows, sixteen at a time; what is missing in the last
// part is zero on both sides.
template <std::size_t kRows, Ahead kAhead, class Add>
void each_part(Bytes q, const Group& group, std::size_t bytes, Add add) {
    std::size_t i = 0;
    for (; i + kLine <= bytes; i += kLine) {
        prefetch_block<kRows, kAhead>(group, i);
        for (std::size_t c = 0; c < kLine; c += 16) {
            const uint8x16_t part = load(q + i + c);
            for (std::size_t r = 0; r < kRows; ++r) add(part, load(group.row[r] + i + c), r);
        }
    }
    if (i < bytes) prefetch_block<kRows, kAhead>(group, i);
    for (; i + 16 <= bytes; i += 16) {
        const uint8x16_t part = load(q + i);
        for (std::size_t r = 0; r < kRows; ++r) add(part, load(group.row[r] + i), r);
    }
    if (i == bytes) return;
    for (std::size_t r = 0; r < kRows; ++r) {
        if (bytes < 16) {
            add(load(Short(q, bytes).bytes), load(Short(group.row[r], bytes).bytes), r);
        } else {
            const uint8x16_t last = last_bytes(bytes % 16);
            add(vandq_u8(load(q + bytes - 16), last), vandq_u8(load(group.row[r] + bytes - 16), last), r);
        }
    }
}

template <class Term>
struct Integers {
    static std::size_t row_bytes(std::size_t dim) { return dim; }

    template <std::size_t kRows, Ahead kAhead>
    static void score(Bytes q, const Rows& rows, const Group& group) {
        typename Term::Sum sum[kRows][2];
        for (std::size_t r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = Term::zero();
        each_part<kRows, kAhead>(q, group, rows.dim,
                                 [&](uint8x16_t a, uint8x16_t b, std::size_t r) { Term::add(sum[r], a, b); });
        for (std::size_t r = 0; r < kRows; ++r) group.out[r] = Term::total(sum[r]);
    }
};

// Four bits an element, stored 8 too large.
struct Nibbles {
    static std::size_t row_bytes(std::size_t dim) { return dim / 2; }

    template <std::size_t kRows, Ahead kAhead>
    static void score(Bytes q, const Rows& rows, const Group& group) {
        const std::size_t bytes = row_bytes(rows.dim);
        DotI8::Sum sum[kRows][2];
        for (std::size_t r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = DotI8::zero();
        for (std::size_t i = 0; i < bytes; i += 16) {
            if (i % kLine == 0) prefetch_block<kRows, kAhead>(group, i);
            const Bytes query = q + i / 32 * 64 + i % 32;
            const uint8x16_t low = load(query);
            const uint8x16_t high = load(query + 32);
            for (std::size_t r = 0; r < kRows; ++r) {
                const uint8x16_t both = load(group.row[r] + i);
                DotI8::add(sum[r], low, vsubq_u8(vandq_u8(both, vdupq_n_u8(15)), vdupq_n_u8(8)));
                DotI8::add(sum[r], high, vsubq_u8(vshrq_n_u8(both, 4), vdupq_n_u8(8)));
            }
        }
        for (std::size_t r = 0; r < kRows; ++r) group.out[r] = DotI8::total(sum[r]);
    }
};

uint32x4_t add_bits(uint32x4_t sum, uint8x16_t v) { return vpadalq_u16(sum, vpaddlq_u8(vcntq_u8(v))); }

struct Hamming {
    uint32x4_t differing = vdupq_n_u32(0);
    void add(uint8x16_t q, uint8x16_t x) { differing = add_bits(differing, veorq_u8(q, x)); }
    float score() const { return static_cast<float>(vaddlvq_u32(differing)); }
};
struct Jaccard {
    uint32x4_t differing = vdupq_n_u32(0);
    uint32x4_t either = vdupq_n_u32(0);
    void add(uint8x16_t q, uint8x16_t x) {
        differing = add_bits(differing, veorq_u8(q, x));
        either = add_bits(either, vorrq_u8(q, x));
    }
    float score() const {
        const double all = static_cast<double>(vaddlvq_u32(either));
        return all == 0 ? 0.0f : static_cast<float>(static_cast<double>(vaddlvq_u32(differing)) / all);
    }
};

template <class Count>
struct Bits {
    static std::size_t row_bytes(std::size_t dim) { return dim / 8; }

    template <std::size_t kRows, Ahead kAhead>
    static void score(Bytes q, const Rows& rows, const Group& group) {
        Count count[kRows];
        each_part<kRows, kAhead>(q, group, rows.dim / 8,
                                 [&](uint8x16_t a, uint8x16_t b, std::size_t r) { count[r].add(a, b); });
        for (std::size_t r = 0; r < kRows; ++r) group.out[r] = count[r].score();
    }
};

}  // namespace

constinit const Table kNeonTable = {
    .name = "neon",
    .l2_f32 = score_rows<Floats<F32, L2>>,
    .l2_f16 = score_rows<Floats<F16, L2>>,
    .l2_bf16 = score_rows<Floats<Bf16, L2>>,
    .scaled_l2_f32 = score_rows<Floats<F32, ScaledL2>>,
    .scaled_l2_f16 = score_rows<Floats<F16, ScaledL2>>,
    .scaled_l2_bf16 = score_rows<Floats<Bf16, ScaledL2>>,
    .dot_f32 = score_rows<Floats<F32, Dot>>,
    .dot_f16 = score_rows<Floats<F16, Dot>>,
    .dot_bf16 = score_rows<Floats<Bf16, Dot>>,
    .l2_u8 = score_rows<Integers<L2U8>>,
    .l2_i8 = score_rows<Integers<L2I8>>,
    .dot_u8 = score_rows<Integers<DotU8>>,
    .dot_i8 = score_rows<Integers<DotI8>>,
    .dot_steps = score_rows<Integers<DotI8>>,
    .dot_nibbles = score_rows<Nibbles>,
    .dot_crumbs = dot_crumbs_neon,
    .hamming_b1 = score_rows<Bits<Hamming>>,
    .jaccard_b1 = score_rows<Bits<Jaccard>>,
    .raise_maxima = &kRaiseMaximaNeon,
    .packed = &kPackedNeon,
    .loops = &kNeonLoops,
};

}  // namespace vicinal::kernels
