// The vectors of one query, laid out as the inner loop of MaxSim takes them.
#pragma once

#include <cstddef>
#include <vector>

namespace vicinal {

class Panel {
public:
    explicit Panel(std::size_t dim) : dim_(dim) {}

    void set(const float* rows, std::size_t n);

    // Columns there is room for: n and what fills the last group, whose products are all zero.
    std::size_t width() const;

    // maxima[i] becomes the largest of itself and the products of vector i with the rows. `maxima` has width() floats.
    void raise(const float* rows, std::size_t n, float* maxima) const;

    // MaxSim of the query and these rows.
    float score(const float* rows, std::size_t n);

private:
    std::size_t dim_, n_ = 0, groups_ = 0;
    std::vector<float> columns_, maxima_;
};

}  // namespace vicinal
