// Every scoring kernel of every instruction set this processor runs, against sums in double precision or in 64-bit
// integers. Rows and query end (or begin) at a page that must not be touched, so that reading past them crashes.
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "kernels/kernels.hpp"

namespace {

using vicinal::kernels::Rows;
using vicinal::kernels::ScoreRows;
using vicinal::kernels::Table;

constexpr std::uint64_t kSeed = 20240611;
constexpr std::size_t kRowCount = 7;

std::vector<const Table*> runnable_tables() {
    const Table* tables[8] = {};
    const std::size_t count = vicinal::kernels::runnable(tables, 8);
    REQUIRE(count <= 8);
    return {tables, tables + count};
}

std::vector<std::size_t> dimensions() {
    std::vector<std::size_t> dims;
    for (std::size_t dim = 1; dim <= 130; ++dim) dims.push_back(dim);
    dims.insert(dims.end(), {255, 256, 257, 384, 512, 768, 784, 960, 1023, 1024, 1025, 1536, 4096});
    return dims;
}

// Memory between two pages that may not be touched.
class GuardedBytes {
public:
    explicit GuardedBytes(std::size_t room) {
        page_ = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
        room_ = (room + page_ - 1) / page_ * page_;
        void* mapped = mmap(nullptr, room_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(mapped != MAP_FAILED);
        start_ = static_cast<std::byte*>(mapped) + page_;
        REQUIRE(mprotect(start_, room_, PROT_READ | PROT_WRITE) == 0);
    }
    GuardedBytes(const GuardedBytes&) = delete;
    GuardedBytes& operator=(const GuardedBytes&) = delete;
    ~GuardedBytes() { munmap(start_ - page_, room_ + 2 * page_); }

    std::byte* from_start(std::size_t offset) { return start_ + offset; }
    std::byte* up_to_end(std::size_t bytes) { return start_ + room_ - bytes; }

private:
    std::size_t page_ = 0;
    std::size_t room_ = 0;
    std::byte* start_ = nullptr;
};

// Where rows and query lie: against the end of their memory, or `offset` bytes after its start (0 is 64-byte
// aligned), with `gap` bytes between rows.
struct Placement {
    bool at_end;
    std::size_t offset;
    std::size_t gap;
};
constexpr Placement kPlacements[] = {{true, 0, 0}, {true, 0, 3}, {false, 0, 0}, {false, 1, 5}, {false, 36, 28}};

double value_of_f16(std::uint16_t half) {
    const int exponent = (half >> 10) & 31;
    const int mantissa = half & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

double value_of_bf16(std::uint16_t half) {
    return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16));
}

template <class Stored>
Stored stored_at(const std::byte* row, std::size_t i) {
    Stored stored;
    std::memcpy(&stored, row + i * sizeof(Stored), sizeof(Stored));
    return stored;
}

enum class Type { kF32, kF16, kBf16, kU8, kI8, kSteps, kNibbles, kCrumbs, kB1 };  // kSteps: kI8 without -128
enum class Measure { kL2, kScaledL2, kDot, kHamming, kJaccard };

struct Kernel {
    const char* name;
    ScoreRows Table::* function;
    Type type;
    Measure measure;
};
constexpr Kernel kKernels[] = {
    {"l2_f32", &Table::l2_f32, Type::kF32, Measure::kL2},
    {"l2_f16", &Table::l2_f16, Type::kF16, Measure::kL2},
    {"l2_bf16", &Table::l2_bf16, Type::kBf16, Measure::kL2},
    {"scaled_l2_f32", &Table::scaled_l2_f32, Type::kF32, Measure::kScaledL2},
    {"scaled_l2_f16", &Table::scaled_l2_f16, Type::kF16, Measure::kScaledL2},
    {"scaled_l2_bf16", &Table::scaled_l2_bf16, Type::kBf16, Measure::kScaledL2},
    {"dot_f32", &Table::dot_f32, Type::kF32, Measure::kDot},
    {"dot_f16", &Table::dot_f16, Type::kF16, Measure::kDot},
    {"dot_bf16", &Table::dot_bf16, Type::kBf16, Measure::kDot},
    {"l2_u8", &Table::l2_u8, Type::kU8, Measure::kL2},
    {"l2_i8", &Table::l2_i8, Type::kI8, Measure::kL2},
    {"dot_u8", &Table::dot_u8, Type::kU8, Measure::kDot},
    {"dot_i8", &Table::dot_i8, Type::kI8, Measure::kDot},
    {"dot_steps", &Table::dot_steps, Type::kSteps, Measure::kDot},
    {"dot_nibbles", &Table::dot_nibbles, Type::kNibbles, Measure::kDot},
    {"dot_crumbs", &Table::dot_crumbs, Type::kCrumbs, Measure::kDot},
    {"hamming_b1", &Table::hamming_b1, Type::kB1, Measure::kHamming},
    {"jaccard_b1", &Table::jaccard_b1, Type::kB1, Measure::kJaccard},
};

bool is_floating(Type type) { return type == Type::kF32 || type == Type::kF16 || type == Type::kBf16; }

Type query_type_of(Type type) {
    if (type == Type::kNibbles || type == Type::kCrumbs) return Type::kI8;
    return is_floating(type) ? Type::kF32 : type;
}

std::size_t element_bytes(Type type) {
    if (type == Type::kF32) return 4;
    return type == Type::kF16 || type == Type::kBf16 ? 2 : 1;
}

double element(Type type, const std::byte* row, std::size_t i) {
    switch (type) {
        case Type::kF32: return static_cast<double>(stored_at<float>(row, i));
        case Type::kF16: return value_of_f16(stored_at<std::uint16_t>(row, i));
        case Type::kBf16: return value_of_bf16(stored_at<std::uint16_t>(row, i));
        case Type::kI8:
        case Type::kSteps: return stored_at<std::int8_t>(row, i);
        case Type::kNibbles: {
            const int both = stored_at<std::uint8_t>(row, i / 64 * 32 + i % 32);
            return (i % 64 < 32 ? both & 15 : both >> 4) - 8;
        }
        case Type::kCrumbs: {
            const int four = stored_at<std::uint8_t>(row, i / 64 * 16 + i % 16);
            return 2 * (four >> (i % 64 / 16 * 2) & 3) - 3;
        }
        default: return stored_at<std::uint8_t>(row, i);
    }
}

// The true score and the sum of its terms' magnitudes. Integers up to 2^53 are exact in double.
struct Truth {
    double score = 0;
    double magnitude = 0;
};

Truth truth_of(const Kernel& kernel, const std::byte* query, const std::byte* row, float scale, std::size_t count) {
    const Type query_type = query_type_of(kernel.type);
    Truth truth;
    double differing = 0;
    double either = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double q = element(query_type, query, i);
        const double x = element(kernel.type, row, i);
        if (kernel.type == Type::kB1) {
            const unsigned a = static_cast<unsigned>(q);
            const unsigned b = static_cast<unsigned>(x);
            differing += std::popcount(a ^ b);
            either += std::popcount(a | b);
            continue;
        }
        double term = q * x;
        if (kernel.measure == Measure::kL2) term = (q - x) * (q - x);
        if (kernel.measure == Measure::kScaledL2) term = std::pow(q - static_cast<double>(scale) * x, 2);
        truth.score += term;
        truth.magnitude += std::abs(term);
    }
    if (kernel.measure == Measure::kHamming) truth.score = differing;
    if (kernel.measure == Measure::kJaccard) truth.score = either == 0 ? 0 : differing / either;
    return truth;
}

