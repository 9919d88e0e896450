// How much effort a search takes: what is asked for, or what the index was tuned for.
#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "base/errors.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;

constexpr std::size_t kDim = 12, kCount = 2'000, kQueries = 100;

const std::vector<float>& queries() {
    static const std::vector<float> drawn = trial::drawn_floats(kQueries * kDim, 5);
    return drawn;
}

std::unique_ptr<Index> some_index(std::size_t count = kCount) {
    return trial::index_of_vectors(trial::options_with(kDim), trial::drawn_floats(count * kDim, 4));
}

Calibrated effort(std::uint32_t k, double recall, std::uint32_t ef, StopRule rule = {}) {
    Calibrated one;
    one.k = k;
    one.recall = recall;
    one.ef = ef;
    one.width = rule.on() ? 3 * ef : ef;
    one.rule = rule;
    one.measured = one.low = recall;
    one.distances = 100;
    return one;
}

Calibration calibration(std::vector<Calibrated> entries, std::uint32_t size = kCount) { return {size, 500, entries}; }

std::int64_t total(const trial::Found& found, std::int64_t Work::* field) {
    return std::accumulate(found.work.begin(), found.work.end(), std::int64_t{0},
                           [&](std::int64_t sum, const Work& work) { return sum + work.*field; });
}

// The same of every query, or -1.
std::int64_t effort_of(const Index& index, const SearchOptions& options) {
    const trial::Found found = trial::ask(index, queries(), options);
    for (const Work& work : found.work)
        if (work.effort != found.work[0].effort) return -1;
    return found.work[0].effort;
}

