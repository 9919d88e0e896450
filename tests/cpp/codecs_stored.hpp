// Vectors stored by a Space, and what can be asked of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "base/arena.hpp"
#include "codecs/space.hpp"
#include "vectors_drawn.hpp"

namespace vicinal::trial {

using Bytes = std::vector<std::byte>;

inline std::vector<Metric> all_metrics() {
    return {Metric::l2, Metric::ip, Metric::cosine, Metric::hamming, Metric::jaccard};
}
inline std::vector<Dtype> all_dtypes() {
    return {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::u8, Dtype::b1};
}

template <class T>
Bytes as_bytes(const std::vector<T>& values) {
    const auto* bytes = bytes_of(values);
    return {bytes, bytes + values.size() * sizeof(T)};
}

// `n` vectors as callers hand them in, drawn over all that the type can hold (floats: about normal).
inline Bytes drawn_vectors(Dtype dtype, std::size_t dim, std::size_t n, std::uint64_t seed) {
    if (is_floating(dtype)) return as_bytes(drawn_floats(n * dim, seed));
    if (dtype == Dtype::i8) return as_bytes(drawn_whole<std::int8_t>(n * dim, seed, -128, 127));
    const std::size_t elements = dtype == Dtype::b1 ? dim / 8 : dim;
    return as_bytes(drawn_whole<std::uint8_t>(n * elements, seed, 0, 255));
}

// The elements of one given vector, bits as 0 and 1.
inline std::vector<double> elements_of(Dtype dtype, std::size_t dim, const std::byte* given) {
    std::vector<double> values(dim);
    for (std::size_t i = 0; i < dim; ++i) {
        if (is_floating(dtype)) {
            float value = 0;
            std::memcpy(&value, given + 4 * i, sizeof value);
            values[i] = static_cast<double>(value);
        } else if (dtype == Dtype::b1) {
            values[i] = (std::to_integer<unsigned>(given[i / 8]) >> (i % 8)) & 1U;
        } else {
            const auto value = std::to_integer<int>(given[i]);
            values[i] = dtype == Dtype::i8 && value > 127 ? value - 256 : value;
        }
    }
    return values;
}

class Stored {
public:
    Stored(const Space& vector_space, const Bytes& given)
        : space(vector_space), n(given.size() / space.given_row_bytes()), arena_(n * space.stride()), factors_(n) {
        for (std::size_t i = 0; i < n; ++i) {
            space.encode(given.data() + i * space.given_row_bytes(), arena_.data() + i * space.stride());
            if (space.metric() == Metric::cosine) factors_[i] = space.inverse_norm(row(i));
        }
    }

    const std::byte* row(std::size_t i) const { return arena_.data() + i * space.stride(); }
    float factor(std::size_t i) const { return factors_[i]; }
    void lift(double ceiling) {
        for (std::size_t i = 0; i < n; ++i) factors_[i] = space.height(row(i), ceiling);
    }

    Bytes decoded(std::size_t i) const {
        Bytes given(space.given_row_bytes());
        space.decode(row(i), given.data());
        return given;
    }
    std::vector<double> elements(std::size_t i) const {
        return elements_of(space.dtype(), space.dim(), decoded(i).data());
    }

    // From a probe to all rows.
    std::vector<float> distances(const Ruler& ruler, const Probe& probe) const {
        std::vector<std::uint32_t> slots(n);
        std::iota(slots.begin(), slots.end(), 0U);
        std::vector<float> distances(n);
        ruler.measure(probe, {arena_.data(), space.stride(), space.dim(), factors_.data()}, slots.data(), n,
                      distances.data());
        return distances;
    }
    std::vector<float> distances_from_given(const std::byte* query) const {
        std::vector<float> scratch;
        return distances(space.search_ruler(), space.probe_given(query, scratch));
    }

    const Space space;
    const std::size_t n;

private:
    Arena arena_;
    std::vector<float> factors_;
};

}  // namespace vicinal::trial
