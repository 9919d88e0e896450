#include "sets/panel.hpp"

#include <limits>

#include "base/checked.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {

using kernels::kMaximaGroup;

void Panel::set(const float* rows, std::size_t n) {
    n_ = n;
    groups_ = round_up(n, kMaximaGroup) / kMaximaGroup;
    columns_.assign(groups_ * kMaximaGroup * dim_, 0.0F);
    for (std::size_t column = 0; column < n; ++column)
        for (std::size_t i = 0; i < dim_; ++i)
            columns_[(column / kMaximaGroup * dim_ + i) * kMaximaGroup + column % kMaximaGroup] =
                rows[column * dim_ + i];
}

std::size_t Panel::width() const { return groups_ * kMaximaGroup; }

void Panel::raise(const float* rows, std::size_t n, float* maxima) const {
    (*kernels::active().raise_maxima)(columns_.data(), groups_, rows, n, dim_, maxima);
}

float Panel::score(const float* rows, std::size_t n) {
    maxima_.assign(width(), -std::numeric_limits<float>::infinity());
    raise(rows, n, maxima_.data());
    double sum = 0;
    for (std::size_t column = 0; column < n_; ++column) sum += static_cast<double>(maxima_[column]);
    return static_cast<float>(sum);
}

}  // namespace vicinal
