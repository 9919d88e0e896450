#include "sets/sets.hpp"

#include <string>

#include "base/errors.hpp"
#include "kernels/kernels.hpp"
#include "sets/four_bits.hpp"

namespace vicinal {

void check(const VectorSets& sets, const char* name) {
    const std::string of = std::string(name) + ": ";
    if (sets.starts.empty() || sets.starts.front() != 0) throw InvalidArgumentError(of + "offsets do not begin with 0");
    for (std::size_t set = 0; set + 1 < sets.starts.size(); ++set)
        if (sets.starts[set + 1] <= sets.starts[set])
            throw InvalidArgumentError(of + "set " + std::to_string(set) + " is empty, or offsets do not ascend");
    if (sets.starts.back() != static_cast<std::int64_t>(sets.n))
        throw InvalidArgumentError(of + "offsets end with " + std::to_string(sets.starts.back()) + ", expected " +
                                   std::to_string(sets.n) + ", the number of vectors");
}

std::size_t VectorSets::row_bytes() const {
    if (type == Type::b4) return four_bit_bytes(dim);
    return dim * (type == Type::f32 ? sizeof(float) : sizeof(std::uint16_t));
}

const float* WidenedRows::of(const VectorSets& sets, std::size_t first, std::size_t n) {
    const std::size_t row_bytes = sets.row_bytes();
    const std::byte* rows = sets.rows + first * row_bytes;
    if (sets.type == VectorSets::Type::f32) return reinterpret_cast<const float*>(rows);
    widened_.resize(n * sets.dim);
    if (sets.type == VectorSets::Type::f16)
        kernels::active().loops->f16_to_f32(reinterpret_cast<const std::uint16_t*>(rows), widened_.data(),
                                            n * sets.dim);
    else
        for (std::size_t row = 0; row < n; ++row)
            from_four_bits(rows + row * row_bytes, sets.dim, widened_.data() + row * sets.dim);
    return widened_.data();
}

}  // namespace vicinal