// Sixteen running sums or more per row, each of count / 16 roundings, and a few for the term and the last additions.
double allowed_error(const Kernel& kernel, const Truth& truth, std::size_t count) {
    if (!is_floating(kernel.type)) return 0;
    return (static_cast<double>(count) / 16 + 12) * 0x1p-24 * truth.magnitude;
}

void fill(Type type, std::byte* to, std::size_t count, std::mt19937_64& random) {
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t draw = random();
        const float real = static_cast<float>(draw >> 40) * 0x1p-23f - 1.0f;
        if (type == Type::kF32) {
            std::memcpy(to + i * 4, &real, 4);
        } else if (type == Type::kF16) {  // signs, mantissas and every exponent below 2
            const std::uint16_t half = static_cast<std::uint16_t>((draw & 0x83ffu) | ((draw >> 16) % 16) << 10);
            std::memcpy(to + i * 2, &half, 2);
        } else if (type == Type::kBf16) {
            const std::uint16_t half = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(real) >> 16);
            std::memcpy(to + i * 2, &half, 2);
        } else if (type == Type::kSteps) {
            to[i] = static_cast<std::byte>(static_cast<int>(draw % 255) - 127);
        } else {
            to[i] = static_cast<std::byte>(draw & 0xffu);
        }
    }
}

