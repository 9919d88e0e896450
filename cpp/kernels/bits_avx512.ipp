// Rows of packed bits, a part of avx512.cpp: what is said there holds here.

// Bits set in each byte, by looking up its two halves (vpopcntdq is newer than VNNI), added up to 64-bit lanes.
__m512i add_bits(__m512i sum, __m512i v) {
    const __m512i table = _mm512_set4_epi32(0x04030302, 0x03020201, 0x03020201, 0x02010100);
    const __m512i nibble = _mm512_set1_epi8(15);
    const __m512i low = _mm512_shuffle_epi8(table, _mm512_and_si512(v, nibble));
    const __m512i high = _mm512_shuffle_epi8(table, _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble));
    return _mm512_add_epi64(sum, _mm512_sad_epu8(_mm512_add_epi8(low, high), _mm512_setzero_si512()));
}

std::int64_t total64(__m512i v) {
    const __m256i four = _mm256_add_epi64(half<0>(v), half<1>(v));
    const __m128i two = _mm_add_epi64(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    return _mm_cvtsi128_si64(_mm_add_epi64(two, _mm_unpackhi_epi64(two, two)));
}

struct Hamming {
    __m512i differing = _mm512_setzero_si512();
    void add(__m512i q, __m512i x) { differing = add_bits(differing, _mm512_xor_si512(q, x)); }
    float score() const { return static_cast<float>(total64(differing)); }
};
struct Jaccard {
    __m512i differing = _mm512_setzero_si512();
    __m512i either = _mm512_setzero_si512();
    void add(__m512i q, __m512i x) {
        differing = add_bits(differing, _mm512_xor_si512(q, x));
        either = add_bits(either, _mm512_or_si512(q, x));
    }
    float score() const {
        const double all = static_cast<double>(total64(either));
        return all == 0 ? 0.0f : static_cast<float>(static_cast<double>(total64(differing)) / all);
    }
};

template <class Count>
struct Bits {
    Bits(Bytes, std::size_t) {}
    static std::size_t row_bytes(std::size_t dim) { return dim / 8; }

    template <std::size_t kRows, Ahead kAhead>
    void score(Bytes q, const Rows& rows, const Group& group) const {
        const std::size_t bytes = rows.dim / 8;
        Count count[kRows];
        std::size_t i = 0;
        for (; i + kLine <= bytes; i += kLine) {
            prefetch_block<kRows, kAhead>(group, i);
            const __m512i part = load(q + i);
            for (std::size_t r = 0; r < kRows; ++r) count[r].add(part, load(group.row[r] + i));
        }
        if (i < bytes) {
            prefetch_block<kRows, kAhead>(group, i);
            const __mmask64 lanes = first_bytes(bytes - i);
            const __m512i part = load(lanes, q + i);
            for (std::size_t r = 0; r < kRows; ++r) count[r].add(part, load(lanes, group.row[r] + i));
        }
        for (std::size_t r = 0; r < kRows; ++r) group.out[r] = count[r].score();
    }
};

// Of rows of 256 bits, which sketches are, a vector would hold half a line, and to add up its lanes takes longer than
// to count four words one by one.
struct FourWords {
    FourWords(Bytes, std::size_t) {}
    static std::size_t row_bytes(std::size_t) { return 32; }

    static std::uint64_t word(Bytes from) {
        std::uint64_t value;
        __builtin_memcpy(&value, from, sizeof(value));
        return value;
    }

    template <std::size_t kRows, Ahead kAhead>
    void score(Bytes q, const Rows&, const Group& group) const {
        prefetch_block<kRows, kAhead>(group, 0);
        for (std::size_t r = 0; r < kRows; ++r) {
            int differing = 0;
            for (std::size_t i = 0; i < 32; i += 8)
                differing += __builtin_popcountll(word(q + i) ^ word(group.row[r] + i));
            group.out[r] = static_cast<float>(differing);
        }
    }
};

void hamming_b1(const void* query, const Rows& rows, const std::uint32_t* slots, std::size_t n, float* out) {
    if (rows.dim == 256)
        score_rows<FourWords>(query, rows, slots, n, out);
    else
        score_rows<Bits<Hamming>>(query, rows, slots, n, out);
}
