// Inner products of a vector with random normal vectors: what SimHash and PStable are made of.
//
// They go through the kernels of the index: one query against many rows, of which the rows are the random vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "base/table.hpp"
#include "codecs/space.hpp"
#include "hash/gauss.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {

class Projections {
public:
    Projections(std::size_t count, std::size_t dim, std::uint64_t seed)
        : dim_(dim), slots_(count), directions_(Space::stride_for(dim * sizeof(float))) {
        directions_.reserve(count, 0);
        for (std::size_t h = 0; h < count; ++h)
            for (std::size_t d = 0; d < dim; ++d)
                reinterpret_cast<float*>(directions_.row(h))[d] = static_cast<float>(normal_draw(seed, h * dim + d));
        std::iota(slots_.begin(), slots_.end(), 0u);
    }

    void project(const float* vector, float* out) const {
        const kernels::Rows rows{directions_.data(), directions_.stride(), dim_, nullptr};
        kernels::active().dot_f32(vector, rows, slots_.data(), slots_.size(), out);
    }

private:
    std::size_t dim_;
    std::vector<std::uint32_t> slots_;
    Table directions_;
};

}  // namespace vicinal
