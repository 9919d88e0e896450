// Files of an index of buckets that are damaged, or made to deceive.
//
// 20 000 mutations by default; VICINAL_MUTATIONS for a long run, VICINAL_SEED for another one.
#include <cstdlib>
#include <cstring>
#include <random>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "file/checksum.hpp"
#include "file/container_read.hpp"
#include "file/container_write.hpp"
#include "file/little_endian.hpp"
#include "file_faulty_disk.hpp"
#include "file_folder.hpp"
#include "flipped_bits.hpp"
#include "lsh_samples.hpp"
#include "persist/lsh_format.hpp"
#include "persist/lsh_write.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

using Bytes = std::vector<std::byte>;

Bytes a_file(const LshSettings& settings, std::size_t n) {
    LshIndex index(settings);
    add(index, n, 3);
    if (n > 3) remove(index, {2});
    return bytes_of(index);
}

bool is_refused(std::span<const std::byte> bytes) {
    try {
        lsh_from_bytes(bytes);
        return false;
    } catch (const CorruptIndexError&) {
        return true;
    } catch (const NotAnIndexError&) {
        return true;
    } catch (const FormatTooNewError&) {
        return true;
    }
}

struct Piece {
    SectionKind kind;
    Bytes bytes;
};

std::vector<Piece> take_apart(std::span<const std::byte> file) {
    const MemorySource source(file);
    Container container = Container::parse(source, {lsh_format::kVersion, lsh_format::kKinds});
    std::vector<Piece> pieces;
    for (const Section& section : container.sections()) {
        pieces.push_back({section.kind, Bytes(static_cast<std::size_t>(section.length))});
        container.read(section.kind, pieces.back().bytes);
    }
    return pieces;
}

Bytes put_together(const std::vector<Piece>& pieces) {
    std::vector<SectionToWrite> sections;
    for (const Piece& piece : pieces) sections.push_back({piece.kind, {Strip(std::span(piece.bytes))}});
    Bytes file;
    MemorySink sink(file);
    write_container(sink, lsh_format::kVersion, sections);
    return file;
}

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Bytes mutate(std::span<const std::byte> file, std::mt19937_64& random) {
    std::vector<Piece> pieces = take_apart(file);
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
        Bytes& bytes = pieces[random() % 3 == 0 ? 0 : random() % pieces.size()].bytes;
        if (random() % 16 == 0)
            bytes.resize(bytes.size() + random() % 33 - std::min<std::size_t>(bytes.size(), random() % 33));
        if (bytes.empty()) continue;
        const std::size_t width = std::min<std::size_t>(std::size_t{1} << random() % 4, bytes.size());
        const std::size_t at = random() % (bytes.size() / width) * width;
        const std::uint64_t numbers[] = {0,
                                         1,
                                         2,
                                         5,
                                         random() % 40,
                                         0x7f80'0000,
                                         ~0ull,
                                         0x7fff'ffff,
                                         0x8000'0000,
                                         random(),
                                         random() >> random() % 64,
                                         1 << 16,
                                         1 << 23,
                                         0x7ff0'0000'0000'0000u};
        std::uint64_t number = numbers[random() % std::size(numbers)];
        for (std::size_t i = 0; i < width; ++i, number >>= 8) bytes[at + i] = static_cast<std::byte>(number & 0xffu);
    }
    return put_together(pieces);
}

// Everything one can do with it; its own file must come back as it was.
void use(LshIndex& index) {
    const bool probes = can_probe(index.settings().family.name);
    Items none;
    Watch nobody;
    if (index.settings().family.dim == kLshDim || index.settings().family.dim == 0) {
        search(index, 3, 5, {.k = 2, .probes = probes ? 3u : 1u, .rerank = 3});
        if (index.ids().empty() || index.ids().back() < (std::int64_t{1} << 62)) {
            Overflow overflow;
            const auto sample = lsh_sample(index.settings(), 2, 7);
            const std::vector<std::int64_t> ids{std::int64_t{1} << 62, (std::int64_t{1} << 62) + 1};
            index.add(sample->items, ids, 1, nobody, overflow);
        }
    }
    index.shape(1, nobody);
    const std::vector<std::int64_t> ids = index.ids();
    remove(index, {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(ids.size(), 2))});
    const Bytes bytes = bytes_of(index);
    if (bytes_of(*lsh_from_bytes(bytes)) != bytes) throw std::logic_error("a file that does not come back as it was");
}

}  // namespace

TEST_CASE("a file of buckets with any bit flipped, or cut anywhere, is refused") {
    const Bytes file = a_file(lsh_settings(FamilyName::minhash, true), 5);
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < trial::flipped_bits(file.size()); i += 7) {
        Bytes damaged = file;
        damaged[i * trial::kBitStep / 8] ^= static_cast<std::byte>(1u << i * trial::kBitStep % 8);
        accepted += is_refused(damaged) ? 0u : 1u;
    }
    for (std::size_t length = 0; length < file.size(); length += 11)
        accepted += is_refused(std::span(file).first(length)) ? 0u : 1u;
    CHECK(accepted == 0);
    CHECK_FALSE(is_refused(file));
}

TEST_CASE("a file of buckets made to deceive is refused or is an index in every respect") {
    const std::uint64_t rounds = from_environment("VICINAL_MUTATIONS", 20'000);
    const std::uint64_t seed = from_environment("VICINAL_SEED", 43);
    std::vector<Bytes> files;
    for (const LshSettings& settings : lsh_kinds()) files.push_back(a_file(settings, 12));
    files.push_back(a_file(lsh_settings(FamilyName::pstable), 0));
    std::uint64_t used = 0, refused = 0;

    for (std::uint64_t round = 0; round < rounds; ++round) {
        std::mt19937_64 random(draw(seed, round));
        const Bytes damaged = mutate(files[random() % files.size()], random);
        INFO("seed " << seed << ", round " << round);
        std::unique_ptr<LshIndex> index;
        try {
            index = lsh_from_bytes(damaged);
        } catch (const CorruptIndexError&) {
            ++refused;
            continue;
        }
        REQUIRE_NOTHROW(use(*index));
        ++used;
    }

    MESSAGE(refused << " refused, " << used << " loaded and used");
    CHECK(refused > rounds / 10);
    CHECK(used > rounds / 10);
}

TEST_CASE("a save of buckets that fails at any call of the disk leaves the old file as it was") {
    const LshSettings settings = lsh_settings(FamilyName::simhash);
    const auto stored = [&](std::uint64_t seed) {
        LshIndex index(settings);
        add(index, 50, seed);
        Watch nobody;
        const Bytes bytes = bytes_of(index);
        return read_lsh(MemorySource(bytes), nobody);
    };
    const StoredLsh before = stored(1), after = stored(2);
    Watch nobody;
    const Bytes old_bytes = lsh_as_bytes(before.view, settings, before.next_id, nobody);
    const std::string old_text(reinterpret_cast<const char*>(old_bytes.data()), old_bytes.size());
    std::size_t failures = 0;
    for (std::size_t call = 0;; ++call) {
        const Folder folder;
        PosixDisk sound;
        write_lsh(sound, folder.at("index"), before.view, settings, before.next_id, nobody);
        FaultyDisk disk(call, Fault::kOnce);
        try {
            write_lsh(disk, folder.at("index"), after.view, settings, after.next_id, nobody);
        } catch (const IoError&) {
            ++failures;
            CHECK(content_of(folder.at("index")) == old_text);
            continue;
        }
        if (disk.failed_call().empty()) break;
    }
    CHECK(failures > 5);
}
