// Inner products of vectors with random normal vectors: what SimHash and PStable are made of.
//
// They go through the kernels of the index: one query against many rows, of which the rows are the random vectors.
// With axes, the products with these come first, and random vectors are as long as there are axes. Where data vary
// along few of their dimensions the others add noise alone: functions that leave them out meet the near items among
// fewer candidates, and take fewer steps. Sketches are made of the same functions, and too few axes blur them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/table.hpp"
#include "codecs/space.hpp"
#include "hash/family.hpp"
#include "hash/gauss.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {

class Projections {
public:
    explicit Projections(const FamilySettings& settings)
        : axes_(Space::stride_for(settings.dim * sizeof(float))),
          axis_count_(settings.axes.size() / settings.dim),
          dim_(settings.dim),
          drawn_(drawn_dim(settings)),
          count_(settings.hashes),
          directions_(Space::stride_for(drawn_ * sizeof(float))),
          slots_(std::max(count_, axis_count_)) {
        axes_.reserve(axis_count_, 0);
        for (std::size_t axis = 0; axis < axis_count_; ++axis)
            std::memcpy(axes_.row(axis), settings.axes.data() + axis * dim_, dim_ * sizeof(float));
        directions_.reserve(count_, 0);
        for (std::size_t h = 0; h < count_; ++h)
            for (std::size_t d = 0; d < drawn_; ++d)
                reinterpret_cast<float*>(directions_.row(h))[d] =
                    static_cast<float>(normal_draw(settings.seed, h * drawn_ + d));
        std::iota(slots_.begin(), slots_.end(), 0u);
    }

    // Of n vectors, `stride` floats apart: one product for each function. `along` is scratch.
    void project(const float* vectors, std::size_t stride, std::size_t n, float* out, std::vector<float>& along) const {
        if (axis_count_ == 0) return products(directions_, dim_, count_, vectors, stride, n, out);
        along.resize(n * axis_count_);
        products(axes_, dim_, axis_count_, vectors, stride, n, along.data());
        products(directions_, axis_count_, count_, along.data(), axis_count_, n, out);
    }

private:
    static constexpr std::size_t kRowsAtOnce = 16;  // of 384 dimensions half of a first-level cache

    // Rows are taken a few at a time, so that the next vector finds them in the cache.
    void products(const Table& table, std::size_t dim, std::size_t count, const float* vectors, std::size_t stride,
                  std::size_t n, float* out) const {
        const std::size_t at_once = n == 1 ? count : kRowsAtOnce;
        const kernels::Rows rows{table.data(), table.stride(), dim, nullptr};
        for (std::size_t first = 0; first < count; first += at_once)
            for (std::size_t i = 0; i < n; ++i)
                kernels::active().dot_f32(vectors + i * stride, rows, slots_.data() + first,
                                          std::min(at_once, count - first), out + i * count + first);
    }

    Table axes_;
    std::size_t axis_count_, dim_, drawn_, count_;
    Table directions_;
    std::vector<std::uint32_t> slots_;
};

}  // namespace vicinal
