// An index of buckets against what its definition says, whatever was added, removed or stored in between.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "hash/compare.hpp"
#include "lsh_samples.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

using Ids = std::vector<std::int64_t>;

// The ids of items that share a key of a band with the query.
Ids by_definition(const LshIndex& index, const Items& items, const Items& queries, std::size_t query) {
    const Bands& bands = index.settings().bands;
    std::vector<BandKey> own(bands.bands), other(bands.bands);
    std::vector<std::uint32_t> values;
    Family::Scratch scratch;
    Ids ids;
    if (queries.is_empty(query)) return ids;
    keys_of(index.family(), bands, queries, query, own.data(), values, scratch);
    for (std::size_t i = 0; i < items.n; ++i) {
        if (items.is_empty(i)) continue;
        keys_of(index.family(), bands, items, i, other.data(), values, scratch);
        bool shares = false;
        for (std::size_t band = 0; band < bands.bands; ++band) shares = shares || own[band] == other[band];
        if (shares) ids.push_back(static_cast<std::int64_t>(i));
    }
    return ids;
}

Ids candidates_of(const LshIndex& index, const Items& queries, std::size_t query, LshAsked asked = {}) {
    Watch nobody;
    const LshCandidates found = index.candidates(queries, asked, 2, nobody);
    return {found.ids.begin() + found.lims[query], found.ids.begin() + found.lims[query + 1]};
}

}  // namespace

TEST_CASE("candidates are the items that share a bucket, and a search finds the nearest of them") {
    for (const LshSettings& settings : lsh_kinds()) {
        CAPTURE(static_cast<int>(settings.family.name));
        LshIndex index(settings);
        const auto sample = lsh_sample(settings, 400, 5);
        Watch nobody;
        Overflow overflow;
        index.add(sample->items, {}, 2, nobody, overflow);

        const Comparison comparison(nearness_of(settings.family), sample->items, nullptr);
        const LshAnswers answers = search(index, 400, 5, {.k = 3});
        std::size_t met = 0;
        for (std::size_t query = 0; query < 400; query += 3) {
            const Ids expected = by_definition(index, sample->items, sample->items, query);
            REQUIRE(candidates_of(index, sample->items, query) == expected);
            met += expected.size();
            if (expected.empty() || !settings.keep) continue;
            CHECK(answers.distances[query * 3] == doctest::Approx(0).epsilon(1e-5));  // itself, or a copy
            double best = 1e9;
            for (const std::int64_t id : expected)
                if (id != static_cast<std::int64_t>(query)) {
                    const double score =
                        comparison.score(static_cast<std::uint32_t>(query), static_cast<std::uint32_t>(id));
                    const double distance = settings.family.name == FamilyName::pstable      ? score * score
                                            : settings.family.name == FamilyName::bit_sample ? score
                                                                                             : 1 - score;
                    best = std::min(best, distance);
                }
            if (expected.size() > 1) CHECK(answers.distances[query * 3 + 1] == doctest::Approx(best).epsilon(1e-3));
        }
        CHECK(met > 200);
    }
}

TEST_CASE("an index answers the same however its items came, on any number of threads, and again from its file") {
    for (const LshSettings& settings : lsh_kinds()) {
        const bool probes = can_probe(settings.family.name);
        const LshAsked asked{.k = 6, .probes = probes ? 4u : 1u, .rerank = 20};
        LshIndex whole(settings), pieces(settings);
        const auto sample = lsh_sample(settings, 300, 9);
        Watch nobody;
        Overflow overflow;
        whole.add(sample->items, {}, 4, nobody, overflow);
        // The same items in uneven pieces: views into the same memory.
        std::size_t at = 0;
        for (const std::size_t size : {100u, 1u, 1u, 98u, 40u, 60u}) {
            Items piece = sample->items;
            piece.n = size;
            if (settings.family.name == FamilyName::minhash)
                piece.sets.offsets = sample->items.sets.offsets.subspan(at, size + 1);
            else
                piece.rows = sample->items.rows + at * sample->items.stride;
            pieces.add(piece, {}, 1, nobody, overflow);
            at += size;
        }

        const LshAnswers expected = search(whole, 200, 9, asked);
        CHECK(search(whole, 200, 9, asked, 3) == expected);
        CHECK(search(pieces, 200, 9, asked) == expected);
        CHECK(bytes_of(pieces) == bytes_of(whole));
        const auto loaded = lsh_from_bytes(bytes_of(whole));
        CHECK(loaded->settings() == whole.settings());
        CHECK(search(*loaded, 200, 9, asked) == expected);
        CHECK(bytes_of(*loaded) == bytes_of(whole));
    }
}

TEST_CASE("what was removed is not met again, its id can be given anew, and memory comes back") {
    for (const LshSettings& settings : lsh_kinds()) {
        LshIndex index(settings);
        add(index, 200, 4);
        Ids gone;
        for (std::int64_t id = 0; id < 200; id += 2) gone.push_back(id);
        const std::size_t before = index.memory().items;

        remove(index, gone);
        for (const std::int64_t id : search(index, 200, 4).ids) CHECK((id == -1 || id % 2 == 1));
        CHECK(index.size() == 100);
        const LshAnswers answers = search(index, 200, 4);
        remove(index, {1});  // fewer than half are left: tables are made anew
        CHECK(index.memory().items < before * 3 / 5);
        CHECK_FALSE(index.contains(1));
        CHECK(index.contains(3));
        CHECK_THROWS_AS(remove(index, {1}), UnknownIdError);
        CHECK_THROWS_AS(remove(index, {3, 3}), DuplicateIdError);
        const auto loaded = lsh_from_bytes(bytes_of(index));
        CHECK(search(*loaded, 200, 4) == search(index, 200, 4));

        const auto one = lsh_sample(settings, 1, 8);
        Watch nobody;
        Overflow overflow;
        const Ids again{1};
        CHECK(index.add(one->items, again, 1, nobody, overflow) == again);
        CHECK(index.contains(1));
        CHECK(add(index, 1, 8) == Ids{200});
    }
}