// Rows and a query of one kind at one placement, and what must come out.
struct Scene {
    const Kernel& kernel;
    std::size_t count;  // elements, or bytes of packed bits
    const std::byte* query;
    Rows rows;
    std::vector<float> scale;
    std::vector<Truth> truth;
};

class Stage {
public:
    Stage(std::size_t largest_row, std::size_t largest_query)
        : row_memory_(kRowCount * (largest_row + 64) + 64), query_memory_(largest_query + 64) {}

    template <class Fill>
    Scene set(const Kernel& kernel, std::size_t asked, const Placement& placement, Fill fill_with) {
        const Type query_type = query_type_of(kernel.type);
        const std::size_t packed = kernel.type == Type::kNibbles ? 2 : kernel.type == Type::kCrumbs ? 4 : 1;
        const std::size_t count = packed != 1 ? (asked + 63) / 64 * 64 : asked;
        const std::size_t row_count = count / packed;
        const std::size_t row_bytes = row_count * element_bytes(kernel.type);
        const std::size_t query_bytes = count * element_bytes(query_type);
        const std::size_t stride = row_bytes + placement.gap;
        const std::size_t all_bytes = (kRowCount - 1) * stride + row_bytes;
        std::byte* base =
            placement.at_end ? row_memory_.up_to_end(all_bytes) : row_memory_.from_start(placement.offset);
        std::byte* query =
            placement.at_end ? query_memory_.up_to_end(query_bytes) : query_memory_.from_start(placement.offset);

        Scene scene{kernel, count, query, {}, {}, {}};
        fill_with(query_type, query, count, kRowCount);
        for (std::size_t r = 0; r < kRowCount; ++r) {
            fill_with(kernel.type, base + r * stride, row_count, r);
            scene.scale.push_back(0.25f + 0.3f * static_cast<float>(r));
            scene.truth.push_back(truth_of(kernel, query, base + r * stride, scene.scale[r], count));
        }
        scene.rows = {base, stride, kernel.type == Type::kB1 ? count * 8 : count, nullptr};
        return scene;
    }

private:
    GuardedBytes row_memory_;
    GuardedBytes query_memory_;
};

