// MinHash as SuperMinHash (Ertl 2017): each element of a set is thrown at all positions of the signature in an order
// of its own, and each position keeps its smallest throw. Two sets agree at a position with probability Jaccard,
// exactly; positions of one signature repel each other, so that a share of equal positions varies less than with
// independent functions, most of all for short sets, where one-permutation schemes fill their gaps with copies.
//
// An element's j-th throw lies between j and j + 1, so that elements after the first few stop after a few throws: some
// m ln m steps for a set, whatever its size, where m independent functions take m steps an element.
#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/random.hpp"
#include "hash/family.hpp"

namespace vicinal::families {
namespace {

class SuperMinHash final : public Family {
public:
    using Family::Family;

    void hash(const Items& items, std::size_t i, std::uint32_t* values, float* /*slack*/,
              Scratch& scratch) const override {
        const auto m = static_cast<std::uint32_t>(hashes());
        // The throw's whole part above, its fraction below.
        std::vector<std::uint64_t>& least = scratch.words;
        least.assign(m, std::numeric_limits<std::uint64_t>::max());
        // Of each position: where it stands in the element's order, which element last touched it; how many positions
        // have their smallest throw in [j, j + 1).
        std::vector<std::uint32_t>& places = scratch.integers;
        places.assign(std::size_t{3} * m, 0);
        std::uint32_t* order = places.data();
        std::uint32_t* touched = order + m;
        std::uint32_t* holding = touched + m;
        holding[m - 1] = m;
        std::uint32_t highest = m - 1;  // no position's smallest throw lies above highest + 1

        std::uint32_t element = 0;
        for (const Token token : items.sets.set(i)) {
            ++element;
            const std::uint64_t own = draw(settings().seed, token);
            for (std::uint32_t j = 0; j <= highest; ++j) {
                const std::uint64_t word = draw_next(own, j);
                const std::uint32_t k = j + below(static_cast<std::uint32_t>(word >> 32), m - j);
                refresh(order, touched, element, j);
                refresh(order, touched, element, k);
                std::swap(order[j], order[k]);
                const std::uint64_t thrown = std::uint64_t{j} << 32 | (word & 0xffffffffu);
                std::uint64_t& kept = least[order[j]];
                if (thrown >= kept) continue;
                const auto before = static_cast<std::uint32_t>(std::min<std::uint64_t>(kept >> 32, m - 1));
                kept = thrown;
                if (j == before) continue;
                --holding[before];
                ++holding[j];
                while (holding[highest] == 0) --highest;
            }
        }
        // Folded: two different throws are taken for one in one case of four billion.
        for (std::uint32_t at = 0; at < m; ++at) values[at] = static_cast<std::uint32_t>(mix(least[at]) >> 32);
    }

private:
    static std::uint64_t draw_next(std::uint64_t own, std::uint32_t j) {
        return mix(own + std::uint64_t{j} * 0x9e3779b97f4a7c15u);
    }
    static std::uint32_t below(std::uint32_t random, std::uint32_t bound) {
        return static_cast<std::uint32_t>(std::uint64_t{random} * bound >> 32);
    }
    static void refresh(std::uint32_t* order, std::uint32_t* touched, std::uint32_t element, std::uint32_t at) {
        if (touched[at] == element) return;
        touched[at] = element;
        order[at] = at;
    }
};

}  // namespace

std::unique_ptr<Family> minhash(const FamilySettings& settings) { return std::make_unique<SuperMinHash>(settings); }

}  // namespace vicinal::families
