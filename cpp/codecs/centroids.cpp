#include "codecs/centroids.hpp"

#include <array>
#include <vector>

namespace vicinal {
namespace {

constexpr std::size_t kMostCentroids = 256;

// Centroids of each book side by side, the same element of all of them in a run: the sums of all grow together, which
// compilers vectorize without changing the order of any sum.
std::vector<float> side_by_side(const Centroids& books) {
    std::vector<float> laid(books.places * books.count * books.width);
    for (std::size_t p = 0; p < books.places; ++p)
        for (std::size_t c = 0; c < books.count; ++c)
            for (std::size_t i = 0; i < books.width; ++i)
                laid[(p * books.width + i) * books.count + c] = books.values[(p * books.count + c) * books.width + i];
    return laid;
}

}  // namespace

bool nearest_centroids(const Centroids& books, const float* rows, std::size_t n, std::uint8_t* codes, float* lost,
                       const Crew& crew) {
    const std::vector<float> laid = side_by_side(books);
    constexpr std::size_t kRowsAtOnce = 64;
    return crew.aside(n, kRowsAtOnce, [&](std::size_t, std::size_t first, std::size_t last) {
        std::array<float, kMostCentroids> far;
        for (std::size_t r = first; r < last; ++r) {
            float sum = 0;
            for (std::size_t p = 0; p < books.places; ++p) {
                const float* piece = rows + (r * books.places + p) * books.width;
                const float* book = laid.data() + p * books.width * books.count;
                far.fill(0);
                for (std::size_t i = 0; i < books.width; ++i)
                    for (std::size_t c = 0; c < books.count; ++c) {
                        const float off = piece[i] - book[i * books.count + c];
                        far[c] += off * off;
                    }
                std::size_t best = 0;
                for (std::size_t c = 1; c < books.count; ++c)
                    if (far[c] < far[best]) best = c;
                codes[r * books.places + p] = static_cast<std::uint8_t>(best);
                sum += far[best];
            }
            if (lost != nullptr) lost[r] = sum;
        }
    });
}

}  // namespace vicinal
