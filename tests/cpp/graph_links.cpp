// Rows of links: what a reader sees, also of a row that is being rewritten.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "graph/links.hpp"

namespace {

using vicinal::Links;
using vicinal::Slot;

constexpr std::uint32_t kSelf = 7;

std::vector<std::uint32_t> read(const Links& links) {
    std::vector<std::uint32_t> slots;
    links.for_each([&](std::uint32_t slot) { slots.push_back(slot); });
    return slots;
}

}  // namespace

TEST_CASE("links are read back as they were written, however many") {
    for (std::size_t degree = 0; degree <= 8; ++degree) {
        std::vector<std::uint32_t> words(8, 99);
        Links links(words.data(), words.size(), Slot{kSelf});
        std::vector<std::uint32_t> slots;
        for (std::uint32_t i = 0; i < degree; ++i) slots.push_back(20 + i);

        links.write(slots);

        CHECK(read(links) == slots);
        CHECK(links.degree() == degree);
    }
}

TEST_CASE("a full row needs no end") {
    std::vector<std::uint32_t> words{1, 2, 3, 4, 55};
    const Links links(words.data(), 4, Slot{kSelf});

    CHECK(read(links) == std::vector<std::uint32_t>{1, 2, 3, 4});
    CHECK(links.degree() == 4);
}

TEST_CASE("a shorter list leaves nothing of a longer one behind") {
    std::vector<std::uint32_t> words(6, kSelf);
    Links links(words.data(), words.size(), Slot{kSelf});
    const std::vector<std::uint32_t> longer{1, 2, 3, 4, 5, 6};
    const std::vector<std::uint32_t> shorter{9};

    links.write(longer);
    links.write(shorter);

    CHECK(words == std::vector<std::uint32_t>{9, kSelf, kSelf, kSelf, kSelf, kSelf});
}

TEST_CASE("an appended link comes last and is there at once") {
    std::vector<std::uint32_t> words(3, kSelf);
    Links links(words.data(), words.size(), Slot{kSelf});

    links.put(0, 4);
    CHECK(read(links) == std::vector<std::uint32_t>{4});
    links.put(1, 5);
    links.put(2, 6);

    CHECK(read(links) == std::vector<std::uint32_t>{4, 5, 6});
}

TEST_CASE("slot zero is a link like others") {
    std::vector<std::uint32_t> words(2, kSelf);
    Links links(words.data(), words.size(), Slot{kSelf});

    links.put(0, 0);

    CHECK(read(links) == std::vector<std::uint32_t>{0});
}

TEST_CASE("a row that is half rewritten is read up to its first empty lane, new links first and old ones after") {
    std::vector<std::uint32_t> words{1, 2, 3, 4, kSelf, kSelf};
    const Links links(words.data(), words.size(), Slot{kSelf});

    // The first two lanes of {11, 12, 13, 14, 15, 16} have been stored.
    words[0] = 11;
    words[1] = 12;
    CHECK(read(links) == std::vector<std::uint32_t>{11, 12, 3, 4});

    // The first two of {21} have been.
    words[0] = 21;
    words[1] = kSelf;
    CHECK(read(links) == std::vector<std::uint32_t>{21});
}

TEST_CASE("a reader beside a writer meets links of the old list or of the new one and nothing else") {
    std::vector<std::uint32_t> words(8, kSelf);
    Links links(words.data(), words.size(), Slot{kSelf});
    const std::vector<std::uint32_t> longer{10, 11, 12, 13, 14, 15, 16, 17};
    const std::vector<std::uint32_t> shorter{20, 21, 22};
    std::atomic<bool> over{false};
    std::atomic<bool> foreign{false};

    std::thread reader([&] {
        while (!over)
            links.for_each([&](std::uint32_t slot) {
                if ((slot < 10 || slot > 17) && (slot < 20 || slot > 22)) foreign = true;
            });
    });
    for (int round = 0; round < 20'000; ++round) {
        links.write(longer);
        links.write(shorter);
        links.put(3, 17);
    }
    over = true;
    reader.join();

    CHECK_FALSE(foreign);
}
