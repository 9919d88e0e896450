// What a caller may ask for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/team.hpp"
#include "codecs/space.hpp"
#include "index/index.hpp"

namespace vicinal {

// Each throws InvalidArgumentError naming the value and its range.
void check_threads(std::size_t threads);
void check_k(std::size_t k, std::size_t size);
void check_order(std::span<const std::int64_t> order, std::size_t n);  // no order at all will do
void check_group_count(std::span<const std::int64_t> groups, std::size_t n);
void check_id_count(std::span<const std::int64_t> ids, std::size_t n);  // no ids at all will do

// Throws InvalidVectorError when the vector cannot be used: "queries row 3 holds NaN".
void check_vector(const Space& space, const std::byte* given, const char* name, std::size_t row);

// The same for the first row that cannot be used: "vectors row 17 holds NaN". Throws Stopped.
void check_vectors(const Space& space, const std::byte* rows, std::size_t n, const char* name, const Crew& crew);

// The same for rows to be added, which may have been promised to be whole numbers from 0 to 255 besides.
void check_addable(const Space& space, const Options& options, const std::byte* rows, std::size_t n, const Crew& crew);

}  // namespace vicinal