TEST_CASE("a full bucket shows its oldest live items, and tells how many it hides") {
    LshSettings settings = lsh_settings(FamilyName::minhash);
    settings.cap = 3;
    LshIndex index(settings);
    LshSample copies;
    for (int i = 0; i < 5; ++i) {
        copies.tokens.push_back(77);
        copies.offsets.push_back(i + 1);
    }
    copies.items.kind = ItemKind::sets;
    copies.items.n = 5;
    copies.items.sets = {copies.offsets, copies.tokens.data(), nullptr};
    Watch nobody;
    Overflow first, second;

    index.add(copies.items, {}, 1, nobody, first);
    index.add(copies.items, {}, 1, nobody, second);

    const std::size_t bands = settings.bands.bands;
    CHECK(first.full_buckets == bands);
    CHECK(first.hidden == 2 * bands);
    CHECK(first.lost_at_most == bands);
    CHECK(second.hidden == 5 * bands);
    CHECK(second.lost_at_most == (21 - 1) * bands);
    CHECK(index.shape(2, nobody).overflow.hidden == 7 * bands);
    CHECK(index.shape(1, nobody).overflow.lost_at_most == 21 * bands);
    CHECK(candidates_of(index, copies.items, 0) == Ids{0, 1, 2});
    remove(index, {1});
    CHECK(candidates_of(index, copies.items, 0) == Ids{0, 2, 3});
}

TEST_CASE("the nearest sketches are compared, whoever ties with the last comes along, and candidates can be bounded") {
    const LshSettings settings = lsh_settings(FamilyName::simhash);
    LshIndex index(settings);
    add(index, 400, 6);
    const auto queries = lsh_sample(settings, 40, 6);
    std::vector<LshWork> work(40);
    std::vector<std::int64_t> ids(40);
    std::vector<float> distances(40);
    Watch nobody;

    index.search(queries->items, {.k = 1, .probes = 16, .rerank = 10}, 1, {ids, distances, work}, nobody);
    for (std::size_t query = 0; query < 40; ++query) {
        CHECK(ids[query] == static_cast<std::int64_t>(query));
        CHECK(work[query].buckets == 16 * 5);
        CHECK(work[query].estimates == work[query].candidates);
        CHECK(work[query].distances >= 10);
        CHECK(work[query].distances < work[query].candidates);
    }
    index.search(queries->items, {.k = 1, .probes = 16, .most = 7}, 1, {ids, distances, work}, nobody);
    for (const LshWork& one : work) CHECK(one.candidates == 7);
}

TEST_CASE("a failing call of an index of buckets changes nothing") {
    LshIndex index(lsh_settings(FamilyName::simhash));
    add(index, 20, 1);
    const auto before = bytes_of(index);
    auto sample = lsh_sample(index.settings(), 10, 2);
    Overflow overflow;
    Watch nobody, stop([](std::size_t, std::size_t) { return false; }, std::chrono::milliseconds(0));
    const Ids taken{100, 101, 102, 103, 104, 105, 106, 107, 108, 3}, twice{10, 31, 32, 33, 34, 35, 36, 37, 38, 38};

    CHECK_THROWS_AS(index.add(sample->items, taken, 1, nobody, overflow), DuplicateIdError);
    CHECK_THROWS_AS(index.add(sample->items, Ids{50, 51, 52, 53, 54, 55, 56, 57, 58, 58}, 1, nobody, overflow),
                    DuplicateIdError);
    CHECK_THROWS_AS(index.add(sample->items, twice, 1, nobody, overflow), DuplicateIdError);
    CHECK_THROWS_AS(index.add(sample->items, {}, 2, stop, overflow), Stopped);
    sample->floats[7 * kLshDim + 2] = std::nanf("");
    CHECK_THROWS_WITH_AS(index.add(sample->items, {}, 1, nobody, overflow), "vectors row 7 holds NaN",
                         InvalidVectorError);
    CHECK_THROWS_AS(remove(index, {3, 99}), UnknownIdError);
    CHECK(bytes_of(index) == before);
    LshIndex bits(lsh_settings(FamilyName::bit_sample));
    CHECK_THROWS_AS(search(bits, 1, 1, {.k = 1, .probes = 2}), InvalidArgumentError);
}

TEST_CASE("searches go on while items come and go") {
    LshIndex index(lsh_settings(FamilyName::pstable));
    add(index, 100, 1);
    std::atomic<bool> done{false};
    std::atomic<int> wrong{0};
    std::vector<std::thread> readers;
    for (int reader = 0; reader < 2; ++reader)
        readers.emplace_back([&] {
            while (!done) {
                const LshAnswers answers = search(index, 5, 1, {.k = 2, .probes = 3, .rerank = 5});
                for (std::size_t query = 0; query < 5; ++query)
                    if (answers.ids[2 * query] != static_cast<std::int64_t>(query)) ++wrong;
            }
        });
    for (std::uint64_t round = 2; round < 40; ++round) {
        const Ids added = add(index, round % 5 == 0 ? 150 : 7, round);
        remove(index, added);
    }
    done = true;
    for (std::thread& reader : readers) reader.join();
    CHECK(wrong == 0);
    CHECK(index.size() == 100);
}
