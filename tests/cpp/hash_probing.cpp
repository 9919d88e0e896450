// The sequence of buckets that multi-probe takes, against all buckets there are.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "base/random.hpp"
#include "hash/probing.hpp"

namespace {

using namespace vicinal;

struct Query {
    FamilyName name;
    Bands bands;
    std::vector<std::uint32_t> values;
    std::vector<float> slack;
};

Query drawn_query(FamilyName name, Bands bands, std::uint64_t seed) {
    Query query{name, bands, {}, {}};
    for (std::size_t h = 0; h < bands.values(); ++h) {
        query.values.push_back(static_cast<std::uint32_t>(draw(seed, h) % 2));
        query.slack.push_back(static_cast<float>(draw(seed + 1, h) % 1000) / 1000.0F);
    }
    return query;
}

// Every bucket within one step of each value, with its score: what the paper's sequence sorts.
std::map<std::pair<std::size_t, BandKey>, double> all_buckets(const Query& query) {
    std::map<std::pair<std::size_t, BandKey>, double> scores;
    const std::size_t rows = query.bands.rows, ways = query.name == FamilyName::simhash ? 2 : 3;
    std::size_t sets = 1;
    for (std::size_t row = 0; row < rows; ++row) sets *= ways;
    for (std::size_t band = 0; band < query.bands.bands; ++band)
        for (std::size_t set = 1; set < sets; ++set) {
            std::vector<std::uint32_t> values(query.values.begin() + static_cast<std::ptrdiff_t>(band * rows),
                                              query.values.begin() + static_cast<std::ptrdiff_t>((band + 1) * rows));
            double score = 0;
            std::size_t rest = set;
            for (std::size_t row = 0; row < rows; ++row, rest /= ways) {
                const double place = query.slack[band * rows + row];
                if (rest % ways == 0) continue;
                if (query.name == FamilyName::simhash) {
                    values[row] ^= 1u;
                    score += place * place;
                } else {
                    values[row] += rest % ways == 1 ? ~0u : 1u;
                    score += rest % ways == 1 ? place * place : (1 - place) * (1 - place);
                }
            }
            scores[{band, key_of(values.data(), rows)}] = score;
        }
    return scores;
}

}  // namespace

TEST_CASE("multi-probe lists every bucket near the query once, the likeliest first, over all bands") {
    for (const FamilyName name : {FamilyName::simhash, FamilyName::pstable})
        for (std::uint64_t seed = 0; seed < 5; ++seed) {
            CAPTURE(seed);
            const Query query = drawn_query(name, {3, 5}, seed);
            const auto scores = all_buckets(query);
            Probing probing;
            for (const std::size_t most : {1u, 10u, 50u, 2000u}) {
                CAPTURE(most);
                const auto listed = probing.likeliest(name, query.bands, query.values.data(), query.slack.data(), most,
                                                      Probing::Sequence::likeliest_first);

                CHECK(listed.size() == std::min(most, scores.size()));
                double last = 0;
                std::map<std::pair<std::size_t, BandKey>, int> met;
                for (const Probing::Bucket& bucket : listed) {
                    const auto found = scores.find({bucket.band, bucket.key});
                    REQUIRE(found != scores.end());
                    CHECK(std::abs(found->second - static_cast<double>(bucket.score)) < 1e-5);
                    CHECK(found->second >= last - 1e-5);
                    last = found->second;
                    CHECK(++met[{bucket.band, bucket.key}] == 1);
                }
                std::size_t nearer = 0;
                for (const auto& [bucket, score] : scores) nearer += score < last - 1e-5 ? 1u : 0u;
                CHECK(nearer <= listed.size());
            }
        }
}

TEST_CASE("multi-probe lists as many buckets as are asked for where their scores tie, and where they cannot be told") {
    for (const float slack : {0.0F, 0.5F, 1e30F, std::numeric_limits<float>::quiet_NaN()}) {
        CAPTURE(slack);
        const Bands bands{4, 100};
        const std::vector<std::uint32_t> values(bands.values(), 1);
        const std::vector<float> slacks(bands.values(), slack);
        Probing probing;

        const auto listed = probing.likeliest(FamilyName::simhash, bands, values.data(), slacks.data(), 500,
                                              Probing::Sequence::likeliest_first);

        std::set<std::pair<std::size_t, BandKey>> distinct;
        for (const Probing::Bucket& bucket : listed) distinct.insert({bucket.band, bucket.key});
        CHECK(distinct.size() == 500);
    }
}
