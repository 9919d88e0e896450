// Files that hold the codes of a tier, and files that lie about them.
#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "base/errors.hpp"
#include "persist/format.hpp"
#include "persist_repair.hpp"

using namespace vicinal;
using namespace vicinal::testing;
using namespace vicinal::format;

namespace {

Bytes file_of(Traversal traversal, Tier vectors = Tier::memory) {
    Options options;
    options.dim = 19;
    options.M = 4;
    options.traversal = traversal;
    options.vectors = vectors;
    return make_index(options, 20, 3)->to_bytes();
}

bool is_refused_for(const Bytes& file, const std::string& what) {
    try {
        from_bytes(file);
    } catch (const CorruptIndexError& error) {
        CAPTURE(error.what());
        return std::strstr(error.what(), what.c_str()) != nullptr;
    }
    return false;
}

void drop(std::vector<Piece>& pieces, SectionKind kind) {
    std::erase_if(pieces, [kind](const Piece& piece) { return piece.kind == kind; });
}

}  // namespace

TEST_CASE("codes are in files of a tier, and in no others") {
    const auto has_codes = [](const Bytes& file) {
        const std::vector<Piece> pieces = take_apart(file);
        return std::ranges::count(pieces, kCodes, &Piece::kind) +
               std::ranges::count(pieces, kCodeFactors, &Piece::kind);
    };
    for (const Traversal codes : {Traversal::code2, Traversal::code4, Traversal::code8})
        CHECK(has_codes(file_of(codes)) == 2);
    for (const Traversal plain : {Traversal::sq8, Traversal::sq4, Traversal::exact})
        CHECK(has_codes(file_of(plain)) == 0);
}

TEST_CASE("codes that are missing, stray, cut short or cannot be are refused") {
    const Bytes file = file_of(Traversal::code2, Tier::disk);
    for (const SectionKind kind : {kCodes, kCodeFactors}) {
        std::vector<Piece> pieces = take_apart(file);
        drop(pieces, kind);
        CHECK(is_refused_for(put_together(pieces), "it has no codes, expected those that walks stand on"));
        pieces = take_apart(file_of(Traversal::exact));
        pieces.push_back({kind, Bytes(20)});
        CHECK(is_refused_for(put_together(pieces), "it has codes, expected none"));
        pieces = take_apart(file);
        piece(pieces, kind).pop_back();
        CHECK(is_refused_for(put_together(pieces), "the length of the "));
    }
    CHECK(is_refused_for(with(file, kCodeFactors, 0, 0x7fc0'0000U), "the factors of the code of row 0 are not finite"));
    CHECK(is_refused_for(with(file, kCodeFactors, 4, 0x7f80'0000U), "the factors of the code of row 0 are not finite"));
    CHECK(is_refused_for(with(file, kSettings, kTraversalAt, std::uint8_t{6}), "the length of the codes"));
    CHECK(is_refused_for(with(file, kSettings, kTraversalAt, std::uint8_t{1}), "without codes, expected both or none"));
    CHECK(
        is_refused_for(with(file, kSettings, kTierAt, std::uint8_t{2}), "where rows are to lie is 2, expected 0 to 1"));
    CHECK(is_refused_for(with(file, kSettings, kFineAt, std::uint8_t{3}), "codes of its own choice stand beside"));
    CHECK(is_refused_for(with(file, kSettings, kJudgeAtAt, 0U), "the traversal in use is exact, expected 2bit"));
}

TEST_CASE("codes that are not those of their rows mislead a walk and no answer") {
    const Bytes file = file_of(Traversal::code2);
    std::vector<Piece> pieces = take_apart(file);
    std::ranges::replace_if(  // vacant rows have to stay zeros
        piece(pieces, kCodes), [](std::byte byte) { return byte != std::byte{0}; }, std::byte{0x5a});
    const auto index = from_bytes(put_together(pieces));
    const Answers found = search(*index, 10, 3, {.k = 3, .ef = 4});
    const Answers truth = search(*index, 10, 3, {.k = 20, .exact = true});
    for (std::size_t i = 0; i < found.ids.size(); ++i) {
        const auto row = truth.ids.begin() + static_cast<std::ptrdiff_t>(i / 3 * 20);
        const auto at = std::find(row, row + 20, found.ids[i]);
        CHECK(truth.distances[static_cast<std::size_t>(at - truth.ids.begin())] == found.distances[i]);
    }
}
