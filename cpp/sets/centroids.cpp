#include "sets/centroids.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/errors.hpp"
#include "sets/four_bits.hpp"
#include "sets/panel.hpp"

namespace vicinal {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();

struct Scored {
    float score;
    std::uint32_t document;

    bool operator<(const Scored& other) const {  // better ones first
        return score > other.score || (score == other.score && document < other.document);
    }
};

// An order needs numbers: products of vectors near the end of float32 may be none.
float ordered(double score) { return std::isnan(score) ? kNone : static_cast<float>(score); }

void keep_best(std::vector<Scored>& documents, std::size_t n) {
    if (documents.size() <= n) return;
    std::nth_element(documents.begin(), documents.begin() + static_cast<std::ptrdiff_t>(n), documents.end());
    documents.resize(n);
}

// Answers one query after another; one for each thread.
class Finder {
public:
    Finder(const CentroidTables& tables, const CentroidEffort& effort)
        : tables_(tables),
          effort_(effort),
          panel_(tables.dim),
          admitted_(static_cast<std::size_t>(std::count_if(tables.admitted.begin(), tables.admitted.end(),
                                                           [](std::uint8_t one) { return one != 0; }))),
          seen_(tables.size(), 0) {}

    void find(const float* rows, std::size_t n, std::int64_t* found) {
        panel_.set(rows, n);
        n_ = n;
        score_centroids();
        gather();
        score_roughly();
        keep_best(documents_, effort_.survivors);
        score_closely();
        keep_best(documents_, effort_.wanted);
        std::sort(documents_.begin(), documents_.end());
        std::fill(found, found + effort_.wanted, std::int64_t{-1});
        for (std::size_t i = 0; i < documents_.size(); ++i) found[i] = documents_[i].document;
    }

private:
    std::size_t centroids() const { return tables_.list_starts.size() - 1; }

    void score_centroids() {
        products_.assign(centroids() * panel_.width(), kNone);
        for (std::size_t centroid = 0; centroid < centroids(); ++centroid)
            panel_.raise(tables_.centroids.data() + centroid * tables_.dim, 1,
                         products_.data() + centroid * panel_.width());
    }

    // Documents in the lists of the nearest centroids. Where these are too few, lists of twice as many.
    void gather() {
        if (admitted_ <= effort_.survivors) {
            begin_gathering(0);
            return;
        }
        for (std::size_t probes = std::min(effort_.probes, centroids());; probes = std::min(2 * probes, centroids())) {
            begin_gathering(tables_.unlisted_from);
            for (std::size_t vector = 0; vector < n_; ++vector) look_into_lists(vector, probes);
            if (documents_.size() >= effort_.survivors || probes == centroids()) return;
        }
    }

    void begin_gathering(std::size_t all_from) {
        documents_.clear();
        if (++moment_ == 0) {
            std::fill(seen_.begin(), seen_.end(), 0);
            moment_ = 1;
        }
        for (std::size_t document = all_from; document < tables_.size(); ++document)
            take(static_cast<std::uint32_t>(document));
    }

    void look_into_lists(std::size_t vector, std::size_t probes) {
        nearest_.clear();
        for (std::size_t centroid = 0; centroid < centroids(); ++centroid)
            nearest_.push_back(
                {ordered(products_[centroid * panel_.width() + vector]), static_cast<std::uint32_t>(centroid)});
        keep_best(nearest_, probes);
        for (const Scored& one : nearest_) {
            const auto first = static_cast<std::size_t>(tables_.list_starts[one.document]);
            const auto last = static_cast<std::size_t>(tables_.list_starts[one.document + 1]);
            for (std::size_t i = first; i < last; ++i) take(tables_.listed[i]);
        }
    }

    void take(std::uint32_t document) {
        if (seen_[document] == moment_ || tables_.admitted[document] == 0) return;
        seen_[document] = moment_;
        documents_.push_back({0, document});
    }

