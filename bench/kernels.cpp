// Nanoseconds per distance of each kernel set by element type and dimension: rows in L2, and rows at random in
// memory far larger than the caches. `--json` prints one array of measurements in place of the tables.
//
// The bar for the floating kernels stands beside them: a loop that loads query and row and only adds them up. Kernels
// compared with each other run interleaved in one process, and each figure is a median over rounds, because the
// machine may be shared: trust ratios within a run before figures across runs.
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernels.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

using vicinal::kernels::Rows;
using vicinal::kernels::ScoreRows;
using vicinal::kernels::Table;

constexpr std::size_t kRowsPerCall = 32;          // level 0 of a graph with M = 16
constexpr std::size_t kCachedBytes = 384 * 1024;  // beyond L1, within the L2 of every processor aimed at
constexpr std::size_t kMemoryBytes = std::size_t{200} << 20;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kDims[] = {32, 128, 384, 768, 784, 1536};

#if defined(__x86_64__)
// Loads query and row and only adds them up, eight running sums: what the memory system alone costs in AVX2.
__attribute__((target("avx2"))) void load_and_sum(const void* query, const Rows& rows, const std::uint32_t* slots,
                                                  std::size_t n, float* out) {
    const float* q = static_cast<const float*>(query);
    for (std::size_t r = 0; r < n; ++r) {
        const float* x = reinterpret_cast<const float*>(rows.base + slots[r] * rows.stride);
        __m256 sum[8];
        for (__m256& part : sum) part = _mm256_setzero_ps();
        std::size_t i = 0;
        for (; i + 32 <= rows.dim; i += 32) {
            for (std::size_t c = 0; c < 4; ++c) {
                sum[c] = _mm256_add_ps(sum[c], _mm256_loadu_ps(q + i + 8 * c));
                sum[4 + c] = _mm256_add_ps(sum[4 + c], _mm256_loadu_ps(x + i + 8 * c));
            }
        }
        for (; i + 8 <= rows.dim; i += 8) {
            sum[0] = _mm256_add_ps(sum[0], _mm256_loadu_ps(q + i));
            sum[4] = _mm256_add_ps(sum[4], _mm256_loadu_ps(x + i));
        }
        for (std::size_t c = 0; c < 4; ++c) sum[c] = _mm256_add_ps(sum[c], sum[4 + c]);
        const __m256 whole = _mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3]));
        const __m128 four = _mm_add_ps(_mm256_castps256_ps128(whole), _mm256_extractf128_ps(whole, 1));
        const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        out[r] = _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
    }
}
#endif

struct Kernel {
    const char* name;
    ScoreRows Table::* function;
    std::size_t bits_per_element;
};
constexpr Kernel kKernels[] = {
    {"l2_f32", &Table::l2_f32, 32},
    {"scaled_l2_f32", &Table::scaled_l2_f32, 32},
    {"dot_f32", &Table::dot_f32, 32},
    {"l2_f16", &Table::l2_f16, 16},
    {"l2_bf16", &Table::l2_bf16, 16},
    {"l2_u8", &Table::l2_u8, 8},
    {"l2_i8", &Table::l2_i8, 8},
    {"dot_u8", &Table::dot_u8, 8},
    {"dot_i8", &Table::dot_i8, 8},
    {"dot_steps", &Table::dot_steps, 8},
    {"dot_nibbles", &Table::dot_nibbles, 4},
    {"hamming_b1", &Table::hamming_b1, 1},
    {"jaccard_b1", &Table::jaccard_b1, 1},
};

struct Contender {
    std::string set;
    ScoreRows function;
    std::vector<double> rounds;
};

enum class Place { kL2, kMemory };

