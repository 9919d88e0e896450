// Searches of a fixed index, for counting their instructions: bench/instructions.py runs this under callgrind.
//
//     bench_instructions compiler             the compiler's name and version
//     bench_instructions cases                the names of the cases, one a line
//     bench_instructions build CASE FILE      builds the index of a case and saves it
//     bench_instructions search CASE FILE     loads it and answers the queries of a case
//
// Data come from integers by exact arithmetic, levels are drawn without libm, and the kernels are chosen by
// VICINAL_KERNELS: so a count changes with the code, the compiler and the C library's copying, and with nothing else.
// Building and searching are apart because a build takes some fifty times as long under callgrind.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <span>
#include <vector>

#include "base/random.hpp"
#include "base/watch.hpp"
#include "index/index.hpp"

namespace {

using namespace vicinal;

constexpr std::size_t kDim = 96;
constexpr std::size_t kRows = 6'000;
constexpr std::size_t kQueries = 200;
constexpr std::size_t kClusters = 300;
constexpr std::size_t kK = 10;
constexpr std::size_t kEf = 64;

enum class Numbers { whole, fractions };  // what "auto" and rounding to 8 bits tell apart

struct Case {
    const char* name;
    Metric metric;
    Dtype dtype;
    Traversal traversal;
    Numbers numbers;
};
constexpr Case kCases[] = {
    {"exact-l2", Metric::l2, Dtype::f32, Traversal::exact, Numbers::fractions},
    {"auto-l2", Metric::l2, Dtype::f32, Traversal::automatic, Numbers::fractions},
    {"auto-cosine", Metric::cosine, Dtype::f32, Traversal::automatic, Numbers::fractions},
    {"auto-whole-l2", Metric::l2, Dtype::f32, Traversal::automatic, Numbers::whole},
    {"sq4-l2", Metric::l2, Dtype::f32, Traversal::sq4, Numbers::fractions},
    {"exact-f16-ip", Metric::ip, Dtype::f16, Traversal::exact, Numbers::fractions},
};

// A center's number and some noise: between 0 and 255, in steps of 1 or of 1/8. `kind` keeps rows and queries apart.
std::vector<float> drawn(std::size_t rows, std::uint64_t kind, Numbers numbers) {
    std::vector<float> vectors(rows * kDim);
    for (std::size_t row = 0; row < rows; ++row) {
        const std::uint64_t cluster = draw(kind, row) % kClusters;
        for (std::size_t column = 0; column < kDim; ++column) {
            const auto center = static_cast<std::int32_t>(draw(1, cluster * kDim + column) % (192 * 8));
            const auto noise = static_cast<std::int32_t>(draw(kind + 1, row * kDim + column) % (63 * 8));
            const std::int32_t eighths = center + noise;
            vectors[row * kDim + column] =
                numbers == Numbers::whole ? static_cast<float>(eighths / 8) : static_cast<float>(eighths) / 8;
        }
    }
    return vectors;
}

const std::byte* bytes_of(const std::vector<float>& vectors) {
    return reinterpret_cast<const std::byte*>(vectors.data());
}

void build(const Case& asked, const char* file) {
    Options options;
    options.dim = kDim;
    options.metric = asked.metric;
    options.dtype = asked.dtype;
    options.traversal = asked.traversal;
    options.ef_construction = 100;
    Index index(options);
    Watch nobody;
    index.add(bytes_of(drawn(kRows, 10, asked.numbers)), kRows, {}, 2, nobody);
    index.save(file);
}

}  // namespace

// The only stretch that is counted: callgrind finds it by its name.
extern "C" __attribute__((noinline)) void counted_searches(const vicinal::Index& index, const std::byte* queries,
                                                           std::size_t count, vicinal::Work& total) {
    const SearchOptions options{.k = kK, .ef = kEf};
    std::int64_t ids[kK], found = 0;
    float distances[kK];
    Work work;
    Watch nobody;
    for (std::size_t query = 0; query < count; ++query) {
        const Found answer{ids, distances, {&found, 1}, {&work, 1}};
        index.search(queries + query * kDim * sizeof(float), 1, options, answer, nobody);
        total.distances += work.distances;
        total.hops += work.hops;
    }
}

namespace {

void search(const Case& asked, const char* file) {
    Watch nobody;
    const auto index = Index::load(file, nobody);
    const std::vector<float> queries = drawn(kQueries, 20, asked.numbers);
    // What a thread's first search sets up is not counted: the same path, by another name.
    std::int64_t ids[kK], found = 0;
    float distances[kK];
    index->search(bytes_of(queries), 1, {.k = kK, .ef = kEf}, {ids, distances, {&found, 1}, {}}, nobody);

    Work total;
    counted_searches(*index, bytes_of(queries), kQueries, total);
    std::printf("kernels %s, %zu queries, distances %lld, hops %lld\n", kernels_in_use().c_str(), kQueries,
                static_cast<long long>(total.distances), static_cast<long long>(total.hops));
}

void print_compiler() {
#if defined(__clang__)
    std::printf("clang %d.%d.%d\n", __clang_major__, __clang_minor__, __clang_patchlevel__);
#else
    std::printf("gcc %d.%d.%d\n", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

int run(std::span<const char* const> words) {
    if (words.size() == 1 && std::strcmp(words[0], "compiler") == 0) {
        print_compiler();
        return 0;
    }
    if (words.size() == 1 && std::strcmp(words[0], "cases") == 0) {
        for (const Case& known : kCases) std::printf("%s\n", known.name);
        return 0;
    }
    for (const Case& known : kCases) {
        if (words.size() != 3 || std::strcmp(words[1], known.name) != 0) continue;
        if (std::strcmp(words[0], "build") == 0) return build(known, words[2]), 0;
        if (std::strcmp(words[0], "search") == 0) return search(known, words[2]), 0;
    }
    std::fprintf(stderr, "expected: compiler | cases | build CASE FILE | search CASE FILE\n");
    return 2;
}

}  // namespace

int main(int count, char** words) {
    try {
        return run({words + 1, static_cast<std::size_t>(count - 1)});
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
