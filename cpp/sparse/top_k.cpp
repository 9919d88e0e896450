#include "sparse/top_k.hpp"

#include <algorithm>
#include <span>

#include "base/errors.hpp"
#include "base/team.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kBlock = std::size_t{1} << 16;  // 64 Ki sums of 4 bytes stay in a core's second-level cache
constexpr std::size_t kGrain = 16;                    // queries handed to a thread at a time

struct Scored {
    float score;
    std::uint32_t row;
};

bool better(const Scored& a, const Scored& b) { return a.score != b.score ? a.score > b.score : a.row < b.row; }

// The k best so far: a heap with the worst of them on top.
class Best {
public:
    void start(std::size_t k, float least) {
        kept_.clear();
        k_ = k;
        least_ = least;
    }
    void offer(const Scored& candidate) {
        if (candidate.score < least_ || k_ == 0) return;
        if (kept_.size() == k_) {
            if (!better(candidate, kept_.front())) return;
            std::pop_heap(kept_.begin(), kept_.end(), better);
            kept_.back() = candidate;
        } else {
            kept_.push_back(candidate);
        }
        std::push_heap(kept_.begin(), kept_.end(), better);
    }
    std::span<const Scored> sorted() {
        std::sort_heap(kept_.begin(), kept_.end(), better);
        return kept_;
    }

private:
    std::vector<Scored> kept_;
    std::size_t k_ = 0;
    float least_ = 0;
};

// What one thread works with; it grows to what the queries need and stays.
class Scorer {
public:
    explicit Scorer(const InvertedIndex& index)
        : index_(index), sums_(std::min(kBlock, index.rows()), 0.0F), met_(sums_.size(), 0) {}

    std::span<const Scored> answer(const SparseRows& queries, std::size_t query, const SparseAsked& asked) {
        best_.start(std::min(asked.k, index_.rows()), asked.least);
        begin(queries, query);
        for (std::size_t first = 0; first < index_.rows(); first += kBlock) {
            add_up(first, std::min(first + kBlock, index_.rows()));
            for (const std::uint32_t at : touched_) {
                const std::size_t row = first + at;
                if (!asked.skip_own || row != query) best_.offer({sums_[at], static_cast<std::uint32_t>(row)});
                sums_[at] = 0;
                met_[at] = 0;
            }
        }
        return best_.sorted();
    }

private:
    struct Term {
        const InvertedIndex::Posting* next;
        const InvertedIndex::Posting* end;
        float weight;
    };

    void begin(const SparseRows& queries, std::size_t query) {
        terms_.clear();
        for (std::size_t at = queries.begin(query); at < queries.end(query); ++at) {
            const auto postings = index_.postings(static_cast<std::size_t>(queries.columns[at]));
            if (!postings.empty())
                terms_.push_back({postings.data(), postings.data() + postings.size(), queries.values[at]});
        }
    }

    void add_up(std::size_t first, std::size_t last) {
        touched_.clear();
        for (Term& term : terms_)
            for (; term.next != term.end && term.next->row < last; ++term.next) {
                const std::size_t at = term.next->row - first;
                if (met_[at] == 0) {
                    met_[at] = 1;
                    touched_.push_back(static_cast<std::uint32_t>(at));
                }
                sums_[at] += term.weight * term.next->value;
            }
    }

    const InvertedIndex& index_;
    std::vector<float> sums_;
    std::vector<std::uint8_t> met_;  // a sum may be zero and its row still one that shares a column
    std::vector<std::uint32_t> touched_;
    std::vector<Term> terms_;
    Best best_;
};

struct Piece {
    std::vector<Scored> found;
    std::vector<std::size_t> counts;
};

SparseAnswers joined(const std::vector<Piece>& pieces, std::size_t queries) {
    SparseAnswers answers;
    answers.starts.reserve(queries + 1);
    answers.starts.push_back(0);
    for (const Piece& piece : pieces)
        for (const std::size_t count : piece.counts)
            answers.starts.push_back(answers.starts.back() + static_cast<std::int64_t>(count));
    answers.rows.reserve(static_cast<std::size_t>(answers.starts.back()));
    answers.scores.reserve(answers.rows.capacity());
    for (const Piece& piece : pieces)
        for (const Scored& one : piece.found) {
            answers.rows.push_back(one.row);
            answers.scores.push_back(one.score);
        }
    return answers;
}

}  // namespace

SparseAnswers sparse_top_k(const InvertedIndex& index, const SparseRows& queries, const SparseAsked& asked,
                           Watch& watch) {
    Team team(resolve_threads(asked.threads));
    std::vector<Scorer> scorers(team.size(), Scorer(index));
    std::vector<Piece> pieces((queries.size() + kGrain - 1) / kGrain);  // by place, so that threads do not matter
    const bool whole = team.run(
        queries.size(), kGrain, watch,
        [&](std::size_t member, std::size_t first, std::size_t last) {
            Piece& piece = pieces[first / kGrain];
            for (std::size_t query = first; query < last; ++query) {
                const std::span<const Scored> found = scorers[member].answer(queries, query, asked);
                piece.found.insert(piece.found.end(), found.begin(), found.end());
                piece.counts.push_back(found.size());
            }
        },
        0, queries.size());
    if (!whole) throw Stopped();
    return joined(pieces, queries.size());
}

}  // namespace vicinal
