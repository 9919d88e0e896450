// AVX2 with FMA, F16C and POPCNT. How rows are walked and prefetched is told in README.md.
#include <immintrin.h>

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

// How rows are asked for while others are scored. Into L2: on Zen 4, random rows of 512 to 3 072 bytes took 0.55 to
// 0.65 of the time that prefetching into L1 took, with any look-ahead. Shorter rows into L1: on Sapphire Rapids a whole
// search takes 2 % less time for it with rows of 128 bytes, 4 % with 192 and 8 % with 416.
enum class Ahead { kNone, kIntoL1, kIntoL2 };
constexpr std::size_t kLongRow = 512;

// Inlined by force: GCC 12 takes a function that only prefetches for one without effect, and drops the calls to it.
template <Ahead kAhead>
[[gnu::always_inline]] inline void prefetch(Bytes line) {
    _mm_prefetch(reinterpret_cast<const char*>(line), kAhead == Ahead::kIntoL1 ? _MM_HINT_T0 : _MM_HINT_T1);
}

template <Ahead kAhead>
[[gnu::always_inline]] inline void prefetch_row(Bytes row, std::size_t bytes) {
    std::size_t at = 0;
    for (; at + 3 * kLine < bytes; at += 4 * kLine) {
        prefetch<kAhead>(row + at);
        prefetch<kAhead>(row + at + kLine);
        prefetch<kAhead>(row + at + 2 * kLine);
        prefetch<kAhead>(row + at + 3 * kLine);
    }
    for (; at < bytes; at += kLine) prefetch<kAhead>(row + at);
}

// What belongs to a row as numbers lies apart from it and misses as often.
[[gnu::always_inline]] inline void prefetch_factors(const Rows& rows, std::uint32_t slot) {
    if (rows.factors > 0) prefetch<Ahead::kIntoL1>(reinterpret_cast<Bytes>(rows.scale + slot * rows.factors));
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

template <std::size_t kRows, Ahead kAhead>
[[gnu::always_inline]] inline void prefetch_block(const Group& group, std::size_t at) {
    if constexpr (kAhead != Ahead::kNone) {
        for (std::size_t r = 0; r < kRows; ++r) prefetch<kAhead>(group.ahead[r] + at);
    }
}

template <class Kernel, Ahead kAhead>
void walk_rows(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    const std::size_t bytes = Kernel::row_bytes(rows.dim);
    const std::size_t lines = (bytes + kLine - 1) / kLine;
    const std::size_t ahead = (kLinesAhead / (lines == 0 ? 1 : lines) + kGroup) / kGroup * kGroup;
    const Bytes q = static_cast<Bytes>(query);
    const Kernel kernel(q, rows.dim);
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
        prefetch_row<kAhead>(row_at(rows, slots[i]), bytes);
    }
    std::size_t i = 0;
    for (; i + ahead + kGroup <= n; i += kGroup) {
        take(i, kGroup);
        for (std::size_t r = 0; r < kGroup; ++r) {
            prefetch_factors(rows, slots[i + ahead + r]);
            group.ahead[r] = row_at(rows, slots[i + ahead + r]);
        }
        kernel.template score<kGroup, kAhead>(q, rows, group);
    }
    for (std::size_t late = i + ahead; late < n; ++late) {
        prefetch_factors(rows, slots[late]);
        prefetch_row<kAhead>(row_at(rows, slots[late]), bytes);
    }
    for (; i + kGroup <= n; i += kGroup) {
        take(i, kGroup);
        kernel.template score<kGroup, Ahead::kNone>(q, rows, group);
    }
    if (i + 2 <= n) {
        take(i, 2);
        kernel.template score<2, Ahead::kNone>(q, rows, group);
        i += 2;
    }
    if (i < n) {
        take(i, 1);
        kernel.template score<1, Ahead::kNone>(q, rows, group);
    }
}

template <class Kernel>
void score_rows(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    if (Kernel::row_bytes(rows.dim) < kLongRow)
        walk_rows<Kernel, Ahead::kIntoL1>(query, rows, slots, n, out);
    else
        walk_rows<Kernel, Ahead::kIntoL2>(query, rows, slots, n, out);
}

