// The inner loop of MaxSim, once for each instruction set: maxima_*.cpp say what a register is and include this.
//
// A product of two small matrices of which only the largest of each column is kept. The columns (tokens of a query)
// are laid out so that one load brings the same element of many of them; an element of a row (a token of a document)
// is spread over a register and multiplied with these. So nothing is summed across lanes, and kRows times kSpan sums
// stay in registers for all of `dim`.
//
// What a set's file defines before: Lane, a register of floats; kLanes of them; load, store, spread, multiply_add,
// larger; and kMostRows and kMostGroups, as many as registers hold sums for.
namespace {

template <std::size_t kRows, std::size_t kGroups>
void raise_few(const float* panel, const float* rows, std::size_t dim, float* maxima) {
    constexpr std::size_t kSpan = kGroups * kMaximaGroup / kLanes;
    constexpr std::size_t kLoads = kMaximaGroup / kLanes;
    Lane sums[kRows][kSpan];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kRows; ++r)
#pragma GCC unroll 16
        for (std::size_t c = 0; c < kSpan; ++c) sums[r][c] = spread(0.0f);
    for (std::size_t i = 0; i < dim; ++i) {
        Lane columns[kSpan];
#pragma GCC unroll 16
        for (std::size_t c = 0; c < kSpan; ++c)
            columns[c] = load(panel + (c / kLoads * dim + i) * kMaximaGroup + c % kLoads * kLanes);
#pragma GCC unroll 16
        for (std::size_t r = 0; r < kRows; ++r) {
            const Lane element = spread(rows[r * dim + i]);
#pragma GCC unroll 16
            for (std::size_t c = 0; c < kSpan; ++c) sums[r][c] = multiply_add(element, columns[c], sums[r][c]);
        }
    }
#pragma GCC unroll 16
    for (std::size_t c = 0; c < kSpan; ++c) {
        Lane most = load(maxima + c * kLanes);
#pragma GCC unroll 16
        for (std::size_t r = 0; r < kRows; ++r) most = larger(most, sums[r][c]);
        store(maxima + c * kLanes, most);
    }
}

template <std::size_t kGroups>
void raise_all(const float* panel, const float* rows, std::size_t n, std::size_t dim, float* maxima) {
    for (; n >= kMostRows; n -= kMostRows, rows += kMostRows * dim)
        raise_few<kMostRows, kGroups>(panel, rows, dim, maxima);
    for (; n > 0; --n, rows += dim) raise_few<1, kGroups>(panel, rows, dim, maxima);
}

void raise_maxima(const float* panel, std::size_t groups, const float* rows, std::size_t n, std::size_t dim,
                  float* maxima) {
    std::size_t group = 0;
    const auto at = [&] { return panel + group * dim * kMaximaGroup; };
    for (; group + kMostGroups <= groups; group += kMostGroups)
        raise_all<kMostGroups>(at(), rows, n, dim, maxima + group * kMaximaGroup);
    for (; group < groups; ++group) raise_all<1>(at(), rows, n, dim, maxima + group * kMaximaGroup);
}

}  // namespace
