// Arithmetic on sizes that came from a file or a caller.
#pragma once

#include <cstddef>
#include <stdexcept>

namespace vicinal {

[[nodiscard]] inline std::size_t checked_multiply(std::size_t a, std::size_t b) {
    std::size_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) throw std::overflow_error("size overflow in a product");
    return product;
}

[[nodiscard]] inline std::size_t checked_add(std::size_t a, std::size_t b) {
    std::size_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) throw std::overflow_error("size overflow in a sum");
    return sum;
}

// The smallest multiple of `step` (a power of two) that is not below `size`.
[[nodiscard]] inline std::size_t round_up(std::size_t size, std::size_t step) {
    return checked_add(size, step - 1) & ~(step - 1);
}

}  // namespace vicinal
