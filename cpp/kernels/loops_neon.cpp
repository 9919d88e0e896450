#include <cstddef>
#include <cstdint>

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {

#include "kernels/loops.ipp"

constinit const Loops kNeonLoops = {largest_magnitude, sum_of_squares, scale,         round_to_steps,
                                    are_bytes,         to_bytes,       fit_few_steps, to_nibbles};

}  // namespace vicinal::kernels
