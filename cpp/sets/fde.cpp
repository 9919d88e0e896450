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
    Encoder(const FdeSettings& settings, std::size_t dim) : settings_(settings), dim_(dim) {
        planes_.resize(settings.repetitions * settings.bits);
        std::iota(planes_.begin(), planes_.end(), 0U);
        sides_.resize(planes_.size());
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
    // Of each vector in each repetition the cell: a bit for each hyperplane it is above.
    void find_cells(const float* rows, std::size_t n) {
        const kernels::Rows planes{reinterpret_cast<const std::byte*>(settings_.planes.data()), dim_ * sizeof(float),
                                   dim_, nullptr};
        cells_.resize(n * settings_.repetitions);
        for (std::size_t row = 0; row < n; ++row) {
            for (std::size_t i = 0; i < dim_; ++i) centered_[i] = rows[row * dim_ + i] - settings_.origin[i];
            kernels::active().dot_f32(centered_.data(), planes, planes_.data(), planes_.size(), sides_.data());
            for (std::size_t repetition = 0; repetition < settings_.repetitions; ++repetition) {
                std::uint32_t cell = 0;
                for (std::size_t bit = 0; bit < settings_.bits; ++bit)
                    cell |= (sides_[repetition * settings_.bits + bit] > 0 ? 1U : 0U) << bit;
                cells_[row * settings_.repetitions + repetition] = cell;
            }
        }
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
            std::size_t nearest = 0;
            int fewest = 64;
            for (std::size_t row = 0; row < n; ++row) {
                const int differing = std::popcount(cell_of(row, repetition) ^ cell);
                if (differing >= fewest) continue;
                fewest = differing;
                nearest = row;
            }
            add(nearest, blocks + cell * settings_.sketched);
        }
    }

    const FdeSettings& settings_;
    std::size_t dim_;
    std::vector<std::uint32_t> planes_;  // their numbers
    std::vector<float> sides_;           // of one vector, on which side of each plane
    std::vector<float> centered_, sketches_;
    std::vector<std::uint32_t> cells_, in_cell_;
};

void check(const FdeSettings& settings, std::size_t dim) {
    const std::size_t rows = settings.repetitions;
    if (settings.bits > 20 || settings.sketched < 1 || settings.sketched > 256 || rows < 1 ||
        settings.planes.size() != rows * settings.bits * dim || settings.origin.size() != dim ||
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
