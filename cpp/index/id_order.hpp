// The live slots in the order of their ids, which is the order of masks.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "graph/view.hpp"

namespace vicinal {

// Where ids ascend with the slots, which is what ids given by the index do, this order needs no table. Otherwise it is
// sorted once for each state of the index, and kept for the next mask.
class IdOrder {
public:
    using Slots = std::vector<std::uint32_t>;

    // Null: the slots as they stand. Waits for nobody: whoever comes while another is looking sorts for himself.
    std::shared_ptr<const Slots> of(const View& view) const;

private:
    struct Kept {
        std::uint32_t count = 0, live = 0;
        std::uint64_t reassigned = 0;
        std::shared_ptr<const Slots> slots;
        friend bool same_state(const Kept& a, const Kept& b) {
            return a.count == b.count && a.live == b.live && a.reassigned == b.reassigned;
        }
    };
    mutable std::mutex looking_;
    mutable Kept kept_;
};

}  // namespace vicinal
