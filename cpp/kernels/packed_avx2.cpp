#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

struct Word {
    using Lane = std::uint64_t;
    using Sum = std::uint64_t;
    static constexpr std::size_t kBytes = 8;
    static Lane load(const std::uint8_t* from) { return load_first(from, kBytes); }
    static Lane load_first(const std::uint8_t* from, std::size_t count) {
        Lane lane = 0;
        __builtin_memcpy(&lane, from, count);
        return lane;
    }
    static std::uint32_t total(Sum sum) { return static_cast<std::uint32_t>(sum); }
};

struct One : Word {
    static Sum add(Sum sum, Lane q, Lane x) { return sum + static_cast<Sum>(_mm_popcnt_u64(q & x)); }
};

struct Vector {
    using Lane = __m256i;
    using Sum = __m256i;
    static constexpr std::size_t kBytes = 32;
    static Lane load(const std::uint8_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
    static Lane load_first(const std::uint8_t* from, std::size_t count) {
        alignas(32) std::uint8_t bytes[32] = {};
        __builtin_memcpy(bytes, from, count);
        return load(bytes);
    }
    static std::uint32_t total(Sum sum) {
        __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
        four = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
        four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 1));
        return static_cast<std::uint32_t>(_mm_cvtsi128_si32(four));
    }
};

// The elements of each byte at `kShift`, one to a byte.
template <int kShift, int kMost>
__m256i plane(__m256i bytes) {
    return _mm256_and_si256(_mm256_srli_epi16(bytes, kShift), _mm256_set1_epi8(kMost));
}

template <int kShift, int kMost>
__m256i products(__m256i q, __m256i x) {
    return _mm256_maddubs_epi16(plane<kShift, kMost>(q), plane<kShift, kMost>(x));
}

__m256i add_pairs(__m256i sum, __m256i pairs) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

// At most 4 * 2 * 3 * 3 in 16 bits.
struct Two : Vector {
    static Sum add(Sum sum, Lane q, Lane x) {
        const __m256i lower = _mm256_add_epi16(products<0, 3>(q, x), products<2, 3>(q, x));
        const __m256i upper = _mm256_add_epi16(products<4, 3>(q, x), products<6, 3>(q, x));
        return add_pairs(sum, _mm256_add_epi16(lower, upper));
    }
};

// At most 2 * 2 * 15 * 15 in 16 bits.
struct Four : Vector {
    static Sum add(Sum sum, Lane q, Lane x) {
        return add_pairs(sum, _mm256_add_epi16(products<0, 15>(q, x), products<4, 15>(q, x)));
    }
};

// Widened to 16 bits: products of bytes saturate. Sums wrap at 2^32, which no code reaches.
struct Eight : Vector {
    static Sum add(Sum sum, Lane q, Lane x) {
        const __m256i zero = _mm256_setzero_si256();
        const __m256i low = _mm256_madd_epi16(_mm256_unpacklo_epi8(q, zero), _mm256_unpacklo_epi8(x, zero));
        const __m256i high = _mm256_madd_epi16(_mm256_unpackhi_epi8(q, zero), _mm256_unpackhi_epi8(x, zero));
        return _mm256_add_epi32(sum, _mm256_add_epi32(low, high));
    }
};

}  // namespace

#include "kernels/packed.ipp"

constinit const PackedDots kPackedAvx2 = kDots;

}  // namespace vicinal::kernels
