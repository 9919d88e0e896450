// Dot products of few-bit codes on every instruction set, against sums of their elements taken one by one. Rows end
// where their memory ends, so that the address sanitizer sees a read past them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/kernels.hpp"

namespace {

using namespace vicinal::kernels;

std::vector<const Table*> runnable_tables() {
    const Table* tables[8] = {};
    return {tables, tables + runnable(tables, 8)};
}

constexpr std::pair<unsigned, DotPacked PackedDots::*> kKinds[] = {
    {1, &PackedDots::one}, {2, &PackedDots::two}, {4, &PackedDots::four}, {8, &PackedDots::eight}};

std::uint32_t dot(const std::uint8_t* q, const std::uint8_t* x, std::size_t bytes, unsigned bits) {
    const unsigned most = (1U << bits) - 1;
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes; ++i)
        for (unsigned shift = 0; shift < 8; shift += bits) {
            const unsigned a = q[i], b = x[i];
            sum += ((a >> shift) & most) * ((b >> shift) & most);
        }
    return sum;
}

void compare(const Table& table, const std::vector<std::uint8_t>& query, const std::vector<std::uint8_t>& rows,
             std::size_t stride) {
    const std::size_t bytes = query.size();
    const std::size_t n = bytes > rows.size() ? 0 : (rows.size() - bytes) / stride + 1;
    for (const auto& [bits, kind] : kKinds) {
        std::vector<std::uint32_t> found(n + 1, 77);
        (table.packed->*kind)(query.data(), {rows.data(), stride, bytes}, n, found.data());
        bool right = found[n] == 77;
        for (std::size_t r = 0; r < n; ++r)
            right = right && found[r] == dot(query.data(), rows.data() + r * stride, bytes, bits);
        CHECK_MESSAGE(right, table.name, ", bits ", bits, ", bytes ", bytes, ", rows ", n, ", stride ", stride);
    }
}

}  // namespace

TEST_CASE("dot products of codes are those of their elements, at every length and number of rows") {
    std::mt19937 random(5);
    const auto drawn = [&](std::size_t n) {
        std::vector<std::uint8_t> bytes(n);
        for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
        return bytes;
    };
    std::vector<std::size_t> lengths{192, 384, 1000};
    for (std::size_t length = 1; length <= 140; ++length) lengths.push_back(length);
    for (const Table* table : runnable_tables())
        for (const std::size_t bytes : lengths)
            for (const std::size_t rows : {0U, 1U, 3U, 4U, 9U}) {
                const std::size_t stride = bytes + rows;
                compare(*table, drawn(bytes), drawn(rows == 0 ? 0 : (rows - 1) * stride + bytes), stride);
            }
}

TEST_CASE("dot products of codes stay exact where every element is the largest, up to 65 536 of them") {
    for (const Table* table : runnable_tables())
        for (const std::size_t bytes : {65'536U, 33'027U, 8'192U})
            compare(*table, std::vector<std::uint8_t>(bytes, 255), std::vector<std::uint8_t>(bytes * 5, 255), bytes);
}