// Scores `slots` on one table and compares each with the truth, and each with the same row elsewhere in the list.
// One doctest assertion a call, which names the first failure: a million of them would dominate the test's time.
std::size_t compare(const Table& table, Scene& scene, const std::vector<std::uint32_t>& slots) {
    scene.rows.scale = scene.scale.data();
    std::vector<float> out(slots.size() + 1, -7.0f);
    (table.*scene.kernel.function)(scene.query, scene.rows, slots.data(), slots.size(), out.data());

    std::string failure;
    std::vector<float> first(kRowCount, std::numeric_limits<float>::quiet_NaN());
    for (std::size_t i = 0; i < slots.size() && failure.empty(); ++i) {
        const Truth& truth = scene.truth[slots[i]];
        const bool exact = !is_floating(scene.kernel.type);
        const double error = std::abs(static_cast<double>(out[i]) - truth.score);
        const bool right = exact ? out[i] == static_cast<float>(truth.score)
                                 : error <= allowed_error(scene.kernel, truth, scene.count);
        if (std::isnan(first[slots[i]])) first[slots[i]] = out[i];
        const bool same = out[i] == first[slots[i]];
        if (!right || !same) {
            failure = "entry " + std::to_string(i) + " of " + std::to_string(slots.size()) + " is " +
                      std::to_string(out[i]) + ", expected " + std::to_string(truth.score);
            if (!same) failure += ", and the same row scored " + std::to_string(first[slots[i]]) + " earlier";
        }
    }
    if (out.back() != -7.0f) failure += " wrote past the last score";
    CHECK_MESSAGE(failure.empty(), table.name, " ", scene.kernel.name, " dim ", scene.rows.dim, " stride ",
                  scene.rows.stride, " seed ", kSeed, ": ", failure);
    return slots.size();
}

// Long enough that the kernel works on rows it prefetched in passing, and no multiple of a group.
std::vector<std::uint32_t> long_list(std::mt19937_64& random) {
    std::vector<std::uint32_t> slots(199);
    for (std::uint32_t& slot : slots) slot = static_cast<std::uint32_t>(random() % kRowCount);
    return slots;
}

}  // namespace

TEST_CASE("every kernel set this build contains is tested here or reported as skipped") {
    const std::vector<const Table*> tables = runnable_tables();

    REQUIRE(!tables.empty());
    CHECK(std::string(tables.back()->name) == "scalar");
    for (const char* const* name = vicinal::kernels::compiled(); *name != nullptr; ++name) {
        bool found = false;
        for (const Table* table : tables) found = found || std::string(table->name) == *name;
        if (!found) std::printf("SKIPPED kernels %s: in this build, but this processor cannot run it\n", *name);
        if (found) std::printf("kernels %s: tested\n", *name);
    }
}

TEST_CASE("every scoring kernel agrees with double precision at every dimension and alignment") {
    std::mt19937_64 random(kSeed);
    Stage stage(4096 * 4, 4096 * 4);
    const std::vector<std::uint32_t> slots = long_list(random);
    std::size_t comparisons = 0;

    for (const Kernel& kernel : kKernels) {
        for (const std::size_t count : dimensions()) {
            for (const Placement& placement : kPlacements) {
                Scene scene = stage.set(kernel, count, placement, [&](Type type, std::byte* to, std::size_t n, auto) {
                    fill(type, to, n, random);
                });
                for (const Table* table : runnable_tables()) comparisons += compare(*table, scene, slots);
            }
        }
    }

    CHECK(comparisons >= 1'000'000);
    std::printf("kernels: %zu scores compared\n", comparisons);
}

TEST_CASE("a list of any length is scored, and the empty list writes nothing") {
    std::mt19937_64 random(kSeed);
    Stage stage(128 * 4, 128 * 4);

    for (const Kernel& kernel : kKernels) {
        Scene scene = stage.set(kernel, 100, kPlacements[0],
                                [&](Type type, std::byte* to, std::size_t n, auto) { fill(type, to, n, random); });
        for (std::size_t length = 0; length <= 70; ++length) {
            std::vector<std::uint32_t> slots = long_list(random);
            slots.resize(length);
            for (const Table* table : runnable_tables()) compare(*table, scene, slots);
        }
    }
}

