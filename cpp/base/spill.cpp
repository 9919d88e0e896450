#include "base/spill.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include "base/checked.hpp"
#include "base/errors.hpp"

namespace vicinal {
namespace {

std::size_t page_bytes() {
    static const auto kBytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return kBytes;
}

std::string folder() {
    const char* asked = std::getenv("TMPDIR");
    if (asked != nullptr && *asked != '\0') return asked;
    return ::access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp";
}

[[noreturn]] void refuse(int error, const std::string& where, const std::string& what) {
    throw IoError(error, where, what + " in '" + where + "', where vectors on disk lie until they are saved");
}

// Closed at the end: the mapping keeps the file.
class Nameless {
public:
    explicit Nameless(const std::string& where) : descriptor_(make(where)) {
        if (descriptor_ < 0) refuse(errno, where, "no file can be made");
    }
    ~Nameless() { ::close(descriptor_); }
    Nameless(const Nameless&) = delete;
    Nameless& operator=(const Nameless&) = delete;
    int descriptor() const { return descriptor_; }

private:
    static int make(const std::string& where) {
#if defined(O_TMPFILE)
        const int nameless = ::open(where.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (nameless >= 0) return nameless;
#endif
        std::string name = where + "/vicinal-XXXXXX";
        const int named = ::mkstemp(name.data());
        if (named < 0) return named;
        ::fcntl(named, F_SETFD, FD_CLOEXEC);
        ::unlink(name.c_str());
        return named;
    }

    int descriptor_;
};

void advise(const std::byte* from, std::size_t bytes, int advice) {
    if (bytes == 0) return;
    const auto begin = reinterpret_cast<std::uintptr_t>(from) / page_bytes() * page_bytes();
    const auto end = reinterpret_cast<std::uintptr_t>(from) + bytes;
    const int error = errno;
    ::madvise(reinterpret_cast<void*>(begin), end - begin, advice);  // NOLINT(performance-no-int-to-ptr)
    errno = error;
}

}  // namespace

Spill::Spill(std::size_t bytes) : mapped_(round_up(bytes, page_bytes())) {
    if (mapped_ == 0) return;
    const std::string where = folder();
    const Nameless file(where);
    if (const int error = ::posix_fallocate(file.descriptor(), 0, static_cast<off_t>(mapped_)); error != 0)
        refuse(error, where, "there is no room for " + std::to_string(mapped_) + " bytes");
    void* const mapping = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor(), 0);
    if (mapping == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<std::byte*>(mapping);
    expect_random_reads(data_, mapped_);
}

Spill::~Spill() {
    if (data_ != nullptr) ::munmap(data_, mapped_);
}

void read_ahead(const std::byte* from, std::size_t bytes) { advise(from, bytes, MADV_WILLNEED); }

void expect_random_reads(const std::byte* from, std::size_t bytes) { advise(from, bytes, MADV_RANDOM); }

}  // namespace vicinal