std::string complaint(Index& index, const Calibration& given) {
    try {
        index.calibrate(Calibration(given));
        return "nothing";
    } catch (const InvalidArgumentError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("a search that asks for nothing takes the calibrated effort for 0.95 once there is one") {
    const auto index = some_index();
    CHECK(effort_of(*index, {.k = 10}) == 64);

    index->calibrate(calibration({effort(10, 0.9, 21), effort(10, 0.95, 33), effort(100, 0.95, 155)}));

    CHECK(effort_of(*index, {.k = 10}) == 33);
    CHECK(effort_of(*index, {.k = 3}) == 33);  // what finds 10 finds 3
    CHECK(effort_of(*index, {.k = 11}) == 155);
    CHECK(effort_of(*index, {.k = 120}) == 240);  // nobody has measured that
    CHECK(effort_of(*index, {.k = 10, .ef = 17}) == 17);
}

TEST_CASE("a search that asks for a recall takes the least effort that promises it") {
    const auto index = some_index();
    index->calibrate(calibration({effort(10, 0.9, 21), effort(10, 0.95, 33), effort(100, 0.99, 155)}));

    CHECK(effort_of(*index, {.k = 10, .recall = 0.5}) == 21);
    CHECK(effort_of(*index, {.k = 10, .recall = 0.9}) == 21);
    CHECK(effort_of(*index, {.k = 10, .recall = 0.91}) == 33);
    CHECK(effort_of(*index, {.k = 10, .recall = 0.97}) == 155);
}

TEST_CASE("a recall that no calibration promises is refused with what to do") {
    const auto index = some_index();
    const auto ask = [&](double recall) { trial::ask(*index, queries(), {.k = 10, .recall = recall}); };
    CHECK_THROWS_WITH_AS(ask(0.9), doctest::Contains("call tune(queries, k=10, recall=0.9)"), NotTunedError);
    Calibrated missed = effort(10, 0.99, 1'000);
    missed.measured = missed.low = 0.97;

    index->calibrate(calibration({effort(10, 0.9, 21), missed}));

    CHECK_NOTHROW(ask(0.9));
    CHECK_THROWS_WITH_AS(ask(0.99), doctest::Contains("0.97 at ef=1000"), NotTunedError);
    CHECK_THROWS_WITH_AS(ask(1.0), doctest::Contains("beyond what the index was tuned for"), NotTunedError);
    CHECK_THROWS_AS(ask(1.01), InvalidArgumentError);
    CHECK_THROWS_AS(ask(-0.1), InvalidArgumentError);
    CHECK_THROWS_AS(ask(std::numeric_limits<double>::quiet_NaN()), InvalidArgumentError);
}

TEST_CASE("a calibration of another size is trusted for no less than the default") {
    const auto index = some_index();
    const StopRule rule{8, 1.1F};
    index->calibrate(calibration({effort(10, 0.95, 33, rule)}, kCount * 5 / 4));  // a fifth fewer than then
    CHECK(effort_of(*index, {.k = 10}) != 64);

    index->calibrate(calibration({effort(10, 0.95, 33, rule)}, kCount * 5 / 4 + 1));
    CHECK(effort_of(*index, {.k = 10}) == 64);
    index->calibrate(calibration({effort(10, 0.95, 133, rule)}, kCount / 2));
    CHECK(effort_of(*index, {.k = 10}) == 133);
    CHECK_NOTHROW(trial::ask(*index, queries(), {.k = 10, .recall = 0.95}));  // the caller has been warned
}

TEST_CASE("a search of part of the index takes the calibrated beam without its rule and no less than the default") {
    const auto index = some_index();
    std::vector<std::uint8_t> most(kCount, 1);
    for (std::size_t i = 0; i < kCount; i += 4) most[i] = 0;
    const Filter filter{nullptr, most};
    const StopRule rule{8, 1.1F};
    index->calibrate(calibration({effort(10, 0.95, 33, rule), effort(10, 0.99, 133, rule)}));

    CHECK(effort_of(*index, {.k = 10, .filters = {&filter, 1}}) == 64);
    CHECK(effort_of(*index, {.k = 10, .recall = 0.95, .filters = {&filter, 1}}) == 64);
    CHECK(effort_of(*index, {.k = 10, .recall = 0.99, .filters = {&filter, 1}}) == 133);
    CHECK_THROWS_AS(trial::ask(*index, queries(), {.k = 10, .recall = 1.0, .filters = {&filter, 1}}), NotTunedError);
}

TEST_CASE("a wider stretch compares more and a rule never goes beyond its beam") {
    for (const bool with_removed : {false, true}) {
        const auto index = some_index();
        if (with_removed) index->remove(std::vector<std::int64_t>{1, 5, 9});
        std::int64_t before = 0;
        for (const float stretch : {0.5F, 0.9F, 1.0F, 1.1F, 1.25F}) {
            INFO("stretch " << stretch << (with_removed ? ", some removed" : ""));
            const trial::Found found =
                trial::ask(*index, queries(), {.k = 10, .ef = 150, .rule = StopRule{8, stretch}});

            CHECK(total(found, &Work::distances) > before);
            before = total(found, &Work::distances);
            for (const Work& work : found.work) CHECK((work.effort > 0 && work.effort <= 150));
        }
        const trial::Found beam = trial::ask(*index, queries(), {.k = 10, .ef = 150});
        CHECK(before < total(beam, &Work::distances));

        // Without an end to it, the rule leaves all to the beam, which finds what it finds.
        const trial::Found all = trial::ask(*index, queries(), {.k = 10, .ef = 150, .rule = StopRule{8, 900}});
        std::ptrdiff_t same = 0;
        for (std::size_t query = 0; query < kQueries; ++query) same += all.of(query) == beam.of(query) ? 1 : 0;
        CHECK(same >= static_cast<std::ptrdiff_t>(kQueries) - 3);
    }
}

TEST_CASE("easy queries stop early under a rule and hard ones go on") {
    const auto index = some_index();
    std::vector<float> near = trial::drawn_floats(kCount * kDim, 4);  // the vectors themselves, each off by a little
    near.resize(kQueries * kDim);
    for (float& value : near) value += 0.001F;
    std::vector<float> far = queries();
    for (float& value : far) value *= 3;  // outside of them all: every vector is about as far
    const SearchOptions asked{.k = 1, .ef = 100, .rule = {1, 1.3F}};

    const std::int64_t easy = total(trial::ask(*index, near, asked), &Work::effort);
    const std::int64_t hard = total(trial::ask(*index, far, asked), &Work::effort);

    CHECK(2 * easy < hard);
}

TEST_CASE("a calibration that cannot be is refused and the one there is stays") {
    const auto index = some_index();
    index->calibrate(calibration({effort(10, 0.95, 33)}));
    const auto changed = [](auto change) {
        Calibration one = calibration({effort(10, 0.9, 21), effort(10, 0.95, 33)});
        change(one);
        return one;
    };
    using C = Calibration;

    CHECK(complaint(*index, changed([](C& c) { c.size = 0; })).find("a size of 0") != std::string::npos);
    CHECK(complaint(*index, changed([](C& c) { c.queries = 0; })).find("no queries") != std::string::npos);
    CHECK(complaint(*index, changed([](C& c) { c.entries.clear(); })).find("0 entries") != std::string::npos);
    CHECK(complaint(*index, changed([](C& c) { c.entries[1].recall = 0.9; })).find("out of order") !=
          std::string::npos);
    CHECK(complaint(*index, changed([](C& c) { c.entries[1].k = 9; })).find("out of order") != std::string::npos);
    CHECK(complaint(*index, changed([](C& c) { c.entries[0].ef = 9; })).find("ef of 9") != std::string::npos);
    CHECK(complaint(*index, changed([](C& c) { c.entries[0].width = 1'000'001; })) ==
          "the calibration holds in entry 0 a width of 1000001, expected 10 or more");
    CHECK(complaint(*index, changed([](C& c) { c.entries[0].rule.anchor = 22; })).find("anchor of 22") !=
          std::string::npos);
    CHECK(complaint(*index, changed([](C& c) { c.entries[0].low = 0.91; })).find("lower bound") != std::string::npos);

    CHECK(index->calibration()->entries.size() == 1);
    CHECK(effort_of(*index, {.k = 10}) == 33);
    CHECK(complaint(*index, changed([](C&) {})) == "nothing");
}
