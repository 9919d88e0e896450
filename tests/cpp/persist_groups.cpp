// Groups as a section of a saved index: there when rows have them, and trusted as little as the others.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "index/index.hpp"
#include "persist_repair.hpp"

namespace {

using namespace vicinal;
using namespace vicinal::testing;
using Groups = std::vector<std::int64_t>;

constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
const Groups kGroupsGiven{3, -1, kLeast, 3, 9, 9, 9, 0, 1, 2, 3, 4};
const Groups kIds{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

Options small_options() {
    Options options;
    options.dim = 3;
    options.M = 2;
    options.ef_construction = 8;
    return options;
}

std::unique_ptr<Index> grouped_index() {
    auto index = std::make_unique<Index>(small_options());
    Watch nobody;
    const Bytes vectors = random_vectors(index->options(), kGroupsGiven.size(), 7);
    index->add(vectors.data(), kGroupsGiven.size(), {}, 1, nobody, kGroupsGiven);
    return index;
}

std::string complaint_about(std::span<const std::byte> file) {
    try {
        from_bytes(file);
        return "nothing";
    } catch (const CorruptIndexError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("groups come back from bytes and lead to the same bytes and answers") {
    const auto index = grouped_index();
    const Bytes file = index->to_bytes();

    const auto again = from_bytes(file);

    CHECK(again->groups(kIds) == kGroupsGiven);
    CHECK(again->to_bytes() == file);
    const SearchOptions asked{.k = 4, .ef = 4, .per_group = 1};
    CHECK(search(*again, 5, 3, asked) == search(*index, 5, 3, asked));
    CHECK(again->memory().ids == index->memory().ids);
}

TEST_CASE("a file without groups is the index without them") {
    std::vector<Piece> pieces = take_apart(grouped_index()->to_bytes());
    std::erase_if(pieces, [](const Piece& one) { return one.kind == format::kGroups; });

    const auto index = from_bytes(put_together(pieces));

    CHECK(index->to_bytes() == make_index(small_options(), kGroupsGiven.size())->to_bytes());
    CHECK_THROWS_AS(index->groups(kIds), InvalidArgumentError);
}

TEST_CASE("groups of another number than the rows are refused even with repaired checksums") {
    for (const int change : {-8, -1, 1, 8}) {
        CAPTURE(change);
        std::vector<Piece> pieces = take_apart(grouped_index()->to_bytes());
        Bytes& groups = piece(pieces, format::kGroups);
        groups.resize(static_cast<std::size_t>(static_cast<int>(groups.size()) + change));

        CHECK(complaint_about(put_together(pieces)).find("the length of the groups is") != std::string::npos);
    }
}

TEST_CASE("groups of an empty index are refused") {
    std::vector<Piece> pieces = take_apart(Index(small_options()).to_bytes());
    pieces.push_back({format::kGroups, {}});

    CHECK(complaint_about(put_together(pieces)).find("groups and no rows") != std::string::npos);
}

TEST_CASE("every flipped bit of stored groups is refused, and with a right checksum it is another group") {
    const Bytes file = grouped_index()->to_bytes();
    OpenFile open(file);
    const std::span<std::byte> groups = open.section(format::kGroups);
    const auto at =
        static_cast<std::size_t>(std::search(file.begin(), file.end(), groups.begin(), groups.end()) - file.begin());
    for (std::size_t bit = 0; bit < groups.size() * 8; ++bit) {
        const auto mask = static_cast<std::byte>(1U << bit % 8);
        Bytes damaged = file;
        damaged[at + bit / 8] ^= mask;
        CHECK(complaint_about(damaged) != "nothing");
    }
    groups[0] ^= std::byte{1};
    CHECK(from_bytes(open.repair())->groups(Groups{0}) == Groups{2});
}

TEST_CASE("an add that is refused leaves no trace of its groups") {
    Index index(small_options());
    const Bytes empty = index.to_bytes();
    const Bytes vectors = random_vectors(index.options(), 2, 1);
    Watch nobody;

    CHECK_THROWS_AS(index.add(vectors.data(), 2, Groups{5, 5}, 1, nobody, Groups{1, 2}), DuplicateIdError);
    CHECK_THROWS_AS(index.add(vectors.data(), 2, {}, 1, nobody, Groups{1}), InvalidArgumentError);

    CHECK(index.to_bytes() == empty);
    index.add(vectors.data(), 2, {}, 1, nobody);
    CHECK_THROWS_AS(index.add(vectors.data(), 2, {}, 1, nobody, Groups{1, 2}), InvalidArgumentError);
    CHECK(index.size() == 2);
}
