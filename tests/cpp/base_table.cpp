// Zeroed memory, and rows of one length in it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>

#include <doctest/doctest.h>

#include "base/arena.hpp"
#include "base/checked.hpp"
#include "base/table.hpp"

namespace {

using vicinal::Arena;
using vicinal::Table;

constexpr std::size_t kLargest = std::numeric_limits<std::size_t>::max();

bool all_zero(const std::byte* bytes, std::size_t n) {
    return std::all_of(bytes, bytes + n, [](std::byte byte) { return byte == std::byte{0}; });
}

void write_number(const Table& table, std::size_t row, std::uint64_t number) {
    std::memcpy(table.row(row), &number, sizeof number);
}

std::uint64_t number_in(const Table& table, std::size_t row) {
    std::uint64_t number = 0;
    std::memcpy(&number, table.row(row), sizeof number);
    return number;
}

}  // namespace

TEST_CASE("an arena is zeroed, may be written to its last byte and starts on a line or a huge page") {
    for (const std::size_t bytes :
         {std::size_t{1}, std::size_t{63}, std::size_t{64}, std::size_t{100'000}, Arena::kHugePage - 1,
          Arena::kHugePage, Arena::kHugePage + 1, 3 * Arena::kHugePage}) {
        CAPTURE(bytes);

        const Arena arena(bytes);

        const auto address = reinterpret_cast<std::uintptr_t>(arena.data());
        CHECK(arena.size() == bytes);
        CHECK(address % (bytes < Arena::kHugePage ? Arena::kLine : Arena::kHugePage) == 0);
        CHECK(all_zero(arena.data(), bytes));
        std::memset(arena.data(), 0xff, bytes);
    }
}

TEST_CASE("memory that was used before is zeroed again for the next arena") {
    for (int round = 0; round < 50; ++round) {
        const Arena arena(4'096);
        REQUIRE(all_zero(arena.data(), arena.size()));
        std::memset(arena.data(), 0xff, arena.size());
    }
}

TEST_CASE("an arena of no bytes is no memory") {
    const Arena arena(0);

    CHECK(arena.data() == nullptr);
    CHECK(arena.size() == 0);
}

TEST_CASE("an arena that no machine holds is refused as lack of memory or as an overflow") {
    CHECK_THROWS_AS(Arena(std::size_t{1} << 62), std::bad_alloc);
    CHECK_THROWS_AS(Arena(kLargest - 5), std::overflow_error);
}

TEST_CASE("a table keeps its rows as it grows and the rest is zero") {
    Table table(24);
    table.reserve(1, 0);
    write_number(table, 0, 1'000);
    std::size_t used = 1;

    for (const std::size_t rows : {2U, 3U, 10U, 1'000U, 200'000U}) {
        CAPTURE(rows);
        table.reserve(rows, used);

        REQUIRE(table.capacity() == rows);
        for (std::size_t row = 0; row < used; ++row) REQUIRE(number_in(table, row) == 1'000 + row);
        REQUIRE(all_zero(table.row(used), (rows - used) * table.stride()));
        for (; used < rows; ++used) write_number(table, used, 1'000 + used);
    }
}

TEST_CASE("only the rows in use are carried into the larger table") {
    Table table(8);
    table.reserve(4, 0);
    for (std::size_t row = 0; row < 4; ++row) write_number(table, row, 7);

    table.reserve(8, 2);

    CHECK(number_in(table, 1) == 7);
    CHECK(number_in(table, 2) == 0);
    CHECK(number_in(table, 3) == 0);
}

TEST_CASE("who holds a copy of a table goes on reading the old rows after it has grown") {
    Table table(8);
    table.reserve(2, 0);
    write_number(table, 0, 11);
    write_number(table, 1, 12);
    const Table held = table;

    table.reserve(50, 2);
    write_number(table, 0, 99);

    CHECK(number_in(held, 0) == 11);
    CHECK(number_in(held, 1) == 12);
    CHECK(held.capacity() == 2);
    CHECK(number_in(table, 0) == 99);
    CHECK(number_in(table, 1) == 12);
}

TEST_CASE("copies of a table share their rows until it grows") {
    Table table(8);
    table.reserve(2, 0);
    const Table held = table;

    write_number(table, 1, 5);

    CHECK(number_in(held, 1) == 5);
}

TEST_CASE("a table that has room already stays where it is") {
    Table table(8);
    table.reserve(10, 0);
    const std::byte* const before = table.data();

    table.reserve(10, 0);
    table.reserve(3, 0);

    CHECK(table.data() == before);
    CHECK(table.capacity() == 10);
}

TEST_CASE("a table that cannot grow is as it was") {
    Table table(8);
    table.reserve(2, 0);
    write_number(table, 1, 5);
    const std::byte* const before = table.data();

    CHECK_THROWS_AS(table.reserve(kLargest / 4, 2), std::overflow_error);
    CHECK_THROWS_AS(table.reserve(std::size_t{1} << 58, 2), std::bad_alloc);

    CHECK(table.data() == before);
    CHECK(table.capacity() == 2);
    CHECK(number_in(table, 1) == 5);
}

TEST_CASE("products and sums of sizes are exact or refused") {
    using vicinal::checked_add;
    using vicinal::checked_multiply;
    using vicinal::round_up;

    CHECK(checked_multiply(0, kLargest) == 0);
    CHECK(checked_multiply(kLargest, 1) == kLargest);
    CHECK(checked_multiply(std::size_t{1} << 32, (std::size_t{1} << 32) - 1) ==
          kLargest - ((std::size_t{1} << 32) - 1));
    CHECK_THROWS_AS((void)checked_multiply(std::size_t{1} << 32, std::size_t{1} << 32), std::overflow_error);
    CHECK_THROWS_AS((void)checked_multiply(kLargest, 2), std::overflow_error);

    CHECK(checked_add(kLargest - 1, 1) == kLargest);
    CHECK_THROWS_AS((void)checked_add(kLargest, 1), std::overflow_error);

    CHECK(round_up(0, 64) == 0);
    CHECK(round_up(1, 64) == 64);
    CHECK(round_up(64, 64) == 64);
    CHECK(round_up(65, 64) == 128);
    CHECK_THROWS_AS((void)round_up(kLargest - 5, 64), std::overflow_error);
}