class Memory {
public:
    Memory() {
        void* mapped =
            mmap(nullptr, kMemoryBytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (mapped == MAP_FAILED) return;
        const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(mapped);
        std::byte* start = static_cast<std::byte*>(mapped) + (kHugePage - address % kHugePage) % kHugePage;
        madvise(start, kMemoryBytes, MADV_HUGEPAGE);
        std::memset(start, 0, kMemoryBytes);
        rows_ = start;
    }
    const std::byte* rows() const { return rows_; }

private:
    const std::byte* rows_ = nullptr;
};

double nanoseconds() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double, std::nano>(since).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Runs the contenders in turn on fresh random lists, and leaves nanoseconds per distance in each.
void race(std::vector<Contender>& contenders, const std::byte* base, std::size_t dim, std::size_t bits, Place place,
          std::mt19937_64& random) {
    const std::size_t stride = (dim * bits / 8 + 63) / 64 * 64;
    const std::size_t count = (place == Place::kL2 ? kCachedBytes : kMemoryBytes) / stride;
    const std::size_t scored = place == Place::kL2 ? 2048 : 4096;
    const int repeats = place == Place::kL2 ? 8 : 1;
    const int rounds = place == Place::kL2 ? 31 : 15;

    const std::vector<float> query(2048, 0.0f);
    const std::vector<float> scale(count, 1.0f);
    const Rows rows{base, stride, dim, scale.data()};
    std::vector<std::uint32_t> slots(scored);
    std::vector<float> out(kRowsPerCall);
    for (int round = 0; round < rounds; ++round) {
        for (Contender& contender : contenders) {
            for (std::uint32_t& slot : slots) slot = static_cast<std::uint32_t>(random() % count);
            const double start = nanoseconds();
            for (int repeat = 0; repeat < repeats; ++repeat) {
                for (std::size_t i = 0; i < scored; i += kRowsPerCall) {
                    contender.function(query.data(), rows, slots.data() + i, kRowsPerCall, out.data());
                }
            }
            contender.rounds.push_back((nanoseconds() - start) / static_cast<double>(scored) / repeats);
        }
    }
}

class Report {
public:
    explicit Report(bool json) : json_(json) {}

    void begin(Place place) {
        place_ = place == Place::kL2 ? "L2" : "memory";
        if (!json_) std::printf("\nrows in %s, %zu per call: ns per distance\n", place_, kRowsPerCall);
    }
    void line(const char* kernel, std::size_t dim, const std::vector<Contender>& contenders) {
        if (!json_) std::printf("%-14s %5zu", kernel, dim);
        double reference = 0;
        for (const Contender& contender : contenders) {
            const double value = median(contender.rounds);
            if (contender.set == "load+sum") reference = value;
            if (json_) {
                std::printf("%s{\"kernel\": \"%s\", \"set\": \"%s\", \"dim\": %zu, \"rows_in\": \"%s\", \"ns\": %.2f}",
                            first_ ? "[\n" : ",\n", kernel, contender.set.c_str(), dim, place_, value);
                first_ = false;
                continue;
            }
            std::printf("  %8s %8.1f", contender.set.c_str(), value);
            if (contender.set == "avx2" && reference > 0) std::printf(" (x%.2f)", value / reference);
        }
        if (!json_) std::printf("\n");
    }
    void end() const {
        if (json_) std::printf("\n]\n");
    }

private:
    bool json_;
    bool first_ = true;
    const char* place_ = "";
};

}  // namespace

int main(int argument_count, char** arguments) {
    const bool json = argument_count > 1 && std::string(arguments[1]) == "--json";
    const Memory memory;
    if (memory.rows() == nullptr) {
        std::fprintf(stderr, "cannot map %zu bytes for the rows\n", kMemoryBytes);
        return 1;
    }
    const Table* tables[8] = {};
    const std::size_t sets = vicinal::kernels::runnable(tables, 8);
    std::mt19937_64 random(1);
    Report report(json);

    for (const Place place : {Place::kL2, Place::kMemory}) {
        report.begin(place);
        for (const Kernel& kernel : kKernels) {
            for (const std::size_t dim : kDims) {
                std::vector<Contender> contenders;
#if defined(__x86_64__)
                if (kernel.bits_per_element == 32 && __builtin_cpu_supports("avx2")) {
                    contenders.push_back({"load+sum", load_and_sum, {}});
                }
#endif
                for (std::size_t t = 0; t < sets; ++t) {
                    contenders.push_back({tables[t]->name, tables[t]->*kernel.function, {}});
                }
                race(contenders, memory.rows(), dim, kernel.bits_per_element, place, random);
                report.line(kernel.name, dim, contenders);
            }
        }
    }
    report.end();
    return 0;
}
