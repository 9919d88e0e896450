// What an index was tuned for, in its file and in files that lie about it.
#include <doctest/doctest.h>

#include <bit>
#include <limits>

#include "base/errors.hpp"
#include "base/random.hpp"
#include "persist_repair.hpp"

using namespace vicinal;
using namespace vicinal::testing;
using namespace vicinal::format;

namespace {

constexpr std::size_t kFirst = kTunedHeadBytes, kSecond = kFirst + kTunedEntryBytes;

// A beam alone, and a beam with a rule.
std::unique_ptr<Index> tuned_index() {
    Options options;
    options.dim = 3;
    options.M = 2;
    options.ef_construction = 8;
    auto index = make_index(options, 60, 3);
    Calibration calibration{40, 500, {}};
    calibration.entries.push_back({2, 0.9, 5, 5, {}, 0.92, 0.91, 17.5});
    calibration.entries.push_back({2, 0.95, 9, 14, {2, 1.25F}, 0.97, 0.96, 20});
    index->calibrate(std::move(calibration));
    return index;
}

std::string complaint_about(std::span<const std::byte> file) {
    try {
        from_bytes(file);
        return "nothing";
    } catch (const CorruptIndexError& error) {
        const std::string text = error.what(), start = "the given bytes is damaged: ";
        return text.starts_with(start) ? text.substr(start.size()) : text;
    }
}

void use(const Index& index, unsigned seed) {
    search(index, 3, seed, {.k = 2});
    search(index, 3, seed, {.k = 7});
    try {
        search(index, 3, seed, {.k = 2, .recall = 0.93});
    } catch (const NotTunedError&) {
    }
    const std::vector<std::byte> bytes = index.to_bytes();
    if (from_bytes(bytes)->to_bytes() != bytes) throw std::logic_error("a file that does not come back as it was");
}

}  // namespace

TEST_CASE("a calibration comes back from a file as it was") {
    const auto index = tuned_index();

    const auto loaded = from_bytes(index->to_bytes());

    CHECK(loaded->to_bytes() == index->to_bytes());
    const auto found = loaded->calibration();
    REQUIRE(found != nullptr);
    CHECK(found->size == 40);
    CHECK(found->queries == 500);
    REQUIRE(found->entries.size() == 2);
    const Calibrated& one = found->entries[1];
    CHECK((one.k == 2 && one.recall == 0.95 && one.ef == 9 && one.width == 14));
    CHECK((one.rule.anchor == 2 && one.rule.stretch == 1.25F));
    CHECK((one.measured == 0.97 && one.low == 0.96 && one.distances == 20));
    CHECK(search(*loaded, 20, 1, {.k = 2, .recall = 0.95}) == search(*index, 20, 1, {.k = 2, .recall = 0.95}));
}

TEST_CASE("a calibration outlives what is added and removed") {
    const auto index = tuned_index();

    add(*index, 10, 3);
    index->remove(std::vector<std::int64_t>{1});

    REQUIRE(index->calibration() != nullptr);
    CHECK(from_bytes(index->to_bytes())->calibration()->size == 40);
}

TEST_CASE("an index that was not tuned has no calibration in its file and a reader may do without one") {
    const auto index = tuned_index();
    std::vector<Piece> pieces = take_apart(index->to_bytes());
    CHECK((pieces.back().kind & kOptionalSection) != 0);

    pieces.pop_back();
    const auto loaded = from_bytes(put_together(pieces));

    CHECK(loaded->calibration() == nullptr);
    CHECK(take_apart(make_index(all_kinds()[0], 20)->to_bytes()).size() == pieces.size());
}

TEST_CASE("a flipped bit of a file with a calibration is refused wherever it is") {
    Bytes file = tuned_index()->to_bytes();
    REQUIRE(complaint_about(file) == "nothing");

    for (std::size_t bit = 0; bit < file.size() * 8; bit += 11) {
        const auto mask = static_cast<std::byte>(1u << bit % 8);
        file[bit / 8] ^= mask;
        CHECK_THROWS_AS_MESSAGE(from_bytes(file), VicinalError, "bit " << bit);
        file[bit / 8] ^= mask;
    }
}

