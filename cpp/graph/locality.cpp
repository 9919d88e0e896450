#include "graph/locality.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/errors.hpp"
#include "graph/copies.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kWindow = 6;  // so many were seated last

// Who comes next: a stack of slots for each score there can be. A slot is pushed whenever its score grows; what lies
// there under a score it no longer has is passed over.
class Queue {
public:
    explicit Queue(std::size_t slots) : scores_(slots, 0) {}

    void raise(std::uint32_t slot) {
        const std::uint8_t score = ++scores_[slot];
        stacks_[score].push_back(slot);
        highest_ = std::max<std::size_t>(highest_, score);
    }
    void lower(std::uint32_t slot) {
        if (--scores_[slot] != 0) stacks_[scores_[slot]].push_back(slot);
    }

    // The slot of the highest score that may_come(slot); `otherwise` when none has any.
    template <class MayCome>
    std::uint32_t next(MayCome&& may_come, std::uint32_t otherwise) {
        for (; highest_ > 0; --highest_) {
            auto& stack = stacks_[highest_];
            while (!stack.empty()) {
                const std::uint32_t slot = stack.back();
                stack.pop_back();
                if (scores_[slot] == highest_ && may_come(slot)) return slot;
            }
        }
        return otherwise;
    }
    void look_again() { highest_ = kWindow; }

private:
    std::vector<std::uint8_t> scores_;
    std::array<std::vector<std::uint32_t>, kWindow + 1> stacks_;
    std::size_t highest_ = 0;
};

}  // namespace

std::vector<Sitter> by_locality(const View& view, const std::vector<Sitter>& sitters, Watch& watch) {
    constexpr std::uint32_t kNobody = UINT32_MAX;
    std::vector<std::uint32_t> name_of(view.count, kNobody);
    for (const Sitter sitter : sitters) name_of[sitter.node] = sitter.name;
    std::vector<bool> seated(view.count, false);
    std::vector<Sitter> ordered;
    ordered.reserve(sitters.size());
    std::array<std::uint32_t, kWindow> window{};
    window.fill(kNobody);
    Queue queue(view.count);
    const auto may_come = [&](std::uint32_t slot) { return !seated[slot] && name_of[slot] != kNobody; };
    const auto seat = [&](std::uint32_t slot) {
        seated[slot] = true;
        ordered.push_back({slot, name_of[slot]});
    };
    std::uint32_t first_free = 0;
    std::size_t turn = 0;
    while (ordered.size() < sitters.size()) {
        if (turn % 1'024 == 0 && !watch.again()) throw Stopped();
        std::uint32_t next = turn == 0 ? index_of(view.entry) : queue.next(may_come, kNobody);
        if (next == kNobody) {
            while (!may_come(first_free)) ++first_free;
            next = first_free;
        }
        seat(next);
        if (view.copies != 0)
            for_each_copy(view, Slot{next}, [&](std::uint32_t copy) {
                if (may_come(copy)) seat(copy);
            });
        std::uint32_t& oldest = window[turn++ % kWindow];
        if (oldest != kNobody) view.links_of(Slot{oldest}, 0).for_each([&](std::uint32_t to) { queue.lower(to); });
        oldest = next;
        view.links_of(Slot{next}, 0).for_each([&](std::uint32_t to) { queue.raise(to); });
        queue.look_again();
    }
    return ordered;
}

}  // namespace vicinal