TEST_CASE("integer kernels stay exact at the extremes of their types and at 65 536 dimensions") {
    std::mt19937_64 random(kSeed);
    Stage stage(65536, 65536);
    std::vector<std::size_t> counts = dimensions();
    counts.insert(counts.end(), {33'025, 65'535, 65'536});  // 33 025 * 65 025 is the first sum above 2^31
    const std::vector<std::uint32_t> slots = {0, 1, 2, 3, 4, 5, 6};

    // Row r repeats one extreme byte or alternates two of them; the query does the same with another choice.
    const std::uint8_t pairs[kRowCount][2] = {{0, 0},     {255, 255}, {128, 128}, {127, 127},
                                              {128, 127}, {0, 255},   {1, 254}};
    for (std::size_t choice = 0; choice < kRowCount; ++choice) {
        for (const Kernel& kernel : kKernels) {
            if (is_floating(kernel.type)) continue;
            for (const std::size_t count : counts) {
                Scene scene = stage.set(
                    kernel, count, kPlacements[0], [&](Type type, std::byte* to, std::size_t n, std::size_t r) {
                        const std::uint8_t* pair = pairs[r == kRowCount ? choice : r];
                        const std::uint8_t lowest = type == Type::kSteps ? 129 : 128;
                        for (std::size_t i = 0; i < n; ++i)
                            to[i] = static_cast<std::byte>(pair[i % 2] == 128 ? lowest : pair[i % 2]);
                    });
                for (const Table* table : runnable_tables()) compare(*table, scene, slots);
            }
        }
    }
}

TEST_CASE("half-precision rows are right at zero, the smallest subnormal, the largest subnormal and the maximum") {
    Stage stage(4096 * 2, 4096 * 4);
    const std::vector<std::uint32_t> slots = {0, 1, 2, 3, 4, 5, 6};
    const std::uint16_t f16[kRowCount] = {0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x7bff, 0xfbff};
    // The squares of bf16's own extremes leave float; these are the largest and smallest whose squares do not.
    const std::uint16_t bf16[kRowCount] = {0x0000, 0x8000, 0x2000, 0xa080, 0x3f80, 0x5a00, 0xda00};

    for (const Kernel& kernel : kKernels) {
        if (kernel.type != Type::kF16 && kernel.type != Type::kBf16) continue;
        for (const float value : {0.0f, 1.0f, -3.0f}) {
            for (const std::size_t count : dimensions()) {
                const auto repeat = [&](Type type, std::byte* to, std::size_t n, std::size_t r) {
                    for (std::size_t i = 0; i < n; ++i) {
                        if (type == Type::kF32) std::memcpy(to + i * 4, &value, 4);
                        if (type == Type::kF16) std::memcpy(to + i * 2, &f16[r], 2);
                        if (type == Type::kBf16) std::memcpy(to + i * 2, &bf16[r], 2);
                    }
                };
                Scene scene = stage.set(kernel, count, kPlacements[0], repeat);
                for (const Table* table : runnable_tables()) compare(*table, scene, slots);
            }
        }
    }
}

TEST_CASE("a NaN or an overflow in any element reaches the score") {
    const float largest = std::numeric_limits<float>::max();

    for (const Table* table : runnable_tables()) {
        for (std::size_t dim = 1; dim <= 70; ++dim) {
            for (std::size_t at = 0; at < dim; ++at) {
                std::vector<float> query(dim, 0.5f);
                std::vector<float> row(dim, 0.25f);
                const Rows rows{reinterpret_cast<const std::byte*>(row.data()), dim * 4, dim, nullptr};
                const std::uint32_t slot = 0;
                float score = 0;

                row[at] = std::numeric_limits<float>::quiet_NaN();
                table->l2_f32(query.data(), rows, &slot, 1, &score);
                const bool nan_seen = std::isnan(score);
                row[at] = -largest;
                table->l2_f32(query.data(), rows, &slot, 1, &score);

                CHECK_MESSAGE((nan_seen && std::isinf(score)), table->name, " dim ", dim, " element ", at);
            }
        }
    }
}
