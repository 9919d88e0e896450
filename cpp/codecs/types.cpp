#include "codecs/types.hpp"

#include <array>

namespace vicinal {
namespace {

constexpr std::array<std::string_view, 5> kMetricNames{"l2", "ip", "cosine", "hamming", "jaccard"};
constexpr std::array<std::string_view, 6> kDtypeNames{"f32", "f16", "bf16", "i8", "u8", "b1"};

template <class Enum, std::size_t size>
std::optional<Enum> named(const std::array<std::string_view, size>& names, std::string_view name) {
    for (std::size_t i = 0; i < size; ++i)
        if (names[i] == name) return static_cast<Enum>(i);
    return std::nullopt;
}

}  // namespace

std::string_view name_of(Metric metric) { return kMetricNames.at(static_cast<std::size_t>(metric)); }
std::string_view name_of(Dtype dtype) { return kDtypeNames.at(static_cast<std::size_t>(dtype)); }
std::optional<Metric> metric_named(std::string_view name) { return named<Metric>(kMetricNames, name); }
std::optional<Dtype> dtype_named(std::string_view name) { return named<Dtype>(kDtypeNames, name); }

std::size_t stored_bytes(Dtype dtype, std::size_t dim) {
    switch (dtype) {
        case Dtype::f32: return dim * 4;
        case Dtype::f16:
        case Dtype::bf16: return dim * 2;
        case Dtype::i8:
        case Dtype::u8: return dim;
        case Dtype::b1: return dim / 8;
    }
    return 0;
}

std::size_t given_bytes(Dtype dtype, std::size_t dim) {
    return stored_bytes(is_floating(dtype) ? Dtype::f32 : dtype, dim);
}

}  // namespace vicinal
