// Files that someone made to deceive: values changed, every checksum right. What is not refused must be an index in
// every respect.
//
// 100 000 mutations by default; VICINAL_MUTATIONS=5000000 for a long run, VICINAL_SEED for another one.
#include <doctest/doctest.h>

#include <array>
#include <cstdlib>
#include <limits>

#include "base/errors.hpp"
#include "base/random.hpp"
#include "persist_repair.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

using Random = std::mt19937_64;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// One of each shape that matters: with and without factors, lifted, walked on codes, padded rows, padded links, many
// levels, removed rows, copies, groups, codes of a tier, one vector, none.
std::vector<Bytes> originals() {
    const auto kind = [](Metric metric, Dtype dtype, std::size_t dim, std::size_t M,
                         Traversal traversal = Traversal::automatic) {
        Options options;
        options.traversal = traversal;
        options.dim = dim;
        options.metric = metric;
        options.dtype = dtype;
        options.M = M;
        options.ef_construction = 8;
        return options;
    };
    const auto copied = make_index(kind(Metric::cosine, Dtype::f32, 3, 2), 12, 3);
    add(*copied, 14, 7);
    const auto grouped = std::make_unique<Index>(kind(Metric::l2, Dtype::f32, 3, 2));
    const Bytes rows = random_vectors(grouped->options(), 16, 5);
    const std::vector<std::int64_t> groups{0, 0, 1, 1, 2, -3, 2, 1, 0, 5, 5, 5, 0, 1, 2, 7};
    Watch nobody;
    grouped->add(rows.data(), groups.size(), {}, 1, nobody, groups);
    grouped->remove(std::vector<std::int64_t>{2, 9});
    return {copied->to_bytes(),
            grouped->to_bytes(),
            make_index(kind(Metric::l2, Dtype::f32, 3, 2), 30, 4)->to_bytes(),
            make_index(kind(Metric::ip, Dtype::f32, 4, 2), 25, 0)->to_bytes(),
            make_index(kind(Metric::ip, Dtype::u8, 5, 3), 20, 5)->to_bytes(),
            make_index(kind(Metric::cosine, Dtype::f16, 5, 3), 20, 3)->to_bytes(),
            make_index(kind(Metric::cosine, Dtype::i8, 7, 2), 30, 0)->to_bytes(),
            make_index(kind(Metric::l2, Dtype::bf16, 33, 9), 24, 6)->to_bytes(),
            make_index(kind(Metric::hamming, Dtype::b1, 24, 2), 12, 2)->to_bytes(),
            make_index(kind(Metric::jaccard, Dtype::b1, 16, 4), 16, 0)->to_bytes(),
            make_index(kind(Metric::l2, Dtype::f32, 2, 2), 1)->to_bytes(),
            make_index(kind(Metric::ip, Dtype::f32, 2, 2), 0)->to_bytes(),
            make_index(kind(Metric::l2, Dtype::f32, 6, 2, Traversal::u8), 20, 4)->to_bytes(),
            make_index(kind(Metric::cosine, Dtype::f16, 9, 2, Traversal::sq8), 20, 0)->to_bytes(),
            make_index(kind(Metric::l2, Dtype::f16, 9, 2, Traversal::code2), 20, 4)->to_bytes(),
            make_index(kind(Metric::ip, Dtype::f32, 5, 2, Traversal::code8), 16, 0)->to_bytes()};
}

// Numbers at which arithmetic and comparisons turn.
std::uint64_t telling_number(Random& random, std::size_t count) {
    const std::uint64_t numbers[] = {0,
                                     1,
                                     2,
                                     count - 1,
                                     count,
                                     count + 1,
                                     random() % (count + 1),
                                     random() % (count + 1),
                                     random() % (count + 1),
                                     0x7f,
                                     0xff,
                                     0x7c00,       // infinity as a float16,
                                     0x7f80,       // as a bfloat16
                                     0x7f80'0000,  // and as a float32
                                     0x7fc0'0000,  // NaN
                                     0x7f7f'ffff,  // the largest float32
                                     0x8000'0000,  // -0; the first number of 32 bits that is no slot
                                     0x7fff'ffff,
                                     0xffff'ffff,
                                     0x7ff0'0000'0000'0000u,  // infinity as a double
                                     0x7fef'ffff'ffff'ffffu,  // the largest double
                                     0x7fff'ffff'ffff'ffffu,
                                     0x8000'0000'0000'0000u,
                                     ~std::uint64_t{0},
                                     random(),
                                     random() >> random() % 64};
    return numbers[random() % std::size(numbers)];
}

void change_a_number(std::span<std::byte> bytes, Random& random, std::size_t count) {
    const std::size_t width = std::min<std::size_t>(std::size_t{1} << random() % 4, bytes.size());
    const std::size_t at = random() % (bytes.size() / width) * width;
    std::uint64_t number = telling_number(random, count);
    if (random() % 4 == 0) number = std::to_integer<std::uint64_t>(bytes[at]) ^ (1u << random() % 8);
    for (std::size_t i = 0; i < width; ++i, number >>= 8) bytes[at + i] = static_cast<std::byte>(number & 0xffu);
}

