#include "index/checks.hpp"

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include "base/errors.hpp"
#include "codecs/walk_code.hpp"

namespace vicinal {

void check_threads(std::size_t threads) {
    if (threads > kMaxThreads)
        throw InvalidArgumentError("threads is " + std::to_string(threads) + ", expected 0 (all) to " +
                                   std::to_string(kMaxThreads));
}

void check_k(std::size_t k, std::size_t size) {
    const std::size_t most = std::max(size, kMinAllowedK);
    if (k < 1 || k > most)
        throw InvalidArgumentError("k is " + std::to_string(k) + ", expected 1 to " + std::to_string(most));
}

void check_id_count(std::span<const std::int64_t> ids, std::size_t n) {
    if (!ids.empty() && ids.size() != n)
        throw InvalidArgumentError("ids has " + std::to_string(ids.size()) + " entries, expected one for each of " +
                                   std::to_string(n) + " vectors");
}

void check_group_count(std::span<const std::int64_t> groups, std::size_t n) {
    if (!groups.empty() && groups.size() != n)
        throw InvalidArgumentError("groups has " + std::to_string(groups.size()) +
                                   " entries, expected one for each of " + std::to_string(n) + " vectors");
}

void check_order(std::span<const std::int64_t> order, std::size_t n) {
    if (order.empty()) return;
    if (order.size() != n)
        throw InvalidArgumentError("order has " + std::to_string(order.size()) + " entries, expected one for each of " +
                                   std::to_string(n) + " vectors");
    std::vector<bool> seen(n);
    for (std::size_t i = 0; i < n; ++i) {
        const auto row = static_cast<std::uint64_t>(order[i]);  // a negative number is too large
        if (row >= n || seen[row])
            throw InvalidArgumentError("order[" + std::to_string(i) + "] is " + std::to_string(order[i]) +
                                       ", expected each of 0 to " + std::to_string(n - 1) + " once");
        seen[row] = true;
    }
}

void check_vector(const Space& space, const std::byte* given, const char* name, std::size_t row) {
    const std::string fault = space.fault(given);
    if (!fault.empty()) throw InvalidVectorError(std::string(name) + " row " + std::to_string(row) + " " + fault);
}

namespace {

// The number of the first row, of n, that is bad; n if there is none.
template <class IsBad>
std::size_t first_bad(std::size_t n, const Crew& crew, const IsBad& is_bad) {
    std::atomic<std::size_t> first{n};
    const bool whole = crew.aside(n, 256, [&](std::size_t, std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end && row < first.load(std::memory_order_relaxed); ++row) {
            if (!is_bad(row)) continue;
            std::size_t known = first.load();
            while (row < known && !first.compare_exchange_weak(known, row)) {
            }
            return;
        }
    });
    if (!whole) throw Stopped();
    return first.load();
}

}  // namespace

void check_vectors(const Space& space, const std::byte* rows, std::size_t n, const char* name, const Crew& crew) {
    const auto at = [&](std::size_t row) { return rows + row * space.given_row_bytes(); };
    const std::size_t row = first_bad(n, crew, [&](std::size_t one) { return !space.fault(at(one)).empty(); });
    if (row < n) check_vector(space, at(row), name, row);
}

void check_addable(const Space& space, const Options& options, const std::byte* rows, std::size_t n, const Crew& crew) {
    check_vectors(space, rows, n, "vectors", crew);
    if (options.traversal != Traversal::u8) return;
    const std::size_t row = first_bad(n, crew, [&](std::size_t one) {
        return !WalkCode::integral(reinterpret_cast<const float*>(rows + one * space.given_row_bytes()), space.dim());
    });
    if (row < n)
        throw InvalidVectorError("vectors row " + std::to_string(row) +
                                 " holds other than whole numbers from 0 to 255, which traversal u8 walks on");
}

}  // namespace vicinal
