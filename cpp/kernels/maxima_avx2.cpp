#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

using Lane = __m256;
constexpr std::size_t kLanes = 8;
constexpr std::size_t kMostRows = 6, kMostGroups = 1;  // 12 sums, of 16 registers

Lane load(const float* from) { return _mm256_loadu_ps(from); }
void store(float* to, Lane lane) { _mm256_storeu_ps(to, lane); }
Lane spread(float value) { return _mm256_set1_ps(value); }
Lane multiply_add(Lane a, Lane b, Lane sum) { return _mm256_fmadd_ps(a, b, sum); }
Lane larger(Lane a, Lane b) { return _mm256_max_ps(a, b); }

}  // namespace

#include "kernels/maxima.ipp"

constinit const RaiseMaxima kRaiseMaximaAvx2 = raise_maxima;

}  // namespace vicinal::kernels
