// AVX-512 F, BW, VL, DQ and VNNI. How rows are walked and prefetched is told in README.md.
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

// Where a plain intrinsic leaves lanes undefined inside GCC 12's header, and so draws its warning, the form that
// zeroes lanes under a full mask is used; the compilers drop the mask.

__m512i load(Bytes from) { return _mm512_loadu_si512(from); }
__m512i load(__mmask64 lanes, Bytes from) { return _mm512_maskz_loadu_epi8(lanes, from); }

// The lowest `count` of 64 or of 16 lanes. A masked load touches no byte outside its lanes.
__mmask64 first_bytes(std::size_t count) { return ~std::uint64_t{0} >> (64 - count); }
__mmask16 first_floats(std::size_t count) { return static_cast<__mmask16>((1u << count) - 1u); }

// Sixteen elements of a row as floats, or as many as the mask admits.
struct F32 {
    static constexpr std::size_t kBytes = 4;
    static __m512 load(Bytes from) { return _mm512_loadu_ps(from); }
    static __m512 load(__mmask16 lanes, Bytes from) { return _mm512_maskz_loadu_ps(lanes, from); }
};
struct F16 {
    static constexpr std::size_t kBytes = 2;
    static __m512 widen(__m256i halves) { return _mm512_maskz_cvtph_ps(0xffff, halves); }
    static __m512 load(Bytes from) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))); }
    static __m512 load(__mmask16 lanes, Bytes from) { return widen(_mm256_maskz_loadu_epi16(lanes, from)); }
};
struct Bf16 {
    static constexpr std::size_t kBytes = 2;
    static __m512 widen(__m256i halves) {
        return _mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, _mm512_maskz_cvtepu16_epi32(0xffff, halves), 16));
    }
    static __m512 load(Bytes from) { return widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))); }
    static __m512 load(__mmask16 lanes, Bytes from) { return widen(_mm256_maskz_loadu_epi16(lanes, from)); }
};

struct L2 {
    static constexpr bool kScaled = false;
    static __m512 add(__m512 sum, __m512 q, __m512 x, __m512) {
        const __m512 difference = _mm512_sub_ps(q, x);
        return _mm512_fmadd_ps(difference, difference, sum);
    }
};
struct ScaledL2 {
    static constexpr bool kScaled = true;
    static __m512 add(__m512 sum, __m512 q, __m512 x, __m512 scale) {
        const __m512 difference = _mm512_fnmadd_ps(scale, x, q);
        return _mm512_fmadd_ps(difference, difference, sum);
    }
};
struct Dot {
    static constexpr bool kScaled = false;
    static __m512 add(__m512 sum, __m512 q, __m512 x, __m512) { return _mm512_fmadd_ps(q, x, sum); }
};

__m256 folded(__m512 v) {
    return _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, v, 0), _mm512_maskz_extractf32x8_ps(0xff, v, 1));
}

// Adds up each of four vectors; unused ones may repeat another.
__m128 sums_of(__m512 a, __m512 b, __m512 c, __m512 d) {
    const __m256 halves = _mm256_hadd_ps(_mm256_hadd_ps(folded(a), folded(b)), _mm256_hadd_ps(folded(c), folded(d)));
    return _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1));
}

template <class Element, class Term>
struct Floats {
    Floats(Bytes, std::size_t) {}
    static std::size_t row_bytes(std::size_t dim) { return dim * Element::kBytes; }

    template <std::size_t kRows, Ahead kAhead>
    void score(Bytes q, const Rows& rows, const Group& group) const {
        constexpr std::size_t kBytes = Element::kBytes;
        constexpr std::size_t kBlock = 32;
        const std::size_t dim = rows.dim;
        __m512 scale[kRows];
        __m512 sum[kRows][2];
        for (std::size_t r = 0; r < kRows; ++r) {
            scale[r] = Term::kScaled ? _mm512_set1_ps(rows.scale[group.slot[r]]) : _mm512_setzero_ps();
            sum[r][0] = sum[r][1] = _mm512_setzero_ps();
        }

        std::size_t i = 0;
        for (; i + kBlock <= dim; i += kBlock) {
            for (std::size_t at = 0; at < kBlock * kBytes; at += kLine) {
                prefetch_block<kRows, kAhead>(group, i * kBytes + at);
            }
            for (std::size_t c = 0; c < 2; ++c) {
                const __m512 part = F32::load(q + (i + 16 * c) * 4);
                for (std::size_t r = 0; r < kRows; ++r) {
                    const __m512 x = Element::load(group.row[r] + (i + 16 * c) * kBytes);
                    sum[r][c] = Term::add(sum[r][c], part, x, scale[r]);
                }
            }
        }
        for (std::size_t at = i * kBytes; at < dim * kBytes; at += kLine) prefetch_block<kRows, kAhead>(group, at);
        if (i + 16 <= dim) {
            const __m512 part = F32::load(q + i * 4);
            for (std::size_t r = 0; r < kRows; ++r) {
                sum[r][0] = Term::add(sum[r][0], part, Element::load(group.row[r] + i * kBytes), scale[r]);
            }
            i += 16;
        }
        if (i < dim) {
            const __mmask16 lanes = first_floats(dim - i);
            const __m512 part = F32::load(lanes, q + i * 4);
            for (std::size_t r = 0; r < kRows; ++r) {
                sum[r][1] = Term::add(sum[r][1], part, Element::load(lanes, group.row[r] + i * kBytes), scale[r]);
            }
        }

        __m512 whole[kRows];
        for (std::size_t r = 0; r < kRows; ++r) whole[r] = _mm512_add_ps(sum[r][0], sum[r][1]);
        const __m128 scores =
            sums_of(whole[0], whole[kRows > 1 ? 1 : 0], whole[kRows > 2 ? 2 : 0], whole[kRows > 3 ? 3 : 0]);
        if constexpr (kRows == 4) _mm_storeu_ps(group.out, scores);
        if constexpr (kRows == 2) _mm_storel_pi(reinterpret_cast<__m64*>(group.out), scores);
        if constexpr (kRows == 1) _mm_store_ss(group.out, scores);
    }
};

