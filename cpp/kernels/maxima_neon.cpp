#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

using Lane = float32x4_t;
constexpr std::size_t kLanes = 4;
constexpr std::size_t kMostRows = 6, kMostGroups = 1;  // 24 sums, of 32 registers

Lane load(const float* from) { return vld1q_f32(from); }
void store(float* to, Lane lane) { vst1q_f32(to, lane); }
Lane spread(float value) { return vdupq_n_f32(value); }
Lane multiply_add(Lane a, Lane b, Lane sum) { return vfmaq_f32(sum, a, b); }
Lane larger(Lane a, Lane b) { return vmaxq_f32(a, b); }

}  // namespace

#include "kernels/maxima.ipp"

constinit const RaiseMaxima kRaiseMaximaNeon = raise_maxima;

}  // namespace vicinal::kernels
