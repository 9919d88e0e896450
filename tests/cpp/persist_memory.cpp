// Memory that runs out at any one allocation: the call says so, and the index is as it was before.
//
// The allocation functions of the whole test program are replaced here, for counting in the threads that ask for it.
// Sanitizers bring functions of their own; under them these tests are left out.
#include <doctest/doctest.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define VICINAL_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define VICINAL_SANITIZED
#endif

#ifdef VICINAL_SANITIZED

TEST_CASE("memory that runs out is tried in builds without sanitizers") {
    MESSAGE("SKIPPED: memory that runs out, because sanitizers bring allocation functions of their own");
}

#else

#include <cstdlib>
#include <exception>
#include <functional>
#include <limits>
#include <new>
#include <thread>

#include "file_folder.hpp"
#include "persist_samples.hpp"

namespace {

constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

// Of this thread: how many more allocations succeed before one fails, and whether it has.
thread_local std::size_t allocations_left = kNever;
thread_local bool one_failed = false;

void count_allocation() {
    if (allocations_left == kNever) return;
    if (allocations_left-- != 0) return;
    allocations_left = kNever;
    one_failed = true;
    throw std::bad_alloc();
}

}  // namespace

// Not inlined: GCC would see free() given what operator new returned, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
    count_allocation();
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
    count_allocation();
    const auto step = static_cast<std::size_t>(alignment);
    if (void* memory = std::aligned_alloc(step, (size + step - 1) / step * step)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

using namespace vicinal;
using namespace vicinal::testing;

namespace {

// Runs `call` in a thread of its own, whose scratch memory is therefore not there yet, and lets its allocation number
// `number` fail. True when there was such an allocation; the call must then have thrown std::bad_alloc, unless it can
// do without some.
enum class Forgives : std::uint8_t { none, some };
bool fails_at(std::size_t number, const std::function<void()>& call, Forgives forgives = Forgives::none) {
    bool failed = false, out_of_memory = false;
    std::exception_ptr other;
    std::thread thread([&] {
        allocations_left = number;
        one_failed = false;
        try {
            call();
        } catch (const std::bad_alloc&) {
            out_of_memory = true;
        } catch (...) {
            other = std::current_exception();
        }
        allocations_left = kNever;
        failed = one_failed;
    });
    thread.join();
    if (other) std::rethrow_exception(other);
    CHECK((failed || !out_of_memory));
    CHECK((out_of_memory || !failed || forgives == Forgives::some));
    return failed;
}

// All of them, one after the other; `check` looks at the wreckage.
std::size_t fail_everywhere(const std::function<void()>& call, const std::function<void()>& check) {
    std::size_t number = 0;
    for (; fails_at(number, call); ++number) {
        INFO("allocation " << number);
        check();
        REQUIRE(number < 10'000);
    }
    return number;
}

Options options_for(Metric metric, Dtype dtype) {
    Options options;
    options.dim = 6;
    options.metric = metric;
    options.dtype = dtype;
    options.M = 3;
    options.ef_construction = 10;
    return options;
}

const std::vector<Options> kKinds{options_for(Metric::l2, Dtype::f32), options_for(Metric::ip, Dtype::f16),
                                  options_for(Metric::cosine, Dtype::f32), options_for(Metric::cosine, Dtype::i8)};

}  // namespace

TEST_CASE("a save that runs out of memory at any allocation leaves file and index as they were") {
    for (const Options& options : kKinds) {
        INFO(kind_of(options));
        const Folder folder;
        const std::string path = folder.at("index");
        make_index(options, 20)->save(path);
        const std::string old = content_of(path);
        const auto index = make_index(options, 60, 4);
        const Bytes bytes = index->to_bytes();

        const std::size_t failures = fail_everywhere([&] { index->save(path); },
                                                     [&] {
                                                         CHECK(content_of(path) == old);
                                                         CHECK(folder.names().size() == 1);
                                                         CHECK(index->to_bytes() == bytes);
                                                     });
        fail_everywhere([&] { index->to_bytes(); }, [&] { CHECK(index->to_bytes() == bytes); });

        CHECK(failures > 10);
        CHECK(content_of(path).size() == bytes.size());
    }
}

TEST_CASE("a load that runs out of memory at any allocation says so") {
    for (const Options& options : kKinds) {
        INFO(kind_of(options));
        const Folder folder;
        const std::string path = folder.at("index");
        const auto index = make_index(options, 60, 4);
        index->save(path);
        std::unique_ptr<Index> loaded;
        Watch watch;

        const std::size_t failures =
            fail_everywhere([&] { loaded = Index::load(path, watch); }, [&] { CHECK(loaded == nullptr); });

        CHECK(failures > 10);
        REQUIRE(loaded != nullptr);
        CHECK(loaded->to_bytes() == index->to_bytes());
    }
}

TEST_CASE("a search that runs out of memory at any allocation says so and the next one answers") {
    for (const Options& options : kKinds) {
        INFO(kind_of(options));
        const auto index = make_index(options, 60, 4);
        const Answers expected = search(*index, 3, 1);

        const std::size_t failures =
            fail_everywhere([&] { search(*index, 3, 1); }, [&] { CHECK(search(*index, 3, 1) == expected); });

        CHECK(failures > 3);
    }
}

TEST_CASE("a remove that runs out of memory at any allocation removes nothing, or puts off the repair of links") {
    const auto full = make_index(kKinds[0], 60, 4);
    const Bytes bytes = full->to_bytes();
    const std::vector<std::int64_t> ids{0, 1, 2};
    std::size_t nothing = 0, put_off = 0;

    for (std::size_t number = 0;; ++number) {
        INFO("allocation " << number);
        const auto index = from_bytes(bytes);
        if (!fails_at(number, [&] { index->remove(ids); }, Forgives::some)) break;
        (index->size() == 45 ? nothing : put_off) += 1;
        CHECK((index->size() == 42 || index->to_bytes() == bytes));
        index->remove(std::vector<std::int64_t>{4});
        CHECK(index->graph_shape().removed == 0);
        CHECK(from_bytes(index->to_bytes())->size() == index->size());
        REQUIRE(number < 10'000);
    }

    CHECK(nothing > 0);
    CHECK(put_off > 0);
}

// The index goes on being used after each failure, so that what one left behind would show in the next.
TEST_CASE("an add that runs out of memory at any allocation leaves the index as it was, byte for byte") {
    for (const Options& options : kKinds) {
        INFO(kind_of(options));
        const Bytes before = make_index(options, 60, 4)->to_bytes();
        const auto untouched = from_bytes(before);
        const std::vector<std::int64_t> ids = untouched->ids();
        const Answers expected = search(*untouched, 5, 3, {.k = 45, .ef = 100});
        std::unique_ptr<Index> index = from_bytes(before);

        const std::size_t failures = fail_everywhere([&] { add(*index, 30, 2); },
                                                     [&] {
                                                         CHECK(index->ids() == ids);
                                                         CHECK(search(*index, 5, 3, {.k = 45, .ef = 100}) == expected);
                                                         const Answers walked = search(*index, 5, 3);
                                                         for (const std::int64_t id : walked.ids)
                                                             CHECK(std::binary_search(ids.begin(), ids.end(), id));
                                                         CHECK(index->to_bytes() == before);
                                                     });

        CHECK(failures > 10);
        add(*untouched, 30, 2);
        CHECK(index->to_bytes() == untouched->to_bytes());
    }
}

#endif
