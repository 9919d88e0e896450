// What a vector is made of, and what "near" means.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace vicinal {

// The numbers are part of the file format.
enum class Metric : std::uint8_t { l2 = 0, ip = 1, cosine = 2, hamming = 3, jaccard = 4 };
enum class Dtype : std::uint8_t { f32 = 0, f16 = 1, bf16 = 2, i8 = 3, u8 = 4, b1 = 5 };

std::string_view name_of(Metric metric);
std::string_view name_of(Dtype dtype);
std::optional<Metric> metric_named(std::string_view name);
std::optional<Dtype> dtype_named(std::string_view name);

constexpr bool is_floating(Dtype dtype) { return dtype <= Dtype::bf16; }

// l2, ip and cosine go with every type but bits; hamming and jaccard with bits alone.
constexpr bool go_together(Metric metric, Dtype dtype) { return (metric <= Metric::cosine) == (dtype != Dtype::b1); }

// Bytes of one vector as it is stored, and as a caller hands it in (floating types come as float32).
std::size_t stored_bytes(Dtype dtype, std::size_t dim);
std::size_t given_bytes(Dtype dtype, std::size_t dim);

}  // namespace vicinal