// As many bytes elsewhere: links of another row, an id twice.
void copy_a_piece(std::span<std::byte> bytes, Random& random) {
    const std::size_t unit = std::min<std::size_t>(std::size_t{1} << (2 + random() % 4), bytes.size());
    const std::size_t units = bytes.size() / unit;
    std::memmove(&bytes[random() % units * unit], &bytes[random() % units * unit], unit);
}

SectionKind some_section(Random& random) {
    using namespace format;
    constexpr std::array kOften{kSettings, kSettings, kLinks, kLinks,  kLinks, kUpperLinks, kUpperLinks,
                                kLevels,   kLevels,   kIds,   kStates, kRows,  kRows};
    return kOften[random() % kOften.size()];
}

Bytes with_other_lengths(std::span<const std::byte> file, Random& random) {
    std::vector<Piece> pieces = take_apart(file);
    const std::size_t settings_last = 1 + random() % (pieces.size() - 1);
    Bytes& changed = pieces[settings_last].bytes;
    changed.resize(changed.size() + random() % 65 - std::min<std::size_t>(changed.size(), random() % 65));
    if (random() % 2 == 0) change_a_number(pieces[0].bytes, random, 30);
    return put_together(pieces);
}

Bytes mutate(const OpenFile& original, std::span<const std::byte> bytes, std::size_t count, Random& random) {
    if (random() % 64 == 0) return with_other_lengths(bytes, random);
    OpenFile file(original);
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
        const std::span<std::byte> section = file.section(some_section(random));
        if (section.empty()) continue;
        if (random() % 8 == 0)
            copy_a_piece(section, random);
        else
            change_a_number(section, random, count);
    }
    const std::span<const std::byte> repaired = file.repair();
    return {repaired.begin(), repaired.end()};
}

bool has_groups(const Index& index) {
    try {
        index.groups({});
        return true;
    } catch (const InvalidArgumentError&) {
        return false;
    }
}

void add_where_ids_are_left(Index& index, bool grouped, unsigned seed) {
    constexpr std::size_t kAdded = 3;
    const Bytes vectors = random_vectors(index.options(), kAdded, seed);
    const std::vector<std::int64_t> groups(grouped ? kAdded : 0, 5);
    Watch watch;
    try {
        index.add(vectors.data(), kAdded, {}, 1, watch, groups);
    } catch (const InvalidArgumentError&) {  // the largest id is taken, so the next has no number
        for (std::int64_t id = 0;; ++id) {
            if (index.contains(id)) continue;
            index.add(vectors.data(), 1, {&id, 1}, 1, watch, std::span(groups).first(grouped ? 1 : 0));
            return;
        }
    }
}

// Everything one can do with an index. Its own file must be one that can be read.
void use(Index& index, unsigned seed) {
    search(index, 2, seed);
    search(index, 1, seed, {.k = 5, .exact = true});
    std::vector<std::uint8_t> mask(index.size());
    for (std::size_t i = 0; i < mask.size(); i += 2) mask[i] = 1;
    const Filter filter{nullptr, mask};
    search(index, 1, seed, {.k = 1, .ef = 1, .filters = {&filter, 1}});
    const bool grouped = has_groups(index);  // or has no rows yet, and may have them
    if (grouped) search(index, 1, seed, {.k = 5, .per_group = 1});
    index.graph_shape();
    add_where_ids_are_left(index, grouped, seed);
    const std::vector<std::int64_t> ids = index.ids();
    Bytes vectors(ids.size() * given_bytes(index.options().dtype, index.options().dim));
    index.get(ids, vectors.data());
    index.remove(std::span(ids).first(std::min<std::size_t>(ids.size(), 4)));
    search(index, 2, seed + 1);
    const Bytes bytes = index.to_bytes();
    if (from_bytes(bytes)->to_bytes() != bytes) throw std::logic_error("a file that does not come back as it was");
}

}  // namespace

TEST_CASE("a damaged file with right checksums is refused or is an index in every respect") {
    const std::uint64_t rounds = number_from_environment("VICINAL_MUTATIONS", 100'000);
    const std::uint64_t seed = number_from_environment("VICINAL_SEED", 41);
    const std::vector<Bytes> files = originals();
    std::vector<OpenFile> open_files;
    for (const Bytes& file : files) open_files.emplace_back(file);
    std::uint64_t used = 0, refused = 0;

    for (std::uint64_t round = 0; round < rounds; ++round) {
        Random random(draw(seed, round));
        const std::size_t which = random() % files.size();
        const std::size_t count = open_files[which].section(format::kLevels).size();
        const Bytes damaged = mutate(open_files[which], files[which], count, random);
        INFO("seed " << seed << ", round " << round << ", file " << which);
        std::unique_ptr<Index> index;
        try {
            index = from_bytes(damaged);
        } catch (const CorruptIndexError&) {
            ++refused;
            continue;
        }
        REQUIRE_NOTHROW(use(*index, static_cast<unsigned>(round)));
        ++used;
    }

    MESSAGE(refused << " refused, " << used << " loaded and used");
    CHECK(refused + used == rounds);
    CHECK(refused > rounds / 10);
    CHECK(used > rounds / 10);
}
