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
    using Lane = __m512i;
    using Sum = __m512i;
    static constexpr std::size_t kBytes = 64;
    static Lane load(const std::uint8_t* from) { return _mm512_loadu_si512(from); }
    static Lane load_first(const std::uint8_t* from, std::size_t count) {
        return _mm512_maskz_loadu_epi8((std::uint64_t{1} << count) - 1, from);
    }
    // By way of memory: GCC 12 warns of its own header where halves are taken out of a register.
    static std::uint32_t total(Sum sum) {
        alignas(64) std::uint32_t lanes[16];
        _mm512_store_si512(lanes, sum);
        std::uint32_t all = 0;
        for (const std::uint32_t lane : lanes) all += lane;
        return all;
    }
};

// Adds the products of the elements at `kShift` of each byte: at most 15, so that unsigned and signed bytes are alike.
template <unsigned kShift, char kMost>
__m512i add_products(__m512i sum, __m512i q, __m512i x) {
    const __m512i most = _mm512_set1_epi8(kMost);
    return _mm512_dpbusd_epi32(sum, _mm512_and_si512(_mm512_srli_epi16(x, kShift), most),
                               _mm512_and_si512(_mm512_srli_epi16(q, kShift), most));
}

struct Two : Vector {
    static Sum add(Sum sum, Lane q, Lane x) {
        sum = add_products<0, 3>(sum, q, x);
        sum = add_products<2, 3>(sum, q, x);
        sum = add_products<4, 3>(sum, q, x);
        return add_products<6, 3>(sum, q, x);
    }
};

struct Four : Vector {
    static Sum add(Sum sum, Lane q, Lane x) { return add_products<4, 15>(add_products<0, 15>(sum, q, x), q, x); }
};

// Widened to 16 bits, as bytes of 128 and more have no signed form. Sums wrap at 2^32, which no code reaches.
struct Eight : Vector {
    static Sum add(Sum sum, Lane q, Lane x) {
        const __m512i zero = _mm512_setzero_si512();
        sum = _mm512_dpwssd_epi32(sum, _mm512_unpacklo_epi8(q, zero), _mm512_unpacklo_epi8(x, zero));
        return _mm512_dpwssd_epi32(sum, _mm512_unpackhi_epi8(q, zero), _mm512_unpackhi_epi8(x, zero));
    }
};

}  // namespace

#include "kernels/packed.ipp"

constinit const PackedDots kPackedAvx512 = kDots;

}  // namespace vicinal::kernels
