#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

using Lane = double;
constexpr std::size_t kLanes = 1;
constexpr std::size_t kMostRows = 1, kMostGroups = 1;

Lane load(const float* from) { return static_cast<double>(*from); }
void store(float* to, Lane lane) { *to = static_cast<float>(lane); }
Lane spread(float value) { return static_cast<double>(value); }
Lane multiply_add(Lane a, Lane b, Lane sum) { return a * b + sum; }
Lane larger(Lane a, Lane b) { return a > b ? a : b; }

}  // namespace

#include "kernels/maxima.ipp"

constinit const RaiseMaxima kRaiseMaximaScalar = raise_maxima;

}  // namespace vicinal::kernels
