// Saved indexes that are not what was saved.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/errors.hpp"
#include "file_folder.hpp"
#include "flipped_bits.hpp"
#include "persist_repair.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

enum class Outcome { kAccepted, kCorrupt, kNotAnIndex, kTooNew };

Outcome outcome_of(std::span<const std::byte> file) {
    try {
        from_bytes(file);
        return Outcome::kAccepted;
    } catch (const CorruptIndexError&) {
        return Outcome::kCorrupt;
    } catch (const NotAnIndexError&) {
        return Outcome::kNotAnIndex;
    } catch (const FormatTooNewError&) {
        return Outcome::kTooNew;
    }
}

// What it says about the damage, after "the given bytes is damaged: ".
std::string complaint_about(std::span<const std::byte> file) {
    try {
        from_bytes(file);
        return "nothing";
    } catch (const CorruptIndexError& error) {
        const std::string text = error.what(), start = "the given bytes is damaged: ";
        return text.starts_with(start) ? text.substr(start.size()) : text;
    }
}

// Twelve vectors on more than one level, every third removed.
Bytes small_index(Metric metric = Metric::l2, Dtype dtype = Dtype::f32) {
    Options options;
    options.dim = dtype == Dtype::b1 ? 24 : 3;
    options.metric = metric;
    options.dtype = dtype;
    options.M = 2;
    options.ef_construction = 8;
    return make_index(options, 12, 3)->to_bytes();
}

template <class Unsigned>
Unsigned number_at(std::span<const std::byte> file, SectionKind kind, std::size_t at) {
    std::vector<Piece> pieces = take_apart(file);
    return load_number<Unsigned>(piece(pieces, kind), at);
}

}  // namespace

TEST_CASE("every flipped bit of a saved index is refused") {
    Bytes file = small_index();
    REQUIRE(outcome_of(file) == Outcome::kAccepted);
    std::size_t refused = 0;

    for (std::size_t bit = 0; bit < file.size() * 8; bit += vicinal::trial::kBitStep) {
        const auto mask = static_cast<std::byte>(1u << bit % 8);
        file[bit / 8] ^= mask;
        if (outcome_of(file) != Outcome::kAccepted)
            ++refused;
        else
            FAIL_CHECK("bit " << bit % 8 << " of byte " << bit / 8 << " is not noticed");
        file[bit / 8] ^= mask;
    }

    CHECK(refused == vicinal::trial::flipped_bits(file.size()));
    CHECK(outcome_of(file) == Outcome::kAccepted);
}

TEST_CASE("every truncation of a saved index is refused as damaged") {
    const Bytes file = small_index();

    for (std::size_t length = 0; length < file.size(); ++length) {
        INFO("the first " << length << " bytes");
        REQUIRE(outcome_of(std::span(file).first(length)) == Outcome::kCorrupt);
    }
}

TEST_CASE("a damaged file is named in the message and refused by info where its header or settings are") {
    const Folder folder;
    const std::string path = folder.at("index");
    const Bytes file = small_index();
    std::string text(reinterpret_cast<const char*>(file.data()), file.size());
    Watch watch;
    text[20] = static_cast<char>(text[20] ^ 1);
    put(path, text);

    CHECK_THROWS_WITH_AS(Index::load(path, watch), doctest::Contains(path.c_str()), CorruptIndexError);
    CHECK_THROWS_WITH_AS(Index::info(path), doctest::Contains(path.c_str()), CorruptIndexError);
    text[20] = static_cast<char>(text[20] ^ 1);
    text[4096 + 8] = static_cast<char>(text[4096 + 8] ^ 1);
    put(path, text);
    CHECK_THROWS_AS(Index::info(path), CorruptIndexError);
    put(path, "PK, another kind of file altogether, and long enough to hold a header of sixty-four bytes");
    CHECK_THROWS_AS(Index::load(path, watch), NotAnIndexError);
    CHECK_THROWS_AS(Index::info(path), NotAnIndexError);
}

TEST_CASE("a file of a newer version is refused as such and one with an optional section more is read") {
    std::vector<Piece> pieces = take_apart(small_index());
    const auto with_section = [&](SectionKind kind) {
        std::vector<Piece> more = pieces;
        more.push_back({kind, Bytes(10)});
        return more;
    };

    CHECK(outcome_of(put_together(pieces, {2, 0})) == Outcome::kTooNew);
    CHECK(outcome_of(put_together(pieces, {1, 2})) == Outcome::kAccepted);
    CHECK(outcome_of(put_together(with_section(99), {1, 2})) == Outcome::kTooNew);
    CHECK(outcome_of(put_together(with_section(99))) == Outcome::kCorrupt);
    CHECK(outcome_of(put_together(with_section(kOptionalSection | 99), {1, 2})) == Outcome::kAccepted);
}

