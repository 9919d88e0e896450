// Searches of one vector beside a writer, without Python: bench/concurrency.py runs this and reads what it prints.
//
//     bench_concurrency INDEX ROWS QUERIES SECONDS ROUNDS EF
//
// INDEX is a saved index of 128 dimensions with the ids 0, 1 ..., ROWS and QUERIES are float32 without a header. Each
// round searches for so many seconds beside each of the writers below; a line of JSON tells of each stretch. Of every
// search it notes the time on the wall and on the processor, and the switches that the system counts: a voluntary one
// is a wait, for a lock or the disk; after an involuntary one another process had the core, and the wall says nothing.
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/random.hpp"
#include "base/watch.hpp"
#include "index/index.hpp"

namespace {

using namespace vicinal;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kDim = 128, kK = 10;
constexpr double kWritesASecond = 1000;

std::vector<float> read_floats(const char* path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    if (!file) throw std::runtime_error(std::string("cannot read ") + path);
    std::vector<float> values(static_cast<std::size_t>(file.tellg()) / sizeof(float));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
    return values;
}

struct Rows {
    std::vector<float> values;
    std::size_t count() const { return values.size() / kDim; }
    const std::byte* at(std::size_t row) const {
        return reinterpret_cast<const std::byte*>(values.data() + row % count() * kDim);
    }
};

double microseconds_of(clockid_t clock) {
    timespec now{};
    clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// What the searches of one thread came to.
struct Noted {
    std::vector<double> wall, processor, undisturbed;
    std::vector<std::int64_t> distances;
    std::int64_t waits = 0;

    void take(const Noted& other) {
        const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
        append(wall, other.wall);
        append(processor, other.processor);
        append(undisturbed, other.undisturbed);
        append(distances, other.distances);
        waits += other.waits;
    }
};

template <class T>
T quantile(std::vector<T> values, double share) {
    if (values.empty()) return T{};
    const auto place = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place), values.end());
    return values[place];
}

void search_until(const std::atomic<bool>& over, const Index& index, const Rows& queries, std::size_t ef,
                  std::size_t first, Noted& noted) {
    std::array<std::int64_t, kK> ids{};
    std::array<float, kK> distances{};
    std::int64_t count = 0;
    Work work;
    Watch nobody;
    const SearchOptions options{.k = kK, .ef = ef};
    rusage before{}, after{};
    for (std::size_t query = first; !over.load(std::memory_order_relaxed); ++query) {
        getrusage(RUSAGE_THREAD, &before);
        const double processor = microseconds_of(CLOCK_THREAD_CPUTIME_ID), wall = microseconds_of(CLOCK_MONOTONIC);
        index.search(queries.at(query), 1, options, {ids, distances, {&count, 1}, {&work, 1}}, nobody);
        const double took = microseconds_of(CLOCK_MONOTONIC) - wall;
        noted.processor.push_back(microseconds_of(CLOCK_THREAD_CPUTIME_ID) - processor);
        getrusage(RUSAGE_THREAD, &after);
        noted.wall.push_back(took);
        if (after.ru_nivcsw == before.ru_nivcsw) noted.undisturbed.push_back(took);
        noted.waits += after.ru_nvcsw - before.ru_nvcsw;
        noted.distances.push_back(work.distances);
    }
}

// Something a writer does again and again: without a pause, or so many times a second.
struct Writer {
    const char* name;
    bool paced;
    std::function<void()> write;
};

std::size_t write_until(const std::atomic<bool>& over, const Writer& writer) {
    std::size_t writes = 0;
    for (const auto begin = Clock::now(); !over.load(); ++writes) {
        if (writer.paced)
            std::this_thread::sleep_until(
                begin + std::chrono::duration_cast<Clock::duration>(
                            std::chrono::duration<double>(static_cast<double>(writes) / kWritesASecond)));
        writer.write();
    }
    return writes;
}

// Ids that come and go above those that stay, and the calls that change them.
class Changes {
public:
    Changes(Index& index, const Rows& rows) : index_(index), rows_(rows), stay_(index.next_id()), next_(stay_) {}

    void add() {
        Watch nobody;
        index_.add(rows_.at(static_cast<std::size_t>(next_)), 1, std::array{next_}, 1, nobody);
        ++next_;
    }
    void remove() {
        if (gone_ == next_ - stay_) return add();
        index_.remove(std::array{stay_ + gone_++});
    }
    void update() {
        Watch nobody;
        changed_ = (changed_ + 7919) % stay_;
        index_.update(rows_.at(static_cast<std::size_t>(++updates_)), 1, std::array{changed_}, 1, nobody);
    }
    void compact() {
        Watch nobody;
        for (int i = 0; i < 100; ++i) update();
        index_.compact(1, nobody);
    }

private:
    Index& index_;
    const Rows& rows_;
    const std::int64_t stay_;
    std::int64_t next_, gone_ = 0, changed_ = 0, updates_ = 0;
};

struct Stretch {
    const Index& index;
    const Rows& queries;
    std::size_t ef;
    std::chrono::duration<double> seconds;
};

// Searches that compared with so many more than any did beside nobody have walked twice.
constexpr double kWalkedTwice = 1.25;