// A remainder is read as the last whole vector that ends where the row ends. What was counted before is cleared by
// the window of this array that starts as many bytes in as the remainder is long.
alignas(64) constexpr std::uint32_t kLastBytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u};

__m256i load(Bytes from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
__m128i load_half(Bytes from) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)); }
__m256i last_bytes(std::size_t count) { return load(reinterpret_cast<Bytes>(kLastBytes) + count); }

// A row shorter than a vector, with zeros behind it.
struct Short {
    alignas(32) std::byte bytes[32] = {};
    Short(Bytes from, std::size_t count) {
        for (std::size_t b = 0; b < count; ++b) bytes[b] = from[b];
    }
};

// Eight elements of a row as floats.
struct F32 {
    static constexpr std::size_t kBytes = 4;
    static __m256 load(Bytes from) { return _mm256_loadu_ps(reinterpret_cast<const float*>(from)); }
};
struct F16 {
    static constexpr std::size_t kBytes = 2;
    static __m256 load(Bytes from) { return _mm256_cvtph_ps(load_half(from)); }
};
struct Bf16 {
    static constexpr std::size_t kBytes = 2;
    static __m256 load(Bytes from) {
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_half(from)), 16));
    }
};

struct L2 {
    static constexpr bool kScaled = false;
    static __m256 add(__m256 sum, __m256 q, __m256 x, __m256) {
        const __m256 difference = _mm256_sub_ps(q, x);
        return _mm256_fmadd_ps(difference, difference, sum);
    }
};
struct ScaledL2 {
    static constexpr bool kScaled = true;
    static __m256 add(__m256 sum, __m256 q, __m256 x, __m256 scale) {
        const __m256 difference = _mm256_fnmadd_ps(scale, x, q);
        return _mm256_fmadd_ps(difference, difference, sum);
    }
};
struct Dot {
    static constexpr bool kScaled = false;
    static __m256 add(__m256 sum, __m256 q, __m256 x, __m256) { return _mm256_fmadd_ps(q, x, sum); }
};

// Adds up each of four vectors; unused ones may repeat another.
__m128 sums_of(__m256 a, __m256 b, __m256 c, __m256 d) {
    const __m256 halves = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1));
}

template <class Element, class Term>
struct Floats {
    Floats(Bytes, std::size_t) {}
    static std::size_t row_bytes(std::size_t dim) { return dim * Element::kBytes; }

    template <std::size_t kRows, Ahead kAhead>
    void score(Bytes q, const Rows& rows, const Group& group) const {
        constexpr std::size_t kBytes = Element::kBytes;
        constexpr std::size_t kBlock = kLine / kBytes;
        const std::size_t dim = rows.dim;
        __m256 scale[kRows];
        __m256 sum[kRows][2];
        for (std::size_t r = 0; r < kRows; ++r) {
            scale[r] = Term::kScaled ? _mm256_set1_ps(rows.scale[group.slot[r]]) : _mm256_setzero_ps();
            sum[r][0] = sum[r][1] = _mm256_setzero_ps();
        }

        std::size_t i = 0;
        for (; i + kBlock <= dim; i += kBlock) {
            prefetch_block<kRows, kAhead>(group, i * kBytes);
            for (std::size_t c = 0; c < kBlock; c += 8) {
                const __m256 part = F32::load(q + (i + c) * 4);
                for (std::size_t r = 0; r < kRows; ++r) {
                    __m256& to = sum[r][c / 8 % 2];
                    to = Term::add(to, part, Element::load(group.row[r] + (i + c) * kBytes), scale[r]);
                }
            }
        }
        if (i < dim) prefetch_block<kRows, kAhead>(group, i * kBytes);
        for (; i + 8 <= dim; i += 8) {
            const __m256 part = F32::load(q + i * 4);
            for (std::size_t r = 0; r < kRows; ++r) {
                sum[r][0] = Term::add(sum[r][0], part, Element::load(group.row[r] + i * kBytes), scale[r]);
            }
        }
        if (i < dim) {
            for (std::size_t r = 0; r < kRows; ++r) sum[r][1] = add_last(sum[r][1], q, group.row[r], dim, scale[r]);
        }

        __m256 whole[kRows];
        for (std::size_t r = 0; r < kRows; ++r) whole[r] = _mm256_add_ps(sum[r][0], sum[r][1]);
        const __m128 scores =
            sums_of(whole[0], whole[kRows > 1 ? 1 : 0], whole[kRows > 2 ? 2 : 0], whole[kRows > 3 ? 3 : 0]);
        if constexpr (kRows == 4) _mm_storeu_ps(group.out, scores);
        if constexpr (kRows == 2) _mm_storel_pi(reinterpret_cast<__m64*>(group.out), scores);
        if constexpr (kRows == 1) _mm_store_ss(group.out, scores);
    }

