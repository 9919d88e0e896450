#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

using Lane = __m512;
constexpr std::size_t kLanes = 16;
constexpr std::size_t kMostRows = 8, kMostGroups = 2;  // 16 sums, of 32 registers

Lane load(const float* from) { return _mm512_loadu_ps(from); }
void store(float* to, Lane lane) { _mm512_storeu_ps(to, lane); }
Lane spread(float value) { return _mm512_set1_ps(value); }
Lane multiply_add(Lane a, Lane b, Lane sum) { return _mm512_fmadd_ps(a, b, sum); }
Lane larger(Lane a, Lane b) { return _mm512_maskz_max_ps(0xffff, a, b); }  // GCC 12 warns of _mm512_max_ps

}  // namespace

#include "kernels/maxima.ipp"

constinit const RaiseMaxima kRaiseMaximaAvx512 = raise_maxima;

}  // namespace vicinal::kernels
