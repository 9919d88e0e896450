#include "codecs/linear.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "kernels/kernels.hpp"

namespace vicinal {
namespace {

double dot(const double* a, const double* b, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

void add_times(double factor, const double* from, std::size_t n, double* to) {
    for (std::size_t i = 0; i < n; ++i) to[i] += factor * from[i];
}

// A symmetric matrix as Q T Q': T has the diagonal `diagonal` and beside it `beside`; the matrix becomes Q'.
class Tridiagonal {
public:
    Tridiagonal(std::span<double> matrix, std::size_t dim, std::span<double> diagonal)
        : m_(matrix), n_(dim), diagonal_(diagonal), beside_(dim), beta_(dim) {
        for (std::size_t k = 0; k + 2 < n_; ++k) reflect(k);
        for (std::size_t k = 0; k < n_; ++k) diagonal_[k] = row(k)[k];
        if (n_ > 1) beside_[n_ - 2] = row(n_ - 1)[n_ - 2];
        gather();
    }

    // Rotates T until nothing stands beside its diagonal, and the rows of Q' with it.
    bool diagonalize() {
        constexpr std::size_t kMostSteps = 60;
        for (std::size_t low = 0; low < n_; ++low)
            for (std::size_t steps = 0;; ++steps) {
                const std::size_t high = end_of_block(low);
                if (high == low) break;
                if (steps == kMostSteps) return false;
                step(low, high);
            }
        return true;
    }

private:
    double* row(std::size_t k) { return m_.data() + k * n_; }

    // Turns column k below the diagonal into one element, by a reflection of rows and columns after k. What the
    // reflection is made of stays in that column, which T leaves empty.
    void reflect(std::size_t k) {
        const std::size_t left = n_ - k - 1;
        std::vector<double> v(left), w(left);
        for (std::size_t i = 0; i < left; ++i) v[i] = row(k + 1 + i)[k];
        const double length = std::sqrt(dot(v.data(), v.data(), left));
        const double alpha = v[0] > 0 ? -length : length;
        beside_[k] = alpha;
        v[0] -= alpha;
        const double squares = dot(v.data(), v.data(), left);
        beta_[k] = squares > 0 ? 2 / squares : 0;
        for (std::size_t i = 0; i < left; ++i) w[i] = beta_[k] * dot(row(k + 1 + i) + k + 1, v.data(), left);
        add_times(-beta_[k] / 2 * dot(v.data(), w.data(), left), v.data(), left, w.data());
        for (std::size_t i = 0; i < left; ++i) {
            double* to = row(k + 1 + i) + k + 1;
            add_times(-v[i], w.data(), left, to);
            add_times(-w[i], v.data(), left, to);
            row(k + 1 + i)[k] = v[i];
        }
    }

    // Q' = Q transposed; Q is the product of the reflections, last to first, each of which touches what lies after it.
    void gather() {
        std::vector<double> q(n_ * n_), v(n_), along(n_);
        for (std::size_t i = 0; i < n_; ++i) q[i * n_ + i] = 1;
        for (std::size_t k = n_ > 2 ? n_ - 2 : 0; k-- > 0;) {
            const std::size_t from = k + 1, left = n_ - from;
            for (std::size_t i = 0; i < left; ++i) v[i] = row(from + i)[k];
            std::fill_n(along.begin(), left, 0.0);
            for (std::size_t i = 0; i < left; ++i)
                add_times(v[i], q.data() + (from + i) * n_ + from, left, along.data());
            for (std::size_t i = 0; i < left; ++i)
                add_times(-beta_[k] * v[i], along.data(), left, q.data() + (from + i) * n_ + from);
        }
        for (std::size_t i = 0; i < n_; ++i)
            for (std::size_t j = 0; j < n_; ++j) row(j)[i] = q[i * n_ + j];
    }

    std::size_t end_of_block(std::size_t low) const {
        std::size_t high = low;
        while (high + 1 < n_) {
            const double size = std::abs(diagonal_[high]) + std::abs(diagonal_[high + 1]);
            if (!(std::abs(beside_[high]) > std::numeric_limits<double>::epsilon() * size)) break;
            ++high;
        }
        return high;
    }

    // One QL step with Wilkinson's shift over the block from low to high.
    void step(std::size_t low, std::size_t high) {
        const double half = (diagonal_[low + 1] - diagonal_[low]) / (2 * beside_[low]);
        const double root = std::hypot(half, 1.0);
        double g = diagonal_[high] - diagonal_[low] + beside_[low] / (half + (half < 0 ? -root : root));
        double sine = 1, cosine = 1, taken = 0;
        for (std::size_t i = high; i-- > low;) {
            const double f = sine * beside_[i], b = cosine * beside_[i];
            const double length = std::hypot(f, g);
            beside_[i + 1] = length;
            if (length == 0) {  // the block falls apart here
                diagonal_[i + 1] -= taken;
                beside_[high] = 0;
                return;
            }
            sine = f / length;
            cosine = g / length;
            g = diagonal_[i + 1] - taken;
            const double r = (diagonal_[i] - g) * sine + 2 * cosine * b;
            taken = sine * r;
            diagonal_[i + 1] = g + taken;
            g = cosine * r - b;
            rotate(row(i), row(i + 1), sine, cosine);
        }
        diagonal_[low] -= taken;
        beside_[low] = g;
        beside_[high] = 0;
    }

    void rotate(double* lower, double* upper, double sine, double cosine) const {
        for (std::size_t k = 0; k < n_; ++k) {
            const double a = lower[k], b = upper[k];
            upper[k] = sine * a + cosine * b;
            lower[k] = cosine * a - sine * b;
        }
    }

    std::span<double> m_;
    std::size_t n_;
    std::span<double> diagonal_;
    std::vector<double> beside_, beta_;
};

}  // namespace

bool all_products(const FloatRows& a, const FloatRows& b, float* products, const Crew& crew) {
    std::vector<std::uint32_t> slots(b.n);
    std::iota(slots.begin(), slots.end(), 0U);
    const kernels::Rows rows{reinterpret_cast<const std::byte*>(b.data), b.dim * sizeof(float), b.dim, nullptr};
    constexpr std::size_t kColumns = 512;  // of `a` and `b`, so that these rows of `b` stay in the second cache
    const std::size_t runs = (b.n + kColumns - 1) / kColumns;
    constexpr std::size_t kRowsAtOnce = 16;
    return crew.aside(a.n * runs, kRowsAtOnce, [&](std::size_t, std::size_t i, std::size_t end) {
        for (; i < end; ++i) {
            const std::size_t row = i % a.n, first = i / a.n * kColumns;
            kernels::active().dot_f32(a.data + row * a.dim, rows, slots.data() + first, std::min(kColumns, b.n - first),
                                      products + row * b.n + first);
        }
    });
}

bool orthonormalize(std::span<double> rows, std::size_t n, std::size_t dim) {
    for (std::size_t i = 0; i < n; ++i) {
        double* mine = rows.data() + i * dim;
        for (int round = 0; round < 2; ++round) {
            const double before = dot(mine, mine, dim);
            for (std::size_t j = 0; j < i; ++j) {
                const double* other = rows.data() + j * dim;
                add_times(-dot(mine, other, dim), other, dim, mine);
            }
            const double squares = dot(mine, mine, dim);
            if (!(squares > 1e-20 * before) || !(squares > 0)) return false;
            const double inverse = 1 / std::sqrt(squares);
            for (std::size_t k = 0; k < dim; ++k) mine[k] *= inverse;
        }
    }
    return true;
}

bool symmetric_eigen(std::span<double> matrix, std::size_t dim, std::span<double> values) {
    std::vector<double> diagonal(dim), rows;
    Tridiagonal tridiagonal(matrix, dim, diagonal);
    if (!tridiagonal.diagonalize()) return false;
    std::vector<std::size_t> order(dim);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return diagonal[a] < diagonal[b]; });
    for (std::size_t i = 0; i < dim; ++i) {
        values[i] = diagonal[order[i]];
        const auto from = matrix.begin() + static_cast<std::ptrdiff_t>(order[i] * dim);
        rows.insert(rows.end(), from, from + static_cast<std::ptrdiff_t>(dim));
    }
    std::copy(rows.begin(), rows.end(), matrix.begin());
    return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

}  // namespace vicinal