void tell(const char* name, std::size_t threads, std::size_t writes, double seconds, std::size_t size,
          const Noted& noted) {
    static std::int64_t most_beside_nobody = 0;
    if (std::string(name) == "nobody") most_beside_nobody = std::max(most_beside_nobody, quantile(noted.distances, 1));
    const auto twice = std::count_if(noted.distances.begin(), noted.distances.end(), [](std::int64_t distances) {
        return static_cast<double>(distances) > kWalkedTwice * static_cast<double>(most_beside_nobody);
    });
    const auto half = static_cast<std::int64_t>(size / 2);
    const auto scans = std::count_if(noted.distances.begin(), noted.distances.end(),
                                     [&](std::int64_t distances) { return distances >= half; });
    const auto three = [](const std::vector<double>& values) {
        std::array<char, 96> text{};
        std::snprintf(text.data(), text.size(), "[%.2f, %.2f, %.2f]", quantile(values, 0.5), quantile(values, 0.99),
                      quantile(values, 1));
        return std::string(text.data());
    };
    std::printf(
        "{\"writer\": \"%s\", \"threads\": %zu, \"writes\": %zu, \"seconds\": %.3f, \"searches\": %zu, \"wall\": %s, "
        "\"processor\": %s, \"undisturbed\": %s, \"undisturbed_searches\": %zu, \"waits\": %lld, \"scans\": %lld, "
        "\"walked_twice\": %lld, "
        "\"distances\": [%lld, %lld, %lld]}\n",
        name, threads, writes, seconds, noted.wall.size(), three(noted.wall).c_str(), three(noted.processor).c_str(),
        three(noted.undisturbed).c_str(), noted.undisturbed.size(), static_cast<long long>(noted.waits),
        static_cast<long long>(scans), static_cast<long long>(twice),
        static_cast<long long>(quantile(noted.distances, 0.5)), static_cast<long long>(quantile(noted.distances, 0.99)),
        static_cast<long long>(quantile(noted.distances, 1)));
    std::fflush(stdout);
}

void run_beside(const Stretch& stretch, const Writer& writer, std::size_t threads) {
    std::atomic<bool> over{false};
    std::vector<Noted> noted(threads);
    std::vector<std::thread> searching;
    for (std::size_t i = 0; i < threads; ++i)
        searching.emplace_back([&, i] {
            search_until(over, stretch.index, stretch.queries, stretch.ef, i * stretch.queries.count() / threads,
                         noted[i]);
        });
    const auto begin = Clock::now();
    std::size_t writes = 0;
    std::thread writing([&] {
        if (writer.write) writes = write_until(over, writer);
    });
    std::this_thread::sleep_for(stretch.seconds);
    over.store(true);
    for (std::thread& thread : searching) thread.join();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    writing.join();
    for (std::size_t i = 1; i < threads; ++i) noted[0].take(noted[i]);
    tell(writer.name, threads, writes, seconds, stretch.index.size(), noted[0]);
}

// Threads that only compute: what they win by being two is the most that searches can.
void run_control(std::size_t threads, std::chrono::duration<double> time) {
    std::atomic<bool> over{false};
    std::atomic<std::uint64_t> pieces{0};
    std::vector<std::thread> computing;
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < threads; ++i)
        computing.emplace_back([&over, &pieces, number = std::uint64_t{i}]() mutable {
            for (; !over.load(std::memory_order_relaxed); ++pieces)
                for (int step = 0; step < 10'000; ++step) number = mix(number);
            if (number == 0) ++pieces;  // so that it is computed
        });
    std::this_thread::sleep_for(time);
    over.store(true);
    for (std::thread& thread : computing) thread.join();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::printf("{\"writer\": \"control\", \"threads\": %zu, \"searches\": %llu, \"seconds\": %.3f}\n", threads,
                static_cast<unsigned long long>(pieces.load()), seconds);
    std::fflush(stdout);
}

void run(char** words) {
    Watch nobody;
    const std::string path = words[0];
    const auto index = Index::load(path, nobody);
    const Rows rows{read_floats(words[1])}, queries{read_floats(words[2])};
    const Stretch stretch{*index, queries, static_cast<std::size_t>(std::strtoul(words[5], nullptr, 10)),
                          std::chrono::duration<double>(std::strtod(words[3], nullptr))};
    Changes changes(*index, rows);
    const std::vector<Writer> writers{
        {"nobody", false, {}},
        {"add", true, [&] { changes.add(); }},
        {"remove", true, [&] { changes.remove(); }},
        {"update", true, [&] { changes.update(); }},
        {"save", false, [&] { index->save(path + ".again"); }},
        {"compact", false, [&] { changes.compact(); }},
    };
    for (long round = std::strtol(words[4], nullptr, 10); round > 0; --round) {
        for (const std::size_t threads : {1U, 2U}) run_beside(stretch, writers[0], threads);
        for (const std::size_t threads : {1U, 2U}) run_control(threads, stretch.seconds);
        for (const std::size_t threads : {1U, 2U}) run_beside(stretch, writers[1], threads);
        for (std::size_t writer = 2; writer < writers.size(); ++writer) run_beside(stretch, writers[writer], 1);
    }
}

}  // namespace

int main(int count, char** words) {
    if (count != 7) {
        std::fprintf(stderr, "expected: INDEX ROWS QUERIES SECONDS ROUNDS EF\n");
        return 2;
    }
    try {
        run(words + 1);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}
