// Conversions between float and the two half-precision formats, bit for bit, and the choice of the kernel set.
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/kernels.hpp"

namespace {

using vicinal::kernels::Loops;
using vicinal::kernels::Narrow;
using vicinal::kernels::Table;
using vicinal::kernels::Widen;

constexpr std::uint64_t kSeed = 7;

std::vector<const Table*> runnable_tables() {
    const Table* tables[8] = {};
    return {tables, tables + vicinal::kernels::runnable(tables, 8)};
}

// A half-precision format, described by arithmetic rather than by the bit operations under test.
struct Format {
    const char* name;
    int mantissa_bits;
    int bias;
    std::uint16_t infinity;
    Narrow Loops::* narrow;
    Widen Loops::* widen;

    double value(std::uint16_t bits) const {
        const int magnitude = bits & 0x7fff;
        const int exponent = magnitude >> mantissa_bits;
        const int mantissa = magnitude & ((1 << mantissa_bits) - 1);
        const int leading = exponent == 0 ? 0 : 1 << mantissa_bits;
        const double whole = std::ldexp(leading + mantissa, (exponent == 0 ? 1 : exponent) - bias - mantissa_bits);
        return (bits & 0x8000) != 0 ? -whole : whole;
    }
    bool is_nan(std::uint16_t bits) const { return (bits & 0x7fff) > infinity; }
};
constexpr Format kF16{"f16", 10, 15, 0x7c00, &Loops::f32_to_f16, &Loops::f16_to_f32};
constexpr Format kBf16{"bf16", 7, 127, 0x7f80, &Loops::f32_to_bf16, &Loops::bf16_to_f32};

std::vector<std::uint16_t> every_pattern() {
    std::vector<std::uint16_t> all(65536);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
    return all;
}

// For each pair of neighbors in the format: the lower one, the float below their middle, the middle (a tie) and the
// float above it, with the pattern each must become. Above the largest value stands infinity, at the next power of 2.
void add_neighborhoods(const Format& format, std::vector<float>& inputs, std::vector<std::uint16_t>& expected) {
    for (std::uint16_t low = 0; low < format.infinity; ++low) {
        const std::uint16_t high = static_cast<std::uint16_t>(low + 1);
        const std::uint16_t even = (low & 1) == 0 ? low : high;
        const float start = static_cast<float>(format.value(low));
        const float middle = static_cast<float>(format.value(low) / 2 + format.value(high) / 2);
        const float infinity = std::numeric_limits<float>::infinity();
        const float floats[4] = {start, std::nextafter(middle, 0.0f), middle, std::nextafter(middle, infinity)};
        const std::uint16_t patterns[4] = {low, low, even, high};
        for (int i = 0; i < 4; ++i) {
            inputs.push_back(floats[i]);
            expected.push_back(patterns[i]);
            inputs.push_back(-floats[i]);
            expected.push_back(static_cast<std::uint16_t>(patterns[i] | 0x8000));
        }
    }
}

}  // namespace

TEST_CASE("every half-precision pattern widens to its exact value") {
    const std::vector<std::uint16_t> all = every_pattern();

    for (const Table* table : runnable_tables()) {
        for (const Format& format : {kF16, kBf16}) {
            std::vector<float> widened(all.size());
            (table->loops->*format.widen)(all.data(), widened.data(), all.size());

            std::size_t wrong = 0;
            for (std::size_t i = 0; i < all.size(); ++i) {
                const std::uint16_t magnitude = all[i] & 0x7fff;
                bool right = format.value(all[i]) == static_cast<double>(widened[i]);
                if (magnitude == format.infinity) right = std::isinf(widened[i]);
                if (format.is_nan(all[i])) right = std::isnan(widened[i]);
                const bool sign = std::signbit(widened[i]) == (all[i] >= 0x8000);
                if (!right || !sign) ++wrong;
            }
            CHECK_MESSAGE(wrong == 0, table->name, " ", format.name);
        }
    }
}

TEST_CASE("narrowing rounds to the nearest half-precision value and ties to even") {
    for (const Format& format : {kF16, kBf16}) {
        std::vector<float> inputs;
        std::vector<std::uint16_t> expected;
        add_neighborhoods(format, inputs, expected);
        REQUIRE(inputs.size() > 200'000);

        for (const Table* table : runnable_tables()) {
            std::vector<std::uint16_t> narrowed(inputs.size());
            (table->loops->*format.narrow)(inputs.data(), narrowed.data(), inputs.size());

            std::size_t wrong = 0;
            std::size_t last = 0;
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                if (narrowed[i] == expected[i]) continue;
                ++wrong;
                last = i;
            }
            CHECK_MESSAGE(wrong == 0, table->name, " ", format.name, ": for example ", inputs[last], " became ",
                          narrowed[last], ", expected ", expected[last]);
        }
    }
}

