#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

struct Byte {
    using Lane = std::uint32_t;
    using Sum = std::uint32_t;
    static constexpr std::size_t kBytes = 1;
    static Lane load(const std::uint8_t* from) { return *from; }
    static Lane load_first(const std::uint8_t*, std::size_t) { return 0; }  // no byte is ever left
    static std::uint32_t total(Sum sum) { return sum; }
};

template <std::uint32_t kBits>
struct Elements : Byte {
    static Sum add(Sum sum, Lane q, Lane x) {
        constexpr std::uint32_t kMost = (1U << kBits) - 1;
        for (std::uint32_t shift = 0; shift < 8; shift += kBits) sum += ((q >> shift) & kMost) * ((x >> shift) & kMost);
        return sum;
    }
};

using One = Elements<1>;
using Two = Elements<2>;
using Four = Elements<4>;
using Eight = Elements<8>;

}  // namespace

#include "kernels/packed.ipp"

constinit const PackedDots kPackedScalar = kDots;

}  // namespace vicinal::kernels
