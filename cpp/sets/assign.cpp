#include "sets/assign.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/kernels.hpp"
#include "sets/panel.hpp"

namespace vicinal {
namespace {

// The loop that raises maxima does not say by whom they were raised. So others come some at a time; those that raised a
// row's maximum last are looked at once more, one by one.
constexpr std::size_t kSome = 32, kRows = 32;

class Assignment {
public:
    Assignment(const float* others, std::size_t n_others, std::size_t dim)
        : others_(others), n_others_(n_others), dim_(dim), panel_(dim), numbers_(n_others) {
        std::iota(numbers_.begin(), numbers_.end(), 0U);
    }

    void of(const float* rows, std::size_t n, std::uint32_t* assigned) {
        panel_.set(rows, n);
        maxima_.assign(panel_.width(), -std::numeric_limits<float>::infinity());
        raised_by_.assign(n, 0);
        for (std::size_t first = 0; first < n_others_; first += kSome) {
            before_ = maxima_;
            panel_.raise(others_ + first * dim_, std::min(kSome, n_others_ - first), maxima_.data());
            for (std::size_t row = 0; row < n; ++row)
                if (maxima_[row] > before_[row]) raised_by_[row] = first;
        }
        for (std::size_t row = 0; row < n; ++row) assigned[row] = best_of(rows + row * dim_, raised_by_[row]);
    }

private:
    std::uint32_t best_of(const float* row, std::size_t first) {
        const kernels::Rows others{reinterpret_cast<const std::byte*>(others_), dim_ * sizeof(float), dim_, nullptr};
        const std::size_t n = std::min(kSome, n_others_ - first);
        float products[kSome];
        kernels::active().dot_f32(row, others, numbers_.data() + first, n, products);
        return numbers_[first + static_cast<std::size_t>(std::max_element(products, products + n) - products)];
    }

    const float* others_;
    std::size_t n_others_, dim_;
    Panel panel_;
    std::vector<std::uint32_t> numbers_;
    std::vector<float> maxima_, before_;
    std::vector<std::size_t> raised_by_;
};

}  // namespace

bool assign_rows(const float* rows, std::size_t n, const float* others, std::size_t n_others, std::size_t dim,
                 std::uint32_t* assigned, const Crew& crew) {
    return crew.aside(n, 8 * kRows, [&](std::size_t, std::size_t first, std::size_t last) {
        Assignment assignment(others, n_others, dim);
        for (; first < last; first += kRows)
            assignment.of(rows + first * dim, std::min(kRows, last - first), assigned + first);
    });
}

}  // namespace vicinal
