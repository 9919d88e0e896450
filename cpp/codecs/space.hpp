// How the vectors of one index are stored, prepared and compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "codecs/types.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {

// A vector made ready to be compared with rows. `data` points at the caller's vector where that will do as it is.
struct Probe {
    const void* data = nullptr;
    float factor = 1.0F;  // integers under cosine: 1 / |q|;  a lifted construction: the height of the vector;
                          // 8-bit codes: the size of a step
    float add = 0.0F;     // 8-bit codes: what every distance starts from
};

// The arithmetic between a probe and rows: a kernel, and what is done to its sums so that smaller is closer and the
// number is the one users see.
class Ruler {
public:
    enum class Finish : std::uint8_t {
        none,              // the kernel's number is the distance
        halve,             // l2 between rows of length one is twice the cosine distance
        one_minus,         // inner product
        one_minus_scaled,  // cosine of integers: the exact dot, times both inverse norms
        code,              // 8-bit codes: two factors a row turn the integer dot into a distance (walk_code.hpp)
        lifted             // ceiling - q.x - h(q) h(x): below the ceiling, l2 in the lifted space, halved (see Space)
    };

    Ruler(kernels::ScoreRows score, Finish finish, float ceiling = 0)
        : score_(score), finish_(finish), ceiling_(ceiling) {}

    void measure(const Probe& probe, const kernels::Rows& rows, const std::uint32_t* slots, std::size_t n,
                 float* distances) const {
        score_(probe.data, rows, slots, n, distances);
        if (finish_ != Finish::none) finish(probe, rows, slots, n, distances);
    }

private:
    void finish(const Probe& probe, const kernels::Rows& rows, const std::uint32_t* slots, std::size_t n,
                float* distances) const;

    kernels::ScoreRows score_;
    Finish finish_;
    float ceiling_;
};

// l2, hamming and jaccard compare rows as they are. cosine keeps the row as it was given, beside it one factor, the
// inverse of its norm, and compares the normalized rows. ip answers 1 - q.x; but a graph built on inner products
// falls apart when norms differ, so it may be built on lifted vectors: each row gets one more coordinate, its
// height h(x) = sqrt(ceiling - |x|^2), which makes all rows below the ceiling equally long; the height of longer ones
// is 0 (graph.hpp tells how high the ceiling is). The height is the row's factor, only construction reads it, and a
// query, whose height is zero, never sees it.
// (Bachrach et al. 2014 name the lift; that a query can do without the coordinate is what makes it free.)
class Space {
public:
    Space(Metric metric, Dtype dtype, std::size_t dim);

    Metric metric() const { return metric_; }
    Dtype dtype() const { return dtype_; }
    std::size_t dim() const { return dim_; }

    // Bytes from one row to the next: whole cache lines, or a power of two below one.
    std::size_t stride() const { return stride_; }
    static std::size_t stride_for(std::size_t bytes);
    std::size_t row_bytes() const { return stored_bytes(dtype_, dim_); }
    std::size_t given_row_bytes() const { return given_bytes(dtype_, dim_); }
    bool has_factors() const { return metric_ == Metric::ip || metric_ == Metric::cosine; }

    // What is wrong with this vector ("holds NaN"), or nothing. `given` is laid out as callers hand it in. Under l2 and
    // ip a caller's vector may be as long as kLongest, so that every distance, its sums and those of its codes are
    // finite; a file may hold longer ones.
    enum class Source : std::uint8_t { caller, file };
    std::string fault(const std::byte* given, Source source = Source::caller) const;
    static constexpr double kLongest = 6e18;  // between two such: at most (2 * 6e18)^2 = 1.44e38, of float32's 3.4e38

    // Writes the row as it is stored. Reads back what was given, to the stored precision.
    void encode(const std::byte* given, std::byte* row) const;
    void decode(const std::byte* row, std::byte* given) const;

    double squared_norm(const std::byte* row) const;  // of a stored row
    float inverse_norm(const std::byte* row) const;   // of a stored row
    float height(const std::byte* row, double ceiling) const;

    // `scratch` holds the prepared vector where the given one will not do; it must outlive the probe.
    Probe probe_given(const std::byte* given, std::vector<float>& scratch) const;
    // A stored row as a probe; `factor` is the row's own.
    Probe probe_row(const std::byte* row, float factor, std::vector<float>& scratch) const;

    Ruler search_ruler() const;
    // For links: the same, unless the index is lifted.
    Ruler build_ruler(bool lifted, double ceiling) const;

private:
    void widen(const std::byte* row, float* floats) const;
    bool has_direction(const float* values) const;
    kernels::ScoreRows dot() const;
    kernels::ScoreRows of_type(kernels::ScoreRows f32, kernels::ScoreRows f16, kernels::ScoreRows bf16,
                               kernels::ScoreRows i8, kernels::ScoreRows u8) const;

    Metric metric_;
    Dtype dtype_;
    std::size_t dim_;
    std::size_t stride_;
};

}  // namespace vicinal