TEST_CASE("dropped sections and swapped contents are refused even with repaired checksums") {
    for (const Bytes& file :
         {small_index(), small_index(Metric::cosine, Dtype::i8), small_index(Metric::jaccard, Dtype::b1)}) {
        const std::vector<Piece> pieces = take_apart(file);
        REQUIRE(outcome_of(put_together(pieces)) == Outcome::kAccepted);

        for (std::size_t i = 0; i < pieces.size(); ++i) {
            std::vector<Piece> dropped = pieces;
            dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(i));
            INFO("section " << pieces[i].kind);
            const bool optional = (pieces[i].kind & kOptionalSection) != 0;
            CHECK(outcome_of(put_together(dropped)) == (optional ? Outcome::kAccepted : Outcome::kCorrupt));

            for (std::size_t j = 0; j < i; ++j) {
                std::vector<Piece> swapped = pieces, copied = pieces;
                std::swap(swapped[i].bytes, swapped[j].bytes);
                copied[i].bytes = copied[j].bytes;
                INFO("and section " << pieces[j].kind);
                CHECK(outcome_of(put_together(swapped)) == Outcome::kCorrupt);
                CHECK(outcome_of(put_together(copied)) == Outcome::kCorrupt);
            }
        }
    }
}

TEST_CASE("sections that are longer or shorter than their counts say are refused even with repaired checksums") {
    const std::vector<Piece> pieces = take_apart(small_index());

    for (std::size_t i = 0; i < pieces.size(); ++i) {
        for (const int change : {-64, -16, -8, -1, 1, 8, 16, 64}) {
            std::vector<Piece> changed = pieces;
            const auto length = static_cast<std::ptrdiff_t>(pieces[i].bytes.size()) + change;
            changed[i].bytes.resize(static_cast<std::size_t>(std::max<std::ptrdiff_t>(length, 0)));
            INFO("section " << pieces[i].kind << " of " << length << " bytes");
            CHECK(outcome_of(put_together(changed)) == Outcome::kCorrupt);
        }
    }
}