TEST_CASE("a calibration of a length that none has is refused") {
    const std::vector<Piece> pieces = take_apart(tuned_index()->to_bytes());
    const std::size_t length = pieces.back().bytes.size();

    for (const std::size_t other : {std::size_t{0}, std::size_t{1}, kTunedHeadBytes, length - 1, length + 1, length + 8,
                                    kTunedHeadBytes + (kMaxCalibrated + 1) * kTunedEntryBytes}) {
        std::vector<Piece> changed = pieces;
        changed.back().bytes.resize(other);
        INFO(other << " bytes");
        CHECK(complaint_about(put_together(changed)).starts_with("the length of the calibration is "));
    }
}

TEST_CASE("a calibration with values that none has is refused with what was found") {
    const Bytes file = tuned_index()->to_bytes();
    const auto complaint = [&](std::size_t at, auto number) {
        return complaint_about(with(file, kCalibration, at, number));
    };
    const auto bits = [](double number) { return std::bit_cast<std::uint64_t>(number); };
    const auto word = [](float number) { return std::bit_cast<std::uint32_t>(number); };
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

    CHECK(complaint(kTunedSizeAt, 0u) == "the calibration holds a size of 0, expected that of an index");
    CHECK(complaint(kTunedQueriesAt, 0u) == "the calibration holds no queries, expected one or more");
    CHECK(complaint(kFirst + kTunedKAt, 0u).ends_with("k of 0, expected a number of neighbors"));
    CHECK(complaint(kFirst + kTunedKAt, 0x8000'0000u).ends_with("expected a number of neighbors"));
    CHECK(complaint(kFirst + kTunedKAt, 3u).ends_with("entry 1 out of order, expected ascending k and targets"));
    CHECK(complaint(kFirst + kTunedEfAt, 1u).ends_with("ef of 1, expected 2 or more"));
    CHECK(complaint(kSecond + kTunedWidthAt, 0xffff'ffffu).ends_with("a width of 4294967295, expected 2 or more"));
    CHECK(complaint(kSecond + kTunedAnchorAt, 15u).ends_with("an anchor of 15, expected at most the width of 14"));
    CHECK(complaint(kSecond + kTunedAnchorAt, 0u).find("a stretch of 1.25") != std::string::npos);
    for (const float stretch : {0.0F, -1.0F, 1'001.0F, std::numeric_limits<float>::quiet_NaN()})
        CHECK(complaint(kSecond + kTunedStretchAt, word(stretch)).find("a stretch of ") != std::string::npos);
    CHECK(complaint(kSecond + kTunedZerosAt, 1u) == "a reserved word of the calibration is 1, expected 0");
    for (const double target : {0.0, -0.5, 1.5, kNaN})
        CHECK(complaint(kSecond + kTunedRecallAt, bits(target)).find("a target of ") != std::string::npos);
    for (const double recall : {-0.0, 1.5, kNaN})
        CHECK(complaint(kSecond + kTunedMeasuredAt, bits(recall)).find("a recall of ") != std::string::npos);
    for (const double low : {-0.0, 0.98, kNaN})
        CHECK(complaint(kSecond + kTunedLowAt, bits(low)).find("a lower bound of ") != std::string::npos);
    for (const double distances : {-1.0, -0.0, std::numeric_limits<double>::infinity(), kNaN})
        CHECK(complaint(kSecond + kTunedDistancesAt, bits(distances)).find(" distances, expected") !=
              std::string::npos);
}

TEST_CASE("a calibration changed at random is refused or can be searched with") {
    const OpenFile original(tuned_index()->to_bytes());
    std::size_t refused = 0, used = 0;

    for (std::uint64_t round = 0; round < 4'000; ++round) {
        OpenFile file(original);
        const std::span<std::byte> section = file.section(kCalibration);
        const std::size_t at = draw(71, round) % section.size();
        section[at] = static_cast<std::byte>(draw(72, round) % 256);
        INFO("round " << round);
        std::unique_ptr<Index> index;
        try {
            index = from_bytes(file.repair());
        } catch (const CorruptIndexError&) {
            ++refused;
            continue;
        }
        REQUIRE_NOTHROW(use(*index, static_cast<unsigned>(round)));
        ++used;
    }

    CHECK(refused > 1'000);
    CHECK(used > 100);
}
