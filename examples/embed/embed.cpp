// An index without Python: build it, save it, load it, search it. CMakeLists.txt beside this says how to compile it.
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <random>
#include <span>
#include <string>
#include <vector>
#include <vicinal/base/errors.hpp>
#include <vicinal/base/watch.hpp>
#include <vicinal/index/index.hpp>

namespace {

constexpr std::size_t kDim = 32;
constexpr std::size_t kVectors = 2'000;
constexpr std::size_t kNeighbors = 5;

std::vector<float> random_vectors() {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::vector<float> rows(kVectors * kDim);
    for (float& value : rows) value = normal(random);
    return rows;
}

// Vectors go in as rows of bytes without gaps; what the bytes are is said by Options::dtype.
const std::byte* bytes_of(const std::vector<float>& rows) { return std::as_bytes(std::span(rows)).data(); }

void build(const std::vector<float>& rows, const std::string& path) {
    vicinal::Options options;
    options.dim = kDim;
    options.metric = vicinal::Metric::l2;
    vicinal::Index index(options);

    // A long call tells its watch how far it is, and stops when the watch says so.
    vicinal::Watch watch([](std::size_t done, std::size_t total) {
        std::cerr << done << " of " << total << '\n';
        return true;
    });
    index.add({.rows = bytes_of(rows), .n = kVectors}, 2, watch);
    index.save(path);
}

void search(const std::vector<float>& rows, const std::string& path) {
    vicinal::Watch nobody;
    const auto index = vicinal::Index::load(path, nobody);
    std::array<std::int64_t, kNeighbors> ids{};
    std::array<float, kNeighbors> distances{};
    std::array<std::int64_t, 1> counts{};

    index->search(bytes_of(rows), 1, {.k = kNeighbors}, {ids, distances, counts, {}}, nobody);

    std::cout << index->size() << " vectors; the nearest to the first:";
    for (std::size_t i = 0; i < kNeighbors; ++i) std::cout << ' ' << ids[i] << " (" << distances[i] << ')';
    std::cout << '\n';
}

}  // namespace

int main(int count, char** words) {
    if (count != 2) {
        std::cerr << "usage: embed FILE\n";
        return 2;
    }
    try {
        const std::vector<float> rows = random_vectors();
        build(rows, words[1]);
        search(rows, words[1]);
    } catch (const vicinal::VicinalError& error) {  // a message says what, where, found and expected
        std::cerr << "embed: " << error.what() << '\n';
        return 1;
    } catch (const std::exception& error) {  // no memory
        std::cerr << "embed: " << error.what() << '\n';
        return 1;
    }
    return 0;
}
