// Something that was looked up for an index, kept for the next search of it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/epochs.hpp"

namespace vicinal {

// Thread safety: any number of threads may read at once, and none waits for another: whoever finds another at putting
// something new in its place keeps what he has looked up to himself.
template <class Kept>
class Remembered {
public:
    Remembered() = default;
    ~Remembered() { delete current_.load(); }
    Remembered(const Remembered&) = delete;
    Remembered& operator=(const Remembered&) = delete;

    // What is remembered, for as long as this is held; looked up anew by look_up(before) -> unique_ptr<const Kept>
    // unless fits(before).
    class Reading {
    public:
        template <class Fits, class LookUp>
        Reading(const Remembered& from, Fits&& fits, LookUp&& look_up)
            : seat_(from.epochs_.sit()), kept_(from.current_.load()) {
            if (kept_ != nullptr && fits(*kept_)) return;
            own_ = look_up(kept_);
            kept_ = from.remember(own_);
        }
        const Kept& kept() const { return *kept_; }

    private:
        Epochs::Seat seat_;
        std::unique_ptr<const Kept> own_;
        const Kept* kept_;
    };

private:
    const Kept* remember(std::unique_ptr<const Kept>& fresh) const {
        const std::unique_lock replacing(replacing_, std::try_to_lock);
        if (!replacing.owns_lock()) return fresh.get();
        retired_.reserve(retired_.size() + 1);
        const Kept* kept = fresh.get();
        std::unique_ptr<const Kept> old(current_.exchange(fresh.release()));
        retired_.push_back({std::move(old), epochs_.tick()});
        std::erase_if(retired_, [this](const Retired& retired) { return epochs_.passed(retired.time); });
        return kept;
    }

    struct Retired {
        std::unique_ptr<const Kept> kept;
        Epochs::Time time;
    };
    mutable Epochs epochs_;  // of those who read what is remembered
    mutable std::atomic<const Kept*> current_{nullptr};
    mutable std::mutex replacing_;
    mutable std::vector<Retired> retired_;  // guarded by replacing_
};

}  // namespace vicinal