// No sum of 65 536 terms leaves 32 bits: at most 255 * 255 * 65 536 < 2^32 unsigned, and 2^14 * 2^16 = 2^30 for the
// signed dot. vpdpbusd adds four products of an unsigned and a signed byte without saturating, so a dot product
// moves one side by 128 into the other signedness, and what that adds is a multiple of the query's sum.
void add_squares(__m512i* sum, __m512i v) {
    const __m512i low = _mm512_unpacklo_epi8(v, _mm512_setzero_si512());
    const __m512i high = _mm512_unpackhi_epi8(v, _mm512_setzero_si512());
    sum[0] = _mm512_dpwssd_epi32(sum[0], low, low);
    sum[1] = _mm512_dpwssd_epi32(sum[1], high, high);
}

struct L2U8 {
    using Sum = std::uint32_t;
    static constexpr std::int32_t kQueryFactor = 0;
    static void add(__m512i* sum, __m512i q, __m512i x) {
        add_squares(sum, _mm512_sub_epi8(_mm512_max_epu8(q, x), _mm512_min_epu8(q, x)));
    }
    static __m512i add_query(__m512i sum, __m512i) { return sum; }
};
struct L2I8 {
    using Sum = std::uint32_t;
    static constexpr std::int32_t kQueryFactor = 0;
    static void add(__m512i* sum, __m512i q, __m512i x) {
        add_squares(sum, _mm512_sub_epi8(_mm512_max_epi8(q, x), _mm512_min_epi8(q, x)));
    }
    static __m512i add_query(__m512i sum, __m512i) { return sum; }
};
struct DotU8 {  // q * x = q * (x - 128) + 128 * q
    using Sum = std::uint32_t;
    static constexpr std::int32_t kQueryFactor = 128;
    static void add(__m512i* sum, __m512i q, __m512i x) {
        sum[0] = _mm512_dpbusd_epi32(sum[0], q, _mm512_xor_si512(x, _mm512_set1_epi8(-128)));
    }
    static __m512i add_query(__m512i sum, __m512i q) { return _mm512_dpbusd_epi32(sum, q, _mm512_set1_epi8(1)); }
};
struct DotI8 {  // q * x = (x + 128) * q - 128 * q
    using Sum = std::int32_t;
    static constexpr std::int32_t kQueryFactor = -128;
    static void add(__m512i* sum, __m512i q, __m512i x) {
        sum[0] = _mm512_dpbusd_epi32(sum[0], _mm512_xor_si512(x, _mm512_set1_epi8(-128)), q);
    }
    static __m512i add_query(__m512i sum, __m512i q) { return _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), q); }
};

template <int kWhich>
__m256i half(__m512i v) {
    return _mm512_maskz_extracti32x8_epi32(0xff, v, kWhich);
}

__m256i folded(__m512i v) { return _mm256_add_epi32(half<0>(v), half<1>(v)); }

// Adds up each of four vectors; unused ones may repeat another.
__m128i sums_of(__m512i a, __m512i b, __m512i c, __m512i d) {
    const __m256i halves =
        _mm256_hadd_epi32(_mm256_hadd_epi32(folded(a), folded(b)), _mm256_hadd_epi32(folded(c), folded(d)));
    return _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1));
}

__m128 rounded(__m128i sums, std::int32_t) { return _mm_cvtepi32_ps(sums); }
__m128 rounded(__m128i sums, std::uint32_t) { return _mm_maskz_cvtepu32_ps(0xf, sums); }

// The sum of each row and what all rows have in common, rounded once.
template <class Sum, std::size_t kRows>
void write_scores(const __m512i* sums, std::int32_t shared, float* out) {
    const __m128i whole =
        _mm_add_epi32(sums_of(sums[0], sums[kRows > 1 ? 1 : 0], sums[kRows > 2 ? 2 : 0], sums[kRows > 3 ? 3 : 0]),
                      _mm_set1_epi32(shared));
    const __m128 scores = rounded(whole, Sum{});
    if constexpr (kRows == 4) _mm_storeu_ps(out, scores);
    if constexpr (kRows == 2) _mm_storel_pi(reinterpret_cast<__m64*>(out), scores);
    if constexpr (kRows == 1) _mm_store_ss(out, scores);
}

