// Chooses the kernel table: the best set that is both in this build and on this processor, unless the environment
// variable VICINAL_KERNELS names another.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "kernels/kernels.hpp"
#include "kernels/sets.hpp"

namespace vicinal::kernels {
namespace {

#if defined(VICINAL_HAVE_AVX2)
// The compilers' own check includes that the operating system saves the wide registers. It knows no f16c in
// clang 16, so that bit is read here: leaf 1, register ecx, bit 29.
bool has_f16c() {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & (1u << 29)) != 0;
}

bool has_avx2() {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("popcnt") &&
           has_f16c();
}
#endif

#if defined(VICINAL_HAVE_AVX512)
bool has_avx512() {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}
#endif

bool always() { return true; }

struct Set {
    const Table* table;
    bool (*on_this_processor)();
};

// Best first.
constexpr Set kSets[] = {
#if defined(VICINAL_HAVE_AVX512)
    {&kAvx512Table, has_avx512},
#endif
#if defined(VICINAL_HAVE_AVX2)
    {&kAvx2Table, has_avx2},
#endif
#if defined(VICINAL_HAVE_NEON)
    {&kNeonTable, always},  // part of every ARMv8-A processor
#endif
    {&kScalarTable, always},
};

constexpr const char* kNames[] = {
#if defined(VICINAL_HAVE_AVX512)
    "avx512",
#endif
#if defined(VICINAL_HAVE_AVX2)
    "avx2",
#endif
#if defined(VICINAL_HAVE_NEON)
    "neon",
#endif
    "scalar", nullptr,
};

std::string listed_names() {
    std::string names;
    for (const char* const* name = compiled(); *name != nullptr; ++name) {
        if (!names.empty()) names += ", ";
        names += *name;
    }
    return names;
}

const Table& named(const char* name) {
    for (const Set& set : kSets) {
        if (std::strcmp(set.table->name, name) != 0) continue;
        if (set.on_this_processor()) return *set.table;
        throw std::runtime_error("VICINAL_KERNELS is \"" + std::string(name) +
                                 "\", which this processor cannot run; unset it to use the best one it can");
    }
    throw std::runtime_error("VICINAL_KERNELS is \"" + std::string(name) + "\"; this build contains " + listed_names());
}

const Table& chosen() {
    const char* name = std::getenv("VICINAL_KERNELS");
    if (name != nullptr && *name != '\0') return named(name);
    for (const Set& set : kSets) {
        if (set.on_this_processor()) return *set.table;
    }
    return kScalarTable;
}

}  // namespace

const Table& active() {
    static const Table& table = chosen();
    return table;
}

std::size_t runnable(const Table** tables, std::size_t room) {
    std::size_t found = 0;
    for (const Set& set : kSets) {
        if (!set.on_this_processor()) continue;
        if (found < room) tables[found] = set.table;
        ++found;
    }
    return found;
}

const char* const* compiled() { return kNames; }

}  // namespace vicinal::kernels