    static __m256 add_last(__m256 sum, Bytes q, Bytes row, std::size_t dim, __m256 scale) {
        if (dim < 8) {
            const Short query(q, dim * 4);
            const Short element(row, dim * Element::kBytes);
            return Term::add(sum, F32::load(query.bytes), Element::load(element.bytes), scale);
        }
        const __m256 last = _mm256_castsi256_ps(last_bytes(dim % 8 * 4));
        const __m256 query = _mm256_and_ps(F32::load(q + (dim - 8) * 4), last);
        return Term::add(sum, query, _mm256_and_ps(Element::load(row + (dim - 8) * Element::kBytes), last), scale);
    }
};

// Integers are widened to 16 bits and multiplied in pairs into 32 bits, which is exact; the instruction that
// multiplies bytes saturates. No sum of 65 536 terms leaves 32 bits: at most 255 * 255 * 65 536 < 2^32 unsigned,
// and 2^14 * 2^16 = 2^30 for the signed dot.
struct Wide {
    __m256i low, high;
};
__m256i add_products(__m256i sum, __m256i a, __m256i b) { return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b)); }

Wide widen_unsigned(__m256i v) {
    const __m256i zero = _mm256_setzero_si256();
    return {_mm256_unpacklo_epi8(v, zero), _mm256_unpackhi_epi8(v, zero)};
}
Wide widen_signed(__m256i v) {
    return {_mm256_cvtepi8_epi16(_mm256_castsi256_si128(v)), _mm256_cvtepi8_epi16(_mm256_extracti128_si256(v, 1))};
}

struct L2U8 {
    using Sum = std::uint32_t;
    static void add(__m256i* sum, __m256i q, __m256i x) {
        const Wide difference = widen_unsigned(_mm256_sub_epi8(_mm256_max_epu8(q, x), _mm256_min_epu8(q, x)));
        sum[0] = add_products(sum[0], difference.low, difference.low);
        sum[1] = add_products(sum[1], difference.high, difference.high);
    }
};
struct L2I8 {
    using Sum = std::uint32_t;
    static void add(__m256i* sum, __m256i q, __m256i x) {
        const Wide difference = widen_unsigned(_mm256_sub_epi8(_mm256_max_epi8(q, x), _mm256_min_epi8(q, x)));
        sum[0] = add_products(sum[0], difference.low, difference.low);
        sum[1] = add_products(sum[1], difference.high, difference.high);
    }
};
struct DotU8 {
    using Sum = std::uint32_t;
    static void add(__m256i* sum, __m256i q, __m256i x) {
        const Wide a = widen_unsigned(q);
        const Wide b = widen_unsigned(x);
        sum[0] = add_products(sum[0], a.low, b.low);
        sum[1] = add_products(sum[1], a.high, b.high);
    }
};
struct DotI8 {
    using Sum = std::int32_t;
    static void add(__m256i* sum, __m256i q, __m256i x) {
        const Wide a = widen_signed(q);
        const Wide b = widen_signed(x);
        sum[0] = add_products(sum[0], a.low, b.low);
        sum[1] = add_products(sum[1], a.high, b.high);
    }
};

// Magnitudes of q, and x with the signs of q: the product of unsigned and signed bytes, which adds pairs in 16 bits,
// cannot saturate at 2 * 127 * 127.
struct DotSteps {
    using Sum = std::int32_t;
    static void add(__m256i* sum, __m256i q, __m256i x) {
        const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(q), _mm256_sign_epi8(x, q));
        sum[0] = add_products(sum[0], pairs, _mm256_set1_epi16(1));
    }
};

