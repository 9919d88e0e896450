// How far a load has come: bytes, each of which is read once and looked at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/errors.hpp"
#include "base/watch.hpp"
#include "file/bytes.hpp"

namespace vicinal {

// Throws Stopped once the watch has said so.
class Effort {
public:
    Effort(Watch& watch, std::uint64_t file_bytes) : watch_(watch), total_(2 * static_cast<std::size_t>(file_bytes)) {}

    void add(std::size_t bytes) {
        done_ += bytes;
        if (!watch_.look(done_, total_)) throw Stopped();
    }
    void finish() {
        if (!watch_.report(total_, total_)) throw Stopped();
    }

private:
    Watch& watch_;
    std::size_t done_ = 0, total_;
};

// A source whose reading counts.
class WatchedSource final : public ByteSource {
public:
    WatchedSource(const ByteSource& source, Effort& effort) : source_(source), effort_(effort) {}

    std::uint64_t size() const override { return source_.size(); }
    void read_at(std::uint64_t offset, std::span<std::byte> to) const override {
        source_.read_at(offset, to);
        effort_.add(to.size());
    }
    const std::string& name() const override { return source_.name(); }

private:
    const ByteSource& source_;
    Effort& effort_;
};

}  // namespace vicinal
