// A snapshot keeps the vectors of one moment, whatever becomes of the index.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <doctest/doctest.h>

#include "base/errors.hpp"
#include "index_asked.hpp"

namespace {

using namespace vicinal;
using trial::add;
using trial::ask;
using trial::counting;
using Ids = std::vector<std::int64_t>;

constexpr std::size_t kDim = 8;

void update(Index& index, const Ids& ids, const std::vector<float>& vectors) {
    Watch nobody;
    index.update({trial::bytes_of(vectors), ids.size(), ids}, 1, nobody);
}

// What was there, and that it still is.
class Kept {
public:
    explicit Kept(const Index& index)
        : snapshot_(index.snapshot()),
          ids_(index.ids()),
          vectors_(trial::get<float>(index, ids_)),
          queries_(trial::drawn_floats(40 * kDim, 31)),
          exact_(ask(index, queries_, {.k = 10, .exact = true})) {}

    void check() const {
        CHECK(snapshot_->size() == ids_.size());
        CHECK(snapshot_->ids() == ids_);
        CHECK(trial::get<float>(*snapshot_, ids_) == vectors_);
        CHECK(ask(*snapshot_, queries_, {.k = 10, .exact = true}) == exact_);
        const auto found = ask(*snapshot_, queries_, {.k = 10, .ef = 200});
        std::size_t same = 0;
        for (std::size_t i = 0; i < found.ids.size(); ++i) {
            same += found.ids[i] == exact_.ids[i] ? 1U : 0U;
            REQUIRE(std::binary_search(ids_.begin(), ids_.end(), found.ids[i]));
        }
        CHECK(same > found.ids.size() * 95 / 100);
    }
    const Index& snapshot() const { return *snapshot_; }

private:
    std::unique_ptr<Index> snapshot_;
    Ids ids_;
    std::vector<float> vectors_, queries_;
    trial::Found exact_;
};

}  // namespace

TEST_CASE("a snapshot stays what it was through additions, removals, updates, growth and compaction") {
    Index index(trial::options_with(kDim));
    Watch nobody;
    add(index, trial::drawn_floats(1'000 * kDim, 30));
    index.remove(counting(0, 100, 3));
    index.remove(Ids{500});  // a pass is under way
    REQUIRE(index.graph_shape().removed > 0);
    const Kept kept(index);

    add(index, trial::drawn_floats(90 * kDim, 32));  // into vacant slots
    kept.check();
    index.remove(counting(600, 150, 2));
    update(index, counting(601, 10, 2), trial::drawn_floats(10 * kDim, 33));
    kept.check();
    CHECK(index.graph_shape().removed > 100);  // they wait for the snapshot
    SUBCASE("growth") {
        add(index, trial::drawn_floats(3'000 * kDim, 34));
        CHECK(index.graph_shape().removed == 0);  // in tables of its own
    }
    SUBCASE("compaction") {
        index.compact(1, nobody);
        CHECK(index.graph_shape().vacant == 0);
        CHECK(index.graph_shape().removed == 0);
        add(index, trial::drawn_floats(50 * kDim, 35));
    }
    SUBCASE("an index emptied") { index.remove(index.ids()); }
    kept.check();
}

TEST_CASE("a snapshot outlives its index") {
    auto index = std::make_unique<Index>(trial::options_with(kDim));
    add(*index, trial::drawn_floats(500 * kDim, 30));
    const Kept kept(*index);

    index.reset();

    kept.check();
}

TEST_CASE("when the last snapshot is gone, removed vectors leave the graph") {
    Index index(trial::options_with(kDim));
    add(index, trial::drawn_floats(400 * kDim, 30));
    auto first = index.snapshot(), second = index.snapshot();
    index.remove(counting(0, 50));

    first.reset();
    index.remove(Ids{99});
    CHECK(index.graph_shape().removed == 51);
    second.reset();
    index.remove(counting(100, 5));
    CHECK(index.graph_shape().removed == 0);
}

TEST_CASE("a snapshot can be neither changed nor saved") {
    Index index(trial::options_with(kDim));
    add(index, trial::drawn_floats(20 * kDim, 30));
    const auto snapshot = index.snapshot();
    Watch nobody;

    CHECK_THROWS_AS(add(*snapshot, trial::drawn_floats(kDim, 1)), ReadOnlyError);
    CHECK_THROWS_AS(snapshot->remove(Ids{1}), ReadOnlyError);
    CHECK_THROWS_AS(update(*snapshot, {1}, trial::drawn_floats(kDim, 1)), ReadOnlyError);
    CHECK_THROWS_AS(snapshot->compact(1, nobody), ReadOnlyError);
    CHECK_THROWS_AS(snapshot->repair(nobody), ReadOnlyError);
    CHECK_THROWS_AS(snapshot->to_bytes(), ReadOnlyError);
    CHECK(snapshot->size() == 20);
}
