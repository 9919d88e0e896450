#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

struct Vector {
    using Lane = uint8x16_t;
    using Sum = uint32x4_t;
    static constexpr std::size_t kBytes = 16;
    static Lane load(const std::uint8_t* from) { return vld1q_u8(from); }
    static Lane load_first(const std::uint8_t* from, std::size_t count) {
        std::uint8_t bytes[16] = {};
        __builtin_memcpy(bytes, from, count);
        return load(bytes);
    }
    static std::uint32_t total(Sum sum) { return vaddvq_u32(sum); }
};

struct One : Vector {
    static Sum add(Sum sum, Lane q, Lane x) { return vpadalq_u16(sum, vpaddlq_u8(vcntq_u8(vandq_u8(q, x)))); }
};

// The elements of each byte at `kShift`, one to a byte. A shift by nothing has no instruction.
template <int kShift, std::uint8_t kMost>
uint8x16_t plane(uint8x16_t bytes) {
    if constexpr (kShift == 0)
        return vandq_u8(bytes, vdupq_n_u8(kMost));
    else
        return vandq_u8(vshrq_n_u8(bytes, kShift), vdupq_n_u8(kMost));
}

// At most 4 * 2 * 3 * 3 in 16 bits.
struct Two : Vector {
    template <int kShift>
    static uint16x8_t add_plane(uint16x8_t pairs, Lane q, Lane x) {
        return vpadalq_u8(pairs, vmulq_u8(plane<kShift, 3>(q), plane<kShift, 3>(x)));
    }
    static Sum add(Sum sum, Lane q, Lane x) {
        uint16x8_t pairs = add_plane<0>(vdupq_n_u16(0), q, x);
        pairs = add_plane<2>(pairs, q, x);
        pairs = add_plane<4>(pairs, q, x);
        return vpadalq_u16(sum, add_plane<6>(pairs, q, x));
    }
};

// At most 2 * 2 * 15 * 15 in 16 bits.
struct Four : Vector {
    static Sum add(Sum sum, Lane q, Lane x) {
        const uint16x8_t lower = vpaddlq_u8(vmulq_u8(plane<0, 15>(q), plane<0, 15>(x)));
        return vpadalq_u16(sum, vpadalq_u8(lower, vmulq_u8(plane<4, 15>(q), plane<4, 15>(x))));
    }
};

struct Eight : Vector {
    static Sum add(Sum sum, Lane q, Lane x) {
        sum = vpadalq_u16(sum, vmull_u8(vget_low_u8(q), vget_low_u8(x)));
        return vpadalq_u16(sum, vmull_high_u8(q, x));
    }
};

}  // namespace

#include "kernels/packed.ipp"

constinit const PackedDots kPackedNeon = kDots;

}  // namespace vicinal::kernels