TEST_CASE("narrowing keeps infinities, signs of zero and NaN, and carries too large values to infinity") {
    const float infinity = std::numeric_limits<float>::infinity();
    const float largest = std::numeric_limits<float>::max();
    const float smallest = std::numeric_limits<float>::denorm_min();
    const float nan_with_low_payload = std::bit_cast<float>(0x7f80'0001u);  // truncation would make it infinity
    const float negative_nan = std::bit_cast<float>(0xffff'ffffu);
    const float inputs[] = {
        infinity, -infinity, largest, -largest, smallest, -smallest, 0.0f, -0.0f, nan_with_low_payload, negative_nan};
    constexpr std::size_t kCount = 10;

    for (const Table* table : runnable_tables()) {
        for (const Format& format : {kF16, kBf16}) {
            std::uint16_t narrowed[kCount] = {};
            (table->loops->*format.narrow)(inputs, narrowed, kCount);

            INFO(table->name, " ", format.name);
            for (std::size_t i = 0; i < 4; ++i) {
                CHECK(narrowed[i] == (format.infinity | (i % 2 == 0 ? 0 : 0x8000)));
            }
            for (std::size_t i = 4; i < 8; ++i) CHECK(narrowed[i] == (i % 2 == 0 ? 0 : 0x8000));
            for (std::size_t i = 8; i < 10; ++i) CHECK(format.is_nan(narrowed[i]));
            CHECK(narrowed[9] >= 0x8000);
        }
    }
}

TEST_CASE("all kernel sets convert every input to the same bits") {
    std::mt19937_64 random(kSeed);
    std::vector<float> floats(500'000);
    for (float& value : floats) value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    const std::vector<std::uint16_t> halves = every_pattern();
    const std::vector<const Table*> tables = runnable_tables();
    const Table* scalar = tables.back();

    for (const Table* table : tables) {
        for (const Format& format : {kF16, kBf16}) {
            std::vector<std::uint16_t> narrowed(floats.size());
            std::vector<std::uint16_t> narrowed_by_scalar(floats.size());
            std::vector<float> widened(halves.size());
            std::vector<float> widened_by_scalar(halves.size());
            (table->loops->*format.narrow)(floats.data(), narrowed.data(), floats.size());
            (scalar->loops->*format.narrow)(floats.data(), narrowed_by_scalar.data(), floats.size());
            (table->loops->*format.widen)(halves.data(), widened.data(), halves.size());
            (scalar->loops->*format.widen)(halves.data(), widened_by_scalar.data(), halves.size());

            std::size_t wrong = narrowed == narrowed_by_scalar ? 0 : 1;
            for (std::size_t i = 0; i < halves.size(); ++i) {
                const auto bits = std::bit_cast<std::uint32_t>(widened[i]);
                if (bits != std::bit_cast<std::uint32_t>(widened_by_scalar[i])) ++wrong;
            }
            CHECK_MESSAGE(wrong == 0, table->name, " ", format.name, " seed ", kSeed);
        }
    }
}

TEST_CASE("conversions write exactly as many elements as they are asked for") {
    std::vector<float> floats(100);
    for (std::size_t i = 0; i < floats.size(); ++i) floats[i] = 1.0f + static_cast<float>(i);

    for (const Table* table : runnable_tables()) {
        for (const Format& format : {kF16, kBf16}) {
            for (std::size_t n = 0; n <= 67; ++n) {
                for (std::size_t offset = 0; offset < 3; ++offset) {
                    std::vector<std::uint16_t> halves(100, 0xabcd);
                    std::vector<float> back(100, -5.0f);
                    (table->loops->*format.narrow)(floats.data() + offset, halves.data() + offset, n);
                    (table->loops->*format.widen)(halves.data() + offset, back.data() + offset, n);

                    std::size_t wrong = 0;
                    for (std::size_t i = 0; i < 100; ++i) {
                        const bool inside = i >= offset && i < offset + n;
                        if (back[i] != (inside ? floats[i] : -5.0f)) ++wrong;
                        if ((halves[i] == 0xabcd) == inside) ++wrong;
                    }
                    CHECK_MESSAGE(wrong == 0, table->name, " ", format.name, " n ", n, " offset ", offset);
                }
            }
        }
    }
}

// Run by the next test in a process of its own: the choice is made once per process.
TEST_CASE("VICINAL_KERNELS decides which kernel table is active") {
    const char* wanted = std::getenv("VICINAL_KERNELS");
    if (wanted == nullptr || *wanted == '\0') {
        CHECK(std::string(vicinal::kernels::active().name) == runnable_tables().front()->name);
        return;
    }
    for (const Table* table : runnable_tables()) {
        if (std::string(table->name) != wanted) continue;
        CHECK(&vicinal::kernels::active() == table);
        return;
    }
    CHECK_THROWS_AS(vicinal::kernels::active(), std::runtime_error);
}

TEST_CASE("each kernel set can be asked for by name, and an unknown name is refused") {
    std::vector<std::string> names = {"", "abacus"};
    for (const char* const* name = vicinal::kernels::compiled(); *name != nullptr; ++name) names.emplace_back(*name);

    for (const std::string& name : names) {
        std::fflush(stdout);
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            setenv("VICINAL_KERNELS", name.c_str(), 1);
            execl("/proc/self/exe", "kernels", "--test-case=VICINAL_KERNELS decides*", "--minimal=true",
                  static_cast<char*>(nullptr));
            _exit(126);
        }
        int status = 0;
        REQUIRE(waitpid(child, &status, 0) == child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 126) {
            std::printf("SKIPPED choice of kernels by name: this process cannot start itself again\n");
            return;
        }
        CHECK_MESSAGE((WIFEXITED(status) && WEXITSTATUS(status) == 0), "VICINAL_KERNELS=", name);
    }
}
