#include "index/checks.hpp"

#include <algorithm>
#include <atomic>
#include <string>

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

std::size_t width_of(const SearchOptions& options) {
    if (options.ef > kMaxEf)
        throw InvalidArgumentError("ef is " + std::to_string(options.ef) + ", expected 1 to " + std::to_string(kMaxEf));
    const std::size_t ef = options.ef == 0 ? std::max<std::size_t>(64, 2 * options.k) : options.ef;
    return std::max(ef, options.k);
}

void check_vector(const Space& space, const std::byte* given, const char* name, std::size_t row) {
    const std::string fault = space.fault(given);
    if (!fault.empty()) throw InvalidVectorError(std::string(name) + " row " + std::to_string(row) + " " + fault);
}

void check_vectors(const Space& space, const std::byte* rows, std::size_t n, const char* name, Team& team) {
    std::atomic<std::size_t> first_bad{n};
    team.run_whole(n, 256, [&](std::size_t, std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end && row < first_bad.load(std::memory_order_relaxed); ++row) {
            if (space.fault(rows + row * space.given_row_bytes()).empty()) continue;
            std::size_t known = first_bad.load();
            while (row < known && !first_bad.compare_exchange_weak(known, row)) {
            }
            return;
        }
    });
    const std::size_t row = first_bad.load();
    if (row < n) check_vector(space, rows + row * space.given_row_bytes(), name, row);
}

void check_integral(const Space& space, const std::byte* rows, std::size_t n) {
    for (std::size_t row = 0; row < n; ++row)
        if (!WalkCode::integral(reinterpret_cast<const float*>(rows + row * space.given_row_bytes()), space.dim()))
            throw InvalidVectorError("vectors row " + std::to_string(row) +
                                     " holds other than whole numbers from 0 to 255, which traversal u8 walks on");
}

}  // namespace vicinal
