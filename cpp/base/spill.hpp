// A block of zeroed memory that lies in a file without a name, so that the system can take its pages back.
//
// What is written there is on the disk as soon as memory is needed for something else, and comes back when it is
// touched. The file goes with the block, or with the process. It lies in $TMPDIR, else in /var/tmp, which outlasts a
// start of the machine and so is hardly ever kept in memory, else in /tmp. All of it is set aside at once: a write
// through memory has no way to say later that the disk is full.
//
// A child of fork() shares the file, and sees what its parent writes there.
#pragma once

#include <cstddef>

namespace vicinal {

class Spill {
public:
    explicit Spill(std::size_t bytes);  // throws IoError, std::bad_alloc
    ~Spill();
    Spill(const Spill&) = delete;
    Spill& operator=(const Spill&) = delete;

    std::byte* data() const { return data_; }

private:
    std::byte* data_ = nullptr;
    std::size_t mapped_;
};

// Tells the system which pages are about to be read, or that pages are read one here and one there. Advice: refusal
// costs speed, not correctness.
void read_ahead(const std::byte* from, std::size_t bytes);
void expect_random_reads(const std::byte* from, std::size_t bytes);

}  // namespace vicinal
