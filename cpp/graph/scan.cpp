#include "graph/scan.hpp"

#include <algorithm>
#include <array>

namespace vicinal {

std::size_t next_rows(const ScanRows& rows, std::uint32_t& at, std::uint32_t end, std::span<std::uint32_t> slots) {
    std::size_t n = 0;
    if (rows.admitted != nullptr)
        n = rows.admitted->list(at, end, slots);
    else
        for (; at < end && n < slots.size(); ++at) slots[n++] = at;
    if (rows.gone == nullptr) return n;
    const auto first = slots.begin(), last = first + static_cast<std::ptrdiff_t>(n);
    return static_cast<std::size_t>(
        std::remove_if(first, last, [&](std::uint32_t slot) { return rows.gone->contains(slot); }) - first);
}

void scan(const ScanRows& rows, const Ruler& ruler, std::span<const Probe> probes, std::span<Nearest> nearest,
          const Checkpoint& checkpoint) {
    constexpr std::size_t kHandful = 64;
    constexpr std::size_t kCacheful = std::size_t{128} << 10;  // bytes: a quarter of the second-level caches of today
    const std::size_t block = std::max(kHandful, kCacheful / std::max<std::size_t>(rows.vectors.stride, 1));
    std::array<std::uint32_t, kHandful> slots{};
    std::array<Distance, kHandful> distances{};

    for (std::size_t begin = 0; begin < rows.count && checkpoint.go_on(); begin += block) {
        const std::size_t end = std::min<std::size_t>(begin + block, rows.count);
        for (std::size_t query = 0; query < probes.size(); ++query) {
            Nearest& best = nearest[query];
            for (auto at = static_cast<std::uint32_t>(begin); at < end;) {
                const std::size_t n = next_rows(rows, at, static_cast<std::uint32_t>(end), slots);
                if (rows.first_touch != nullptr) rows.first_touch->rows(slots.data(), n);
                ruler.measure(probes[query], rows.vectors, slots.data(), n, distances.data());
                for (std::size_t i = 0; i < n; ++i) {
                    const Distance distance = comparable(distances[i]);
                    if (distance > best.bound()) continue;
                    best.offer({distance, rows.ids != nullptr ? rows.ids[slots[i]] : Id{slots[i]}});
                }
            }
        }
    }
}

}  // namespace vicinal