TEST_CASE("settings that no index has are refused with what was found and expected") {
    using namespace format;
    const Bytes file = small_index();
    const auto complaint = [&](std::size_t at, auto number) {
        return complaint_about(with(file, kSettings, at, number));
    };
    const auto bits = [](double number) { return std::bit_cast<std::uint64_t>(number); };

    CHECK(complaint(kDimAt, 0u) == "dim is 0, expected 1 to 65536");
    CHECK(complaint(kDimAt, 65'537u) == "dim is 65537, expected 1 to 65536");
    CHECK(complaint(kMetricAt, std::uint8_t{5}) == "the metric is 5, expected 0 to 4");
    CHECK(complaint(kMetricAt, std::uint8_t{3}) ==
          "metric hamming stands with dtype f32, expected one that goes with it");
    CHECK(complaint(kDtypeAt, std::uint8_t{6}) == "the dtype is 6, expected 0 to 5");
    CHECK(complaint(kLiftAt, std::uint8_t{3}) == "lift is 3, expected 0 to 2");
    CHECK(complaint(kTraversalAt, std::uint8_t{8}) == "traversal is 8, expected 0 to 7");
    CHECK(complaint(kMAt, 1u) == "M is 1, expected 2 to 4096");
    CHECK(complaint(kMAt, 4'097u) == "M is 4097, expected 2 to 4096");
    CHECK(complaint(kMAt, 0x8000'0001u) == "M is 2147483649, expected 2 to 4096");
    CHECK(complaint(kEfConstructionAt, 0u) == "ef_construction is 0, expected 1 to 1000000");
    CHECK(complaint(kCountAt, 13u) == "the length of the rows is 192, expected 208, 13 rows of 16");
    CHECK(complaint(kCountAt, 11u) == "the length of the rows is 192, expected 176, 11 rows of 16");
    CHECK(complaint(kCountAt, 0xffff'ffffu) == "the number of rows is 4294967295, expected 0 to 2147483647");
    CHECK(complaint(kGoneAt, 5u) == "the number of rows that are marked as not live is 4, expected 5");
    CHECK(complaint(kGoneAt, 13u) == "the number of rows that are not live is 13, expected 0 to 12");
    CHECK(complaint(kInsertionsAt, ~std::uint64_t{0}) == "nothing");
    CHECK(complaint(kNextIdAt, std::uint64_t{1} << 63).starts_with("the next id is 9223372036854775808"));
    CHECK(complaint(kNextIdAt, std::uint64_t{10}) == "the id of row 10 is 10, expected less than 10");
    CHECK(complaint(kEntryAt, 12u) == "the entry is 12, expected a slot below 12");
    CHECK(complaint(kFineAt, std::uint8_t{0}) == "the kind of codes is 0, expected 1 to 3");
    CHECK(complaint(kFineAt, std::uint8_t{4}) == "the kind of codes is 4, expected 1 to 3");
    CHECK(complaint(kFineAt, std::uint8_t{2}) ==
          "codes of u8 are in use with rows that are not whole numbers from 0 to 255");
    CHECK(complaint(kCoarseAt, std::uint8_t{2}) == "whether there are coarse codes is 2, expected 0 to 1");
    CHECK(complaint(kCoarseAt, std::uint8_t{1}) == "coarse codes stand without finer ones, expected both or none");
    CHECK(complaint(kZerosAt + kZeros - 1, std::uint8_t{1}) == "a reserved byte is 1, expected 0 to 0");
    CHECK(complaint(kLongestAt, bits(1)) == "norms are stored for metric l2, expected for ip only");
}

TEST_CASE("a traversal that does not serve the metric is refused") {
    using namespace format;
    const Bytes file = small_index(Metric::cosine);

    CHECK(complaint_about(with(file, kSettings, kTraversalAt, std::uint8_t{2})) ==
          "traversal u8 stands with metric cosine and dtype f32, expected one that serves them");
    CHECK(complaint_about(with(file, kSettings, kFineAt, std::uint8_t{2})) ==
          "traversal u8 stands with metric cosine and dtype f32, expected one that serves them");
}

TEST_CASE("a traversal in use other than the one that was asked for is refused") {
    using namespace format;
    const Bytes file = small_index();
    Options options;
    options.dim = 3;
    options.traversal = Traversal::sq8;

    CHECK(complaint_about(with(file, kSettings, kTraversalAt, std::uint8_t{3})) ==
          "the traversal in use is exact, expected sq8, which was asked for");
    CHECK(complaint_about(with(make_index(options, 5)->to_bytes(), kSettings, kFineAt, std::uint8_t{1})) ==
          "the traversal in use is exact, expected sq8, which was asked for");
    CHECK(complaint_about(with(make_index(options, 5)->to_bytes(), kSettings, kCoarseAt, std::uint8_t{1})) ==
          "the traversal in use is sq4, expected sq8, which was asked for");
    options.traversal = Traversal::sq4;
    CHECK(complaint_about(with(make_index(options, 5)->to_bytes(), kSettings, kCoarseAt, std::uint8_t{0})) ==
          "the traversal in use is sq8, expected sq4, which was asked for");
    CHECK(complaint_about(Index(options).to_bytes()) == "nothing");  // nobody has chosen yet
}

TEST_CASE("an empty index with an entry is refused") {
    const Bytes file = Index(all_kinds()[0]).to_bytes();

    CHECK(complaint_about(with(file, format::kSettings, format::kEntryAt, 1u)) ==
          "the entry of an empty index is 1, expected 0");
}

TEST_CASE("norms that do not fit the vectors are refused") {
    using namespace format;
    const Bytes file = small_index(Metric::ip);
    const auto outcome = [&](std::size_t at, double number) {
        return outcome_of(with(file, kSettings, at, std::bit_cast<std::uint64_t>(number)));
    };
    const auto longest = std::bit_cast<double>(number_at<std::uint64_t>(file, kSettings, kLongestAt));
    const auto shortest = std::bit_cast<double>(number_at<std::uint64_t>(file, kSettings, kShortestAt));
    constexpr double kInfinity = std::numeric_limits<double>::infinity();

    for (const double number : {-1.0, -0.0, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()})
        for (const std::size_t at : {kShortestAt, kLongestAt, kCeilingAt})
            CHECK(outcome(at, number) == Outcome::kCorrupt);
    CHECK(outcome(kLongestAt, std::nextafter(longest, 0)) == Outcome::kCorrupt);
    CHECK(outcome(kLongestAt, 1e200) == Outcome::kCorrupt);  // its square is infinite
    CHECK(outcome(kShortestAt, std::nextafter(shortest, kInfinity)) == Outcome::kCorrupt);
    CHECK(outcome(kCeilingAt, longest * longest * 1.001) == Outcome::kCorrupt);
    CHECK(outcome(kShortestAt, 0) == Outcome::kAccepted);  // of a vector that is no longer there
    CHECK(outcome(kCeilingAt, longest * longest * 0.5) == Outcome::kAccepted);
}

TEST_CASE("levels and states and ids that cannot be are refused") {
    using namespace format;
    const Bytes file = small_index();
    const auto entry = number_at<std::uint32_t>(file, kSettings, kEntryAt);
    const auto top = number_at<std::uint8_t>(file, kLevels, entry);
    REQUIRE(top > 0);
    const std::uint32_t other = entry == 0 ? 1 : 0;
    const auto complaint = [&](SectionKind kind, std::size_t at, auto number) {
        return complaint_about(with(file, kind, at, number));
    };

    CHECK(complaint(kLevels, other, std::uint8_t{17}).ends_with(" is 17, expected at most 16, or 255 for a copy"));
    CHECK(complaint(kLevels, other, std::uint8_t{16}).starts_with("the level of the entry"));
    CHECK(complaint(kLevels, entry, std::uint8_t(top + 1)).starts_with("the length of the upper links"));
    CHECK(complaint(kStates, 1, std::uint8_t{4}) == "the state of row 1 is 4, expected 0 to 3");
    CHECK(complaint(kStates, 1, std::uint8_t{2}) == "the number of rows that are marked as not live is 5, expected 4");
    CHECK(complaint(kIds, 8, ~std::uint64_t{0}) == "the id of row 1 is -1, expected 0 or more");
    CHECK(complaint(kIds, 8, std::uint64_t{12}) == "the id of row 1 is 12, expected less than 12");
    CHECK(complaint(kIds, 8, std::uint64_t{3}) == "id 3 stands for two live rows");
    CHECK(complaint(kIds, 8, std::uint64_t{2}) == "nothing");  // 2 was removed: its number is free
}

TEST_CASE("links that cannot be walked are refused") {
    using namespace format;
    const Bytes file = small_index();  // M is 2: a row of links has 4 lanes, an upper one 2
    std::vector<Piece> pieces = take_apart(file);
    const auto low = static_cast<std::uint32_t>(std::ranges::find(piece(pieces, kLevels), std::byte{0}) -
                                                piece(pieces, kLevels).begin());
    const auto first = number_at<std::uint32_t>(file, kLinks, 0);
    REQUIRE(first != 0);
    const auto complaint = [&](SectionKind kind, std::size_t at, std::uint32_t number) {
        return complaint_about(with(file, kind, at, number));
    };

    CHECK(complaint(kLinks, 0, 12u) == "a link of row 0 on level 0 is 12, expected a slot below 12");
    CHECK(complaint(kLinks, 0, 0xffff'ffffu) == "a link of row 0 on level 0 is 4294967295, expected a slot below 12");
    CHECK(complaint(kLinks, 4, first) == "row 0 on level 0 has two links to row " + std::to_string(first));
    CHECK(complaint(kLinks, 0, 0u) != "nothing");  // an empty lane before a link
    CHECK(complaint(kUpperLinks, 0, low).find("whose highest level is 0, expected 1 or more") != std::string::npos);
}

TEST_CASE("copies that are none, and links to copies, are refused") {
    using namespace format;
    const auto index = make_index({.dim = 3, .M = 2, .ef_construction = 8}, 12);
    add(*index, 12, 7);  // the same again: rows 12 to 23 are copies of 0 to 11
    const Bytes file = index->to_bytes();
    constexpr std::size_t kRow = 16;  // of links, in bytes
    const auto complaint = [&](SectionKind kind, std::size_t at, auto number) {
        return complaint_about(with(file, kind, at, number));
    };
    REQUIRE(index->graph_shape().copies == 12);
    REQUIRE(number_at<std::uint8_t>(file, kLevels, 12) == 255);
    REQUIRE(number_at<std::uint32_t>(file, kLinks, 12 * kRow) == 0);

    CHECK(complaint(kLinks, 12 * kRow, 1u) == "row 12 is a copy of row 1 and holds another vector");
    CHECK(complaint(kLinks, 12 * kRow, 12u) == "the number of links of row 12, a copy, is 0, expected 1");
    CHECK(complaint(kLinks, 12 * kRow + 4, 1u) == "the number of links of row 12, a copy, is 2, expected 1");
    CHECK(complaint(kLinks, 12 * kRow, 13u) ==
          "a link of row 12 on level 0 leads to row 13, which is a copy, expected a node");
    CHECK(complaint(kLinks, 0, 13u) == "a link of row 0 on level 0 leads to row 13, which is a copy, expected a node");
    CHECK(complaint(kLevels, number_at<std::uint32_t>(file, kSettings, kEntryAt), std::uint8_t{255}) != "nothing");
    CHECK(complaint(kLevels, 13, std::uint8_t{254}).ends_with("is 254, expected at most 16, or 255 for a copy"));
    CHECK(complaint(kSettings, kEntryAt, 12u).starts_with("the level of the entry"));
    CHECK(complaint(kRows, 12 * 16, 1u).ends_with("holds another vector"));
}

TEST_CASE("lanes beyond a row's links are refused unless they hold what they must") {
    using namespace format;
    Options options;
    options.dim = 3;
    options.M = 9;  // 18 lanes in a row of 32
    const Bytes file = make_index(options, 10)->to_bytes();
    constexpr std::size_t kLane = sizeof(std::uint32_t), kRow = 32 * kLane;

    CHECK(complaint_about(with(file, kLinks, 3 * kRow + 18 * kLane, 1u)) ==
          "lane 18 of the links of row 3 on level 0, after the last link, is 1, expected 0");
    CHECK(complaint_about(with(file, kLinks, 3 * kRow + 17 * kLane, 1u)) ==
          "lane 17 of the links of row 3 on level 0, after the last link, is 1, expected 3");
}

TEST_CASE("vectors that could not have been added are refused") {
    const auto complaint = [](Metric metric, Dtype dtype, auto number) {
        return complaint_about(with(small_index(metric, dtype), format::kRows, 0, number));
    };
    const auto float_bits = [](float number) { return std::bit_cast<std::uint32_t>(number); };
    constexpr float kInfinity = std::numeric_limits<float>::infinity();

    CHECK(complaint(Metric::l2, Dtype::f32, float_bits(std::numeric_limits<float>::quiet_NaN())) == "row 0 holds NaN");
    CHECK(complaint(Metric::ip, Dtype::f32, float_bits(-kInfinity)).starts_with("row 0 holds infinity"));
    CHECK(complaint(Metric::l2, Dtype::f16, std::uint16_t{0x7e00}) == "row 0 holds NaN");
    CHECK(complaint(Metric::l2, Dtype::f16, std::uint16_t{0xfc00}).starts_with("row 0 holds infinity"));
    CHECK(complaint(Metric::cosine, Dtype::bf16, std::uint16_t{0x7fc0}) == "row 0 holds NaN");
    for (const Dtype dtype : {Dtype::f32, Dtype::f16, Dtype::bf16, Dtype::i8, Dtype::u8}) {
        std::vector<Piece> pieces = take_apart(small_index(Metric::cosine, dtype));
        const auto row = std::span(piece(pieces, format::kRows)).first(stored_bytes(dtype, 3));
        std::ranges::fill(row, std::byte{0});
        CHECK(complaint_about(put_together(pieces)).starts_with("row 0 is all zeros"));
    }
}

TEST_CASE("bytes between vectors that are not zero are refused") {
    CHECK(complaint_about(with(small_index(), format::kRows, 16 + 15, std::uint8_t{1})) ==
          "row 1 is followed by bytes that are not zero");
}

TEST_CASE("a graph in which nothing leads anywhere is read and answers what can be answered") {
    std::vector<Piece> pieces = take_apart(small_index());
    const auto empty = [&](SectionKind kind, std::size_t row, std::size_t width, std::uint32_t slot) {
        for (std::size_t lane = 0; lane < width; ++lane)
            store_number<std::uint32_t>(piece(pieces, kind), (row * width + lane) * sizeof(slot), slot);
    };
    std::size_t upper = 0;
    for (std::uint32_t slot = 0; slot < 12; ++slot) {
        if (piece(pieces, format::kStates)[slot] == std::byte{0}) continue;  // vacant
        empty(format::kLinks, slot, 4, slot);
        for (auto level = std::to_integer<int>(piece(pieces, format::kLevels)[slot]); level > 0; --level)
            empty(format::kUpperLinks, upper++, 2, slot);
    }

    const auto loaded = from_bytes(put_together(pieces));

    CHECK(loaded->size() == 8);
    CHECK(search(*loaded, 5, 1).counts == std::vector<std::int64_t>(5, 3));
    add(*loaded, 20, 2);
    CHECK(search(*loaded, 5, 1).counts == std::vector<std::int64_t>(5, 3));
}