    // As if a document's rows were their centroids.
    void score_roughly() {
        const std::size_t width = panel_.width();
        for (Scored& one : documents_) {
            maxima_.assign(width, kNone);
            for (auto row = first_row(one.document); row < first_row(one.document + 1); ++row) {
                const float* products = products_.data() + tables_.centroid_of[row] * width;
                for (std::size_t i = 0; i < width; ++i) maxima_[i] = std::max(maxima_[i], products[i]);
            }
            double sum = 0;
            for (std::size_t i = 0; i < n_; ++i) sum += static_cast<double>(maxima_[i]);
            one.score = ordered(sum);
        }
    }

    // With rows as centroids and what is left say they are.
    void score_closely() {
        const std::size_t dim = tables_.dim, bytes = four_bit_bytes(dim);
        for (Scored& one : documents_) {
            const std::size_t first = first_row(one.document), n = first_row(one.document + 1) - first;
            rows_.resize(n * dim);
            for (std::size_t row = 0; row < n; ++row) {
                float* whole = rows_.data() + row * dim;
                from_four_bits(tables_.left.data() + (first + row) * bytes, dim, whole);
                const float* centroid = tables_.centroids.data() + tables_.centroid_of[first + row] * dim;
                for (std::size_t i = 0; i < dim; ++i) whole[i] += centroid[i];
            }
            one.score = ordered(panel_.score(rows_.data(), n));
        }
    }

    std::size_t first_row(std::size_t document) const { return static_cast<std::size_t>(tables_.starts[document]); }

    const CentroidTables& tables_;
    const CentroidEffort& effort_;
    Panel panel_;
    std::size_t n_ = 0;  // vectors of the query
    std::size_t admitted_;
    std::vector<float> products_;    // centroid by centroid, with every vector of the query
    std::vector<Scored> nearest_;    // centroids of one vector
    std::vector<Scored> documents_;  // met
    std::vector<std::uint32_t> seen_;
    std::uint32_t moment_ = 0;  // what seen_ says of documents met in this gathering
    std::vector<float> maxima_, rows_;
};

template <class T>
bool all_below(std::span<const T> values, std::size_t limit) {
    return std::all_of(values.begin(), values.end(), [&](T value) { return value < limit; });
}

bool ascends(std::span<const std::int64_t> starts, std::size_t end) {
    return !starts.empty() && starts.front() == 0 && starts.back() == static_cast<std::int64_t>(end) &&
           std::is_sorted(starts.begin(), starts.end());
}

void check(const CentroidTables& tables, const CentroidEffort& effort) {
    const std::size_t rows = tables.centroid_of.size();
    const std::size_t centroids = tables.list_starts.empty() ? 0 : tables.list_starts.size() - 1;
    const bool fit = tables.dim > 0 && centroids > 0 && tables.centroids.size() == centroids * tables.dim &&
                     ascends(tables.starts, rows) && tables.left.size() == rows * four_bit_bytes(tables.dim) &&
                     ascends(tables.list_starts, tables.listed.size()) && tables.admitted.size() == tables.size() &&
                     all_below(tables.centroid_of, centroids) && all_below(tables.listed, tables.size()) &&
                     effort.wanted > 0 && effort.probes > 0 && effort.survivors >= effort.wanted;
    if (!fit) throw InvalidArgumentError("the tables of centroids do not fit together");
}

}  // namespace

bool find_by_centroids(const VectorSets& queries, const CentroidTables& tables, const CentroidEffort& effort,
                       std::int64_t* found, const Crew& crew) {
    check(tables, effort);
    std::vector<Finder> finders(crew.team.size(), Finder(tables, effort));
    std::vector<WidenedRows> rows(crew.team.size());
    return crew.aside(queries.size(), 1, [&](std::size_t member, std::size_t first, std::size_t last) {
        for (std::size_t query = first; query < last; ++query)
            finders[member].find(rows[member].of(queries, queries.begin(query), queries.count(query)),
                                 queries.count(query), found + query * effort.wanted);
    });
}

}  // namespace vicinal
