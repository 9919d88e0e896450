// Dot products of few-bit codes, once for each instruction set: packed_*.cpp say what a lane is and include this.
//
// What a set's file defines before: One, Two, Four and Eight, for codes of that many bits an element, each with a Lane
// of kBytes bytes, a Sum, load, load_first (fewer bytes, zeros behind them: a zero adds nothing), add and total.
namespace {

template <class Term, std::size_t kRows>
void dot_few(const std::uint8_t* query, const PackedRows& rows, std::size_t first, std::uint32_t* dots) {
    const std::uint8_t* row = rows.base + first * rows.stride;
    typename Term::Sum sums[kRows] = {};
    std::size_t at = 0;
    for (; at + Term::kBytes <= rows.bytes; at += Term::kBytes) {
        const typename Term::Lane q = Term::load(query + at);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < kRows; ++r) sums[r] = Term::add(sums[r], q, Term::load(row + r * rows.stride + at));
    }
    if (const std::size_t left = rows.bytes - at; left > 0) {
        const typename Term::Lane q = Term::load_first(query + at, left);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < kRows; ++r)
            sums[r] = Term::add(sums[r], q, Term::load_first(row + r * rows.stride + at, left));
    }
    for (std::size_t r = 0; r < kRows; ++r) dots[r] = Term::total(sums[r]);
}

template <class Term>
void dot_packed(const std::uint8_t* query, const PackedRows& rows, std::size_t n, std::uint32_t* dots) {
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) dot_few<Term, 4>(query, rows, i, dots + i);
    for (; i < n; ++i) dot_few<Term, 1>(query, rows, i, dots + i);
}

constexpr PackedDots kDots = {dot_packed<One>, dot_packed<Two>, dot_packed<Four>, dot_packed<Eight>};

}  // namespace
