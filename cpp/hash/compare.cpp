#include "hash/compare.hpp"

#include <bit>
#include <cmath>
#include <string>

#include "base/errors.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {
namespace {

// Single precision errs by less than this share: sums of 65 536 terms in several running sums.
constexpr double kSlack = 1e-4;

double dot(const float* x, const float* y, std::size_t dim) {
    double sum = 0;
    for (std::size_t d = 0; d < dim; ++d) sum += double{x[d]} * y[d];
    return sum;
}

double squared_distance(const float* x, const float* y, std::size_t dim) {
    double sum = 0;
    for (std::size_t d = 0; d < dim; ++d) sum += (double{x[d]} - y[d]) * (double{x[d]} - y[d]);
    return sum;
}

std::size_t common(std::span<const Token> one, std::span<const Token> other) {
    std::size_t i = 0, j = 0, both = 0;
    while (i < one.size() && j < other.size()) {
        const Token x = one[i], y = other[j];
        both += x == y ? 1u : 0u;
        i += x <= y ? 1u : 0u;  // no branch: which comes next is a toss of a coin
        j += y <= x ? 1u : 0u;
    }
    return both;
}

std::size_t dim_of(const Items& items) { return items.stride / sizeof(float); }

}  // namespace

double jaccard(const TokenSets& one, std::size_t i, const TokenSets& other, std::size_t j) {
    const auto a = one.set(i), b = other.set(j);
    if (a.empty() || b.empty()) return 0;
    const std::size_t both = common(a, b);
    return static_cast<double>(both) / static_cast<double>(a.size() + b.size() - both);
}

double weighted_jaccard(const TokenSets& one, std::size_t i, const TokenSets& other, std::size_t j) {
    const auto a = one.set(i), b = other.set(j);
    const auto weight_a = one.weight(i), weight_b = other.weight(j);
    double smaller = 0, larger = 0;
    std::size_t x = 0, y = 0;
    while (x < a.size() || y < b.size()) {
        if (y == b.size() || (x < a.size() && a[x] < b[y])) {
            larger += weight_a[x++];
        } else if (x == a.size() || b[y] < a[x]) {
            larger += weight_b[y++];
        } else {
            smaller += std::min(weight_a[x], weight_b[y]);
            larger += std::max(weight_a[x++], weight_b[y++]);
        }
    }
    return larger > 0 ? smaller / larger : 0;
}

Nearness nearness_of(const FamilySettings& settings) {
    switch (settings.name) {
        case FamilyName::minhash: return settings.weighted ? Nearness::weighted_jaccard : Nearness::jaccard;
        case FamilyName::pstable: return Nearness::euclidean;
        case FamilyName::bit_sample: return Nearness::hamming;
        default: return Nearness::cosine;
    }
}

Comparison::Comparison(Nearness nearness, const Items& left, const Items* right)
    : nearness_(nearness), left_(&left), right_(right) {
    if (left.kind != ItemKind::vectors) return;
    check_rows(left, "items");
    if (right != nullptr) check_rows(*right, "others");
}

void Comparison::check_rows(const Items& items, const char* name) {
    for (std::size_t i = 0; i < items.n; ++i) {
        const double square = dot(items.vector(i), items.vector(i), dim_of(items));
        const std::string row = std::string(name) + " row " + std::to_string(i);
        if (std::isnan(square)) throw InvalidVectorError(row + " holds NaN");
        if (std::isinf(square)) throw InvalidVectorError(row + " holds an infinity");
        if (nearness_ != Nearness::cosine) continue;
        if (square == 0) throw InvalidVectorError(row + " is zero and has no direction, which cosine compares");
        inverse_norms_.push_back(1 / std::sqrt(square));
    }
}

Comparison::Place Comparison::place(std::uint32_t number) const {
    if (right_ != nullptr && number >= left_->n) return {right_, number - left_->n};
    return {left_, number};
}

double Comparison::score(std::uint32_t one, std::uint32_t other) const {
    const Place a = place(one), b = place(other);
    switch (nearness_) {
        case Nearness::jaccard: return jaccard(a.items->sets, a.i, b.items->sets, b.i);
        case Nearness::weighted_jaccard: return weighted_jaccard(a.items->sets, a.i, b.items->sets, b.i);
        case Nearness::cosine:
            return dot(a.items->vector(a.i), b.items->vector(b.i), dim_of(*a.items)) * inverse_norms_[one] *
                   inverse_norms_[other];
        case Nearness::euclidean:
            return std::sqrt(squared_distance(a.items->vector(a.i), b.items->vector(b.i), dim_of(*a.items)));
        default: {
            double differing = 0;
            for (std::size_t byte = 0; byte < a.items->stride; ++byte)
                differing += std::popcount(static_cast<unsigned>(a.items->bits(a.i)[byte] ^ b.items->bits(b.i)[byte]));
            return differing;
        }
    }
}

void Comparison::near(std::uint32_t one, std::span<const std::uint32_t> others, double threshold,
                      std::vector<Near>& found, Scratch& scratch) const {
    const bool larger = larger_is_nearer(nearness_);
    const auto keep = [&](std::uint32_t other) {
        const double exact = score(one, other);
        if (larger ? exact >= threshold : exact <= threshold) found.push_back({other, exact});
    };
    if (others.empty()) return;
    if (nearness_ == Nearness::jaccard || nearness_ == Nearness::weighted_jaccard) {
        const Place a = place(one);
        const auto size = static_cast<double>(a.items->sets.length(a.i));
        for (const std::uint32_t other : others) {
            const Place b = place(other);
            const auto size_b = static_cast<double>(b.items->sets.length(b.i));
            // Sets of very different sizes cannot be near.
            if (nearness_ == Nearness::jaccard && std::min(size, size_b) < threshold * std::max(size, size_b)) continue;
            keep(other);
        }
        return;
    }
    if (nearness_ == Nearness::hamming) {
        for (const std::uint32_t other : others) keep(other);
        return;
    }
    const Place a = place(one);
    const Items& side = *place(others[0]).items;
    const auto first = static_cast<std::uint32_t>(&side == left_ ? 0 : left_->n);
    scratch.slots.resize(others.size());
    scratch.scores.resize(others.size());
    for (std::size_t at = 0; at < others.size(); ++at) scratch.slots[at] = others[at] - first;
    const kernels::Rows rows{side.rows, side.stride, dim_of(side), nullptr};
    const kernels::Table& table = kernels::active();
    const kernels::ScoreRows kernel = nearness_ == Nearness::cosine ? table.dot_f32 : table.l2_f32;
    kernel(a.items->vector(a.i), rows, scratch.slots.data(), others.size(), scratch.scores.data());
    for (std::size_t at = 0; at < others.size(); ++at) {
        const double score = scratch.scores[at];
        const bool maybe = nearness_ == Nearness::cosine
                               ? score * inverse_norms_[one] * inverse_norms_[others[at]] >= threshold - kSlack
                               : score <= threshold * threshold * (1 + kSlack);
        if (maybe || !std::isfinite(score)) keep(others[at]);
    }
}

}  // namespace vicinal