std::int32_t total(__m512i v) { return _mm_cvtsi128_si32(sums_of(v, v, v, v)); }

template <class Term>
class Integers {
public:
    Integers(Bytes q, std::size_t dim) {
        if (Term::kQueryFactor == 0) return;
        __m512i sum = _mm512_setzero_si512();
        for (std::size_t i = 0; i < dim; i += kLine) {
            const std::size_t left = dim - i;
            sum = Term::add_query(sum, left < kLine ? load(first_bytes(left), q + i) : load(q + i));
        }
        shared_ = Term::kQueryFactor * total(sum);
    }

    static std::size_t row_bytes(std::size_t dim) { return dim; }

    template <std::size_t kRows, Ahead kAhead>
    void score(Bytes q, const Rows& rows, const Group& group) const {
        const std::size_t dim = rows.dim;
        __m512i sum[kRows][2];
        for (std::size_t r = 0; r < kRows; ++r) sum[r][0] = sum[r][1] = _mm512_setzero_si512();

        std::size_t i = 0;
        for (; i + kLine <= dim; i += kLine) {
            prefetch_block<kRows, kAhead>(group, i);
            const __m512i part = load(q + i);
            for (std::size_t r = 0; r < kRows; ++r) Term::add(sum[r], part, load(group.row[r] + i));
        }
        if (i < dim) {
            prefetch_block<kRows, kAhead>(group, i);
            const __mmask64 lanes = first_bytes(dim - i);
            const __m512i part = load(lanes, q + i);
            for (std::size_t r = 0; r < kRows; ++r) Term::add(sum[r], part, load(lanes, group.row[r] + i));
        }

        __m512i whole[kRows];
        for (std::size_t r = 0; r < kRows; ++r) whole[r] = _mm512_add_epi32(sum[r][0], sum[r][1]);
        write_scores<typename Term::Sum, kRows>(whole, shared_, group.out);
    }

private:
    std::int32_t shared_ = 0;
};

// As bytes of 0 to 15 the elements are 8 too large, which adds a multiple of the query's sum.
class Nibbles {
public:
    Nibbles(Bytes q, std::size_t dim) {
        __m512i sum = _mm512_setzero_si512();
        for (std::size_t i = 0; i < dim; i += kLine) sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(8), load(q + i));
        shared_ = -total(sum);
    }

    static std::size_t row_bytes(std::size_t dim) { return dim / 2; }

    template <std::size_t kRows, Ahead kAhead>
    void score(Bytes q, const Rows& rows, const Group& group) const {
        const std::size_t bytes = row_bytes(rows.dim);
        __m512i sum[kRows];
        for (std::size_t r = 0; r < kRows; ++r) sum[r] = _mm512_setzero_si512();

        std::size_t i = 0;
        for (; i + kLine <= bytes; i += kLine) {
            prefetch_block<kRows, kAhead>(group, i);
            const Query query(load(q + 2 * i), load(q + 2 * i + kLine));
            for (std::size_t r = 0; r < kRows; ++r) sum[r] = add(sum[r], query, load(group.row[r] + i));
        }
        if (i < bytes) {  // half a line
            prefetch_block<kRows, kAhead>(group, i);
            const Query query(load(q + 2 * i), _mm512_setzero_si512());
            for (std::size_t r = 0; r < kRows; ++r)
                sum[r] = add(sum[r], query, load(first_bytes(bytes - i), group.row[r] + i));
        }
        write_scores<std::int32_t, kRows>(sum, shared_, group.out);
    }

private:
    // The query's bytes that meet the lower and the upper halves of 64 bytes of a row.
    struct Query {
        __m512i low, high;
        Query(__m512i first, __m512i second)
            : low(_mm512_maskz_shuffle_i64x2(0xff, first, second, 0x44)),
              high(_mm512_maskz_shuffle_i64x2(0xff, first, second, 0xee)) {}
    };
    static __m512i add(__m512i sum, const Query& query, __m512i both) {
        const __m512i nibble = _mm512_set1_epi8(15);
        const __m512i upper = _mm512_and_si512(_mm512_srli_epi16(both, 4), nibble);
        return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum, _mm512_and_si512(both, nibble), query.low), upper,
                                   query.high);
    }

    std::int32_t shared_;
};

#include "kernels/bits_avx512.ipp"

}  // namespace

constinit const Table kAvx512Table = {
    .name = "avx512",
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
    .dot_crumbs = dot_crumbs_avx512,
    .hamming_b1 = hamming_b1,
    .jaccard_b1 = score_rows<Bits<Jaccard>>,
    .raise_maxima = &kRaiseMaximaAvx512,
    .packed = &kPackedAvx512,
    .loops = &kAvx512Loops,
};

}  // namespace vicinal::kernels
