#include "sets/fde.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include "base/errors.hpp"
#include "kernels/kernels.hpp"

namespace vicinal {
namespace {

// Encodes one set after another.
class Encoder {
public:
    Encoder(const FdeSettings& settings, std::size_t dim)
        : settings_(settings), dim_(dim), by_centers_(settings.by_centers(dim)) {
        planes_.resize(by_centers_ ? settings.repetitions * settings.cells() : settings.repetitions * settings.bits);
        std::iota(planes_.begin(), planes_.end(), 0U);
        centered_.resize(dim);
    }

    void encode(const float* rows, std::size_t n, FdeSide side, float* encoding) {
        std::fill(encoding, encoding + settings_.length(), 0.0F);
        find_cells(rows, n);
        sketches_.resize(n * settings_.sketched);
        for (std::size_t repetition = 0; repetition < settings_.repetitions; ++repetition) {
            sketch(rows, n, repetition);
            float* blocks = encoding + repetition * settings_.cells() * settings_.sketched;
            add_up(n, repetition, blocks);
            if (side == FdeSide::query) continue;
            take_means(blocks);
            if (side == FdeSide::filled_document) fill(n, repetition, blocks);
        }
    }

private:
    // Of each vector in each repetition the cell.
    void find_cells(const float* rows, std::size_t n) {
        const kernels::Rows planes{reinterpret_cast<const std::byte*>(settings_.planes.data()), dim_ * sizeof(float),
                                   dim_, nullptr};
        const std::size_t each = planes_.size();
        products_.resize(n * each);
        cells_.resize(n * settings_.repetitions);
        for (std::size_t row = 0; row < n; ++row) {
            const float* vector = rows + row * dim_;
            if (!by_centers_) {
                for (std::size_t i = 0; i < dim_; ++i) centered_[i] = vector[i] - settings_.origin[i];
                vector = centered_.data();
            }
            float* products = products_.data() + row * each;
            kernels::active().dot_f32(vector, planes, planes_.data(), each, products);
            for (std::size_t repetition = 0; repetition < settings_.repetitions; ++repetition)
                cells_[row * settings_.repetitions + repetition] =
                    by_centers_ ? nearest_center(products, repetition) : side_of_planes(products, repetition);
        }
    }

    // A bit for each hyperplane the vector is above.
    std::uint32_t side_of_planes(const float* products, std::size_t repetition) const {
        std::uint32_t cell = 0;
        for (std::size_t bit = 0; bit < settings_.bits; ++bit)
            cell |= (products[repetition * settings_.bits + bit] > 0 ? 1U : 0U) << bit;
        return cell;
    }

    std::uint32_t nearest_center(const float* products, std::size_t repetition) const {
        const std::size_t first = repetition * settings_.cells();
        const auto nearness = [&](std::size_t cell) { return products[first + cell] - settings_.origin[first + cell]; };
        std::uint32_t nearest = 0;
        for (std::uint32_t cell = 1; cell < settings_.cells(); ++cell)
            if (nearness(cell) > nearness(nearest)) nearest = cell;
        return nearest;
    }

    std::uint32_t cell_of(std::size_t row, std::size_t repetition) const {
        return cells_[row * settings_.repetitions + repetition];
    }

    void sketch(const float* rows, std::size_t n, std::size_t repetition) {
        const std::uint8_t* places = settings_.places.data() + repetition * dim_;
        const float* signs = settings_.signs.data() + repetition * dim_;
        std::fill(sketches_.begin(), sketches_.end(), 0.0F);
        for (std::size_t row = 0; row < n; ++row)
            for (std::size_t i = 0; i < dim_; ++i)
                sketches_[row * settings_.sketched + places[i]] += signs[i] * rows[row * dim_ + i];
    }

    void add(std::size_t row, float* block) const {
        for (std::size_t i = 0; i < settings_.sketched; ++i) block[i] += sketches_[row * settings_.sketched + i];
    }

    void add_up(std::size_t n, std::size_t repetition, float* blocks) {
        in_cell_.assign(settings_.cells(), 0);
        for (std::size_t row = 0; row < n; ++row) {
            const std::uint32_t cell = cell_of(row, repetition);
            add(row, blocks + cell * settings_.sketched);
            ++in_cell_[cell];
        }
    }

    void take_means(float* blocks) const {
        for (std::size_t cell = 0; cell < settings_.cells(); ++cell)
            for (std::size_t i = 0; in_cell_[cell] > 1 && i < settings_.sketched; ++i)
                blocks[cell * settings_.sketched + i] /= static_cast<float>(in_cell_[cell]);
    }

    void fill(std::size_t n, std::size_t repetition, float* blocks) const {
        for (std::uint32_t cell = 0; cell < settings_.cells(); ++cell) {
            if (in_cell_[cell] != 0) continue;
            const std::size_t nearest =
                by_centers_ ? nearest_to_center(n, repetition, cell) : nearest_by_bits(n, repetition, cell);
            add(nearest, blocks + cell * settings_.sketched);
        }
    }

    std::size_t nearest_by_bits(std::size_t n, std::size_t repetition, std::uint32_t cell) const {
        std::size_t nearest = 0;
        int fewest = 64;
        for (std::size_t row = 0; row < n; ++row) {
            const int differing = std::popcount(cell_of(row, repetition) ^ cell);
            if (differing >= fewest) continue;
            fewest = differing;
            nearest = row;
        }
        return nearest;
    }

    std::size_t nearest_to_center(std::size_t n, std::size_t repetition, std::uint32_t cell) const {
        const std::size_t center = repetition * settings_.cells() + cell, each = planes_.size();
        std::size_t nearest = 0;
        for (std::size_t row = 1; row < n; ++row)
            if (products_[row * each + center] > products_[nearest * each + center]) nearest = row;
        return nearest;
    }

    const FdeSettings& settings_;
    std::size_t dim_;
    bool by_centers_;
    std::vector<std::uint32_t> planes_;  // their numbers
    std::vector<float> products_;        // of each vector with each plane, or center
    std::vector<float> centered_, sketches_;
    std::vector<std::uint32_t> cells_, in_cell_;
};

void check(const FdeSettings& settings, std::size_t dim) {
    const std::size_t rows = settings.repetitions;
    const bool by_centers = settings.by_centers(dim);
    if (settings.bits > 20 || settings.sketched < 1 || settings.sketched > 256 || rows < 1 ||
        (!by_centers && settings.planes.size() != rows * settings.bits * dim) ||
        settings.origin.size() != (by_centers ? rows * settings.cells() : dim) ||
        settings.places.size() != rows * dim || settings.signs.size() != rows * dim ||
        std::any_of(
            settings.places.begin(), settings.places.end(),
            [&](std::uint8_t place) { return place >= settings.sketched; }))
        throw InvalidArgumentError("the settings of the encoding do not fit together");
}

}  // namespace

bool encode_sets(const VectorSets& sets, const FdeSettings& settings, FdeSide side, float* encodings,
                 const Crew& crew) {
    check(settings, sets.dim);
    return crew.aside(sets.size(), 16, [&](std::size_t, std::size_t first, std::size_t last) {
        Encoder encoder(settings, sets.dim);
        WidenedRows rows;
        for (std::size_t set = first; set < last; ++set)
            encoder.encode(rows.of(sets, sets.begin(set), sets.count(set)), sets.count(set), side,
                           encodings + set * settings.length());
    });
}

}  // namespace vicinal