// Adds up each of four vectors; unused ones may repeat another.
__m128i sums_of(__m256i a, __m256i b, __m256i c, __m256i d) {
    const __m256i halves = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    return _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

__m128 rounded(__m128i sums, std::int32_t) { return _mm_cvtepi32_ps(sums); }
__m128 rounded(__m128i sums, std::uint32_t) {  // less 2^31 they are signed, and doubles hold the sums as they are
    const __m256d less = _mm256_cvtepi32_pd(_mm_xor_si128(sums, _mm_set1_epi32(INT32_MIN)));
    return _mm256_cvtpd_ps(_mm256_add_pd(less, _mm256_set1_pd(2'147'483'648.0)));
}

// The sum of each row and what all rows have in common, rounded once.
template <class Sum, std::size_t kRows>
void write_scores(const __m256i* sums, std::int32_t shared, float* out) {
    const __m128i whole =
        _mm_add_epi32(sums_of(sums[0], sums[kRows > 1 ? 1 : 0], sums[kRows > 2 ? 2 : 0], sums[kRows > 3 ? 3 : 0]),
                      _mm_set1_epi32(shared));
    const __m128 scores = rounded(whole, Sum{});
    if constexpr (kRows == 4) _mm_storeu_ps(out, scores);
    if constexpr (kRows == 2) _mm_storel_pi(reinterpret_cast<__m64*>(out), scores);
    if constexpr (kRows == 1) _mm_store_ss(out, scores);
}

template <class Term>
struct Integers {
    Integers(Bytes, std::size_t) {}
    static std::size_t row_bytes(std::size_t dim) { return dim; }

    template <std::size_t kRows, Ahead kAhead>
    void score(Bytes q, const Rows& rows, const Group& group) const {
        const std::size_t dim = rows.dim;
        __m256i sum[kRows][2];
        for (std::size_t r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = _mm256_setzero_si256();

        std::size_t i = 0;
        for (; i + kLine <= dim; i += kLine) {
            prefetch_block<kRows, kAhead>(group, i);
            for (std::size_t c = 0; c < kLine; c += 32) {
                const __m256i part = load(q + i + c);
                for (std::size_t r = 0; r < kRows; ++r) Term::add(sum[r], part, load(group.row[r] + i + c));
            }
        }
        if (i < dim) prefetch_block<kRows, kAhead>(group, i);
        if (i + 32 <= dim) {
            const __m256i part = load(q + i);
            for (std::size_t r = 0; r < kRows; ++r) Term::add(sum[r], part, load(group.row[r] + i));
            i += 32;
        }
        if (i < dim) {
            for (std::size_t r = 0; r < kRows; ++r) add_last(sum[r], q, group.row[r], dim);
        }
        __m256i whole[kRows];
        for (std::size_t r = 0; r < kRows; ++r) whole[r] = _mm256_add_epi32(sum[r][0], sum[r][1]);
        write_scores<typename Term::Sum, kRows>(whole, 0, group.out);
    }

    static void add_last(__m256i* sum, Bytes q, Bytes row, std::size_t dim) {
        if (dim < 32) {
            const Short query(q, dim);
            const Short element(row, dim);
            Term::add(sum, load(query.bytes), load(element.bytes));
            return;
        }
        const __m256i last = last_bytes(dim % 32);
        Term::add(sum, _mm256_and_si256(load(q + dim - 32), last), _mm256_and_si256(load(row + dim - 32), last));
    }
};

// As bytes of 0 to 15 the elements are 8 too large, which adds a multiple of the query's sum. Products of such bytes
// with signed ones, four of them added, stay within 4 * 15 * 128, far from saturating.
class Nibbles {
public:
    Nibbles(Bytes q, std::size_t dim) {
        const __m256i eight = _mm256_set1_epi8(8);
        __m256i sum = _mm256_setzero_si256();
        for (std::size_t i = 0; i < dim; i += kLine) sum = add_pairs(sum, eight, load(q + i), eight, load(q + i + 32));
        shared_ = -_mm_cvtsi128_si32(sums_of(sum, sum, sum, sum));
    }

    static std::size_t row_bytes(std::size_t dim) { return dim / 2; }

    template <std::size_t kRows, Ahead kAhead>
    void score(Bytes q, const Rows& rows, const Group& group) const {
        const std::size_t bytes = row_bytes(rows.dim);
        const __m256i nibble = _mm256_set1_epi8(15);
        __m256i sum[kRows];
        for (std::size_t r = 0; r < kRows; ++r) sum[r] = _mm256_setzero_si256();

        for (std::size_t i = 0; i < bytes; i += 32) {
            if (i % kLine == 0) prefetch_block<kRows, kAhead>(group, i);
            const __m256i low = load(q + 2 * i);
            const __m256i high = load(q + 2 * i + 32);
            for (std::size_t r = 0; r < kRows; ++r) {
                const __m256i both = load(group.row[r] + i);
                const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(both, 4), nibble);
                sum[r] = add_pairs(sum[r], _mm256_and_si256(both, nibble), low, upper, high);
            }
        }
        write_scores<std::int32_t, kRows>(sum, shared_, group.out);
    }

private:
    static __m256i add_pairs(__m256i sum, __m256i lower, __m256i low, __m256i upper, __m256i high) {
        const __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16(lower, low), _mm256_maddubs_epi16(upper, high));
        return add_products(sum, pairs, _mm256_set1_epi16(1));
    }

    std::int32_t shared_;
};

struct Hamming {
    std::int64_t differing = 0;
    void add(std::uint64_t q, std::uint64_t x) { differing += _mm_popcnt_u64(q ^ x); }
    float score() const { return static_cast<float>(differing); }
};
struct Jaccard {
    std::int64_t differing = 0;
    std::int64_t either = 0;
    void add(std::uint64_t q, std::uint64_t x) {
        differing += _mm_popcnt_u64(q ^ x);
        either += _mm_popcnt_u64(q | x);
    }
    float score() const {
        return either == 0 ? 0.0f : static_cast<float>(static_cast<double>(differing) / static_cast<double>(either));
    }
};

template <class Count>
struct Bits {
    Bits(Bytes, std::size_t) {}
    static std::size_t row_bytes(std::size_t dim) { return dim / 8; }

    static std::uint64_t word(Bytes from) {
        std::uint64_t value;
        __builtin_memcpy(&value, from, sizeof(value));
        return value;
    }
    static std::uint64_t short_word(Bytes from, std::size_t bytes) {
        std::uint64_t value = 0;
        for (std::size_t b = 0; b < bytes; ++b) value |= static_cast<std::uint64_t>(from[b]) << (8 * b);
        return value;
    }

    template <std::size_t kRows, Ahead kAhead>
    void score(Bytes q, const Rows& rows, const Group& group) const {
        const std::size_t bytes = rows.dim / 8;
        Count count[kRows];
        std::size_t i = 0;
        for (; i + 8 <= bytes; i += 8) {
            if (i % kLine == 0) prefetch_block<kRows, kAhead>(group, i);
            const std::uint64_t part = word(q + i);
            for (std::size_t r = 0; r < kRows; ++r) count[r].add(part, word(group.row[r] + i));
        }
        if (i < bytes) {
            if (i % kLine == 0) prefetch_block<kRows, kAhead>(group, i);
            const std::uint64_t part = short_word(q + i, bytes - i);
            for (std::size_t r = 0; r < kRows; ++r) count[r].add(part, short_word(group.row[r] + i, bytes - i));
        }
        for (std::size_t r = 0; r < kRows; ++r) group.out[r] = count[r].score();
    }
};

}  // namespace

constinit const Table kAvx2Table = {
    .name = "avx2",
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
    .dot_steps = score_rows<Integers<DotSteps>>,
    .dot_nibbles = score_rows<Nibbles>,
    .dot_crumbs = dot_crumbs_avx2,
    .hamming_b1 = score_rows<Bits<Hamming>>,
    .jaccard_b1 = score_rows<Bits<Jaccard>>,
    .raise_maxima = &kRaiseMaximaAvx2,
    .packed = &kPackedAvx2,
    .loops = &kAvx2Loops,
};

}  // namespace vicinal::kernels
