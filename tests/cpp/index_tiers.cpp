// Indexes that walk on codes of a tier, with their vectors in memory, on disk, or in the file they were saved to.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/errors.hpp"
#include "file_folder.hpp"
#include "persist_samples.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

Options options_of(Traversal codes, Tier vectors = Tier::memory, Metric metric = Metric::l2, Dtype dtype = Dtype::f16) {
    Options options;
    options.dim = 70;
    options.metric = metric;
    options.dtype = dtype;
    options.M = 8;
    options.ef_construction = 40;
    options.traversal = codes;
    options.vectors = vectors;
    return options;
}

std::vector<Work> work_of(const Index& index, std::size_t n, SearchOptions options) {
    const Bytes queries = random_vectors(index.options(), n, 99);
    std::vector<std::int64_t> ids(n * options.k), counts(n);
    std::vector<float> distances(n * options.k);
    std::vector<Work> work(n);
    Watch watch;
    index.search(queries.data(), n, options, {ids, distances, counts, work}, watch);
    return work;
}

// The share of the ten nearest that a search finds.
double recall_of(const Index& index, SearchOptions options) {
    const Answers found = search(index, 50, 99, options);
    SearchOptions exactly = options;
    exactly.exact = true;
    exactly.rerank = 0;
    const Answers truth = search(index, 50, 99, exactly);
    std::size_t hits = 0;
    for (std::size_t query = 0; query < 50; ++query) {
        const auto row = [&](const Answers& answers) {
            return answers.ids.begin() + static_cast<std::ptrdiff_t>(query * options.k);
        };
        const auto end = row(found) + static_cast<std::ptrdiff_t>(options.k);
        for (std::size_t i = 0; i < options.k; ++i)
            hits += static_cast<std::size_t>(std::count(row(found), end, row(truth)[static_cast<std::ptrdiff_t>(i)]));
    }
    return static_cast<double>(hits) / static_cast<double>(50 * options.k);
}

// The distances of an answer are those of an exact search, for as many as both have found.
void check_exact_distances(const Index& index) {
    const Answers found = search(index, 20, 99, {.k = 10, .ef = 60});
    const Answers truth = search(index, 20, 99, {.k = index.size(), .exact = true});
    for (std::size_t query = 0; query < 20; ++query) {
        for (std::size_t i = 0; i < 10; ++i) {
            const auto begin = truth.ids.begin() + static_cast<std::ptrdiff_t>(query * index.size());
            const auto at =
                std::find(begin, begin + static_cast<std::ptrdiff_t>(index.size()), found.ids[query * 10 + i]);
            REQUIRE(at != begin + static_cast<std::ptrdiff_t>(index.size()));
            CHECK(found.distances[query * 10 + i] == truth.distances[static_cast<std::size_t>(at - truth.ids.begin())]);
        }
    }
}

constexpr Traversal kCodes[] = {Traversal::code2, Traversal::code4, Traversal::code8};

}  // namespace

TEST_CASE("what is found by codes is measured on the vectors, under every metric") {
    for (const Traversal codes : kCodes)
        for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
            CAPTURE(name_of(codes));
            CAPTURE(name_of(metric));
            const auto index = make_index(options_of(codes, Tier::memory, metric), 500);
            check_exact_distances(*index);
            CHECK(index->graph_shape().walked == codes);
        }
}

TEST_CASE("more vectors that meet their codes' candidates find more, and two bits find nine of ten among a hundred") {
    const auto index = make_index(options_of(Traversal::code2), 2000);
    const double few = recall_of(*index, {.k = 10, .ef = 100, .rerank = 10});
    const double all = recall_of(*index, {.k = 10, .ef = 100});
    CHECK(few < all);
    CHECK(all > 0.9);
}

TEST_CASE("rerank says how many vectors are read, raised to k, and widens the beam") {
    const auto index = make_index(options_of(Traversal::code2), 600);
    const auto reranked = [&](SearchOptions options) { return work_of(*index, 1, options)[0].reranked; };
    CHECK(reranked({.k = 5, .ef = 40, .rerank = 20}) == 20);
    CHECK(reranked({.k = 5, .ef = 40, .rerank = 1}) == 5);
    CHECK(reranked({.k = 5, .ef = 40}) == 40);
    CHECK(reranked({.k = 5, .ef = 10, .rerank = 80}) == 80);
}

TEST_CASE("vectors on disk are the same index: same bytes but for where they lie, same answers") {
    for (const Traversal codes : kCodes) {
        const auto memory = make_index(options_of(codes), 700, 5);
        const auto disk = make_index(options_of(codes, Tier::disk), 700, 5);
        CHECK(search(*memory, 20, 3) == search(*disk, 20, 3));
        CHECK(memory->to_bytes().size() == disk->to_bytes().size());
        CHECK(memory->memory().mapped == 0);
        CHECK(disk->memory().mapped == disk->memory().vectors + disk->memory().factors);
    }
}

TEST_CASE("the number of threads changes no byte of an index with codes, and no answer") {
    const Options options = options_of(Traversal::code2, Tier::disk, Metric::cosine);
    const Bytes rows = random_vectors(options, 900, 4);
    std::vector<Bytes> files;
    std::vector<Answers> answers;
    for (const std::size_t threads : {1U, 3U}) {
        Index index(options);
        Watch watch;
        index.add(rows.data(), 900, {}, threads, watch);
        files.push_back(index.to_bytes());
        answers.push_back(search(index, 30, 8, {.k = 5, .ef = 30, .threads = threads}));
    }
    CHECK(files[0] == files[1]);
    CHECK(answers[0] == answers[1]);
}

TEST_CASE("rows that come and go have codes that come and go with them") {
    for (const Tier tier : {Tier::memory, Tier::disk}) {
        const auto index = make_index(options_of(Traversal::code2, tier), 600, 3);
        add(*index, 500, 21);
        Watch watch;
        std::vector<std::int64_t> ids{0, 3, 4};
        const Bytes rows = random_vectors(index->options(), ids.size(), 77);
        index->update({rows.data(), ids.size(), ids}, 1, watch);
        check_exact_distances(*index);
        CHECK(recall_of(*index, {.k = 10, .ef = 100}) > 0.85);
        const Answers before = search(*index, 20, 3, {.k = 10, .ef = 1000});
        index->compact(1, watch);
        CHECK(search(*index, 20, 3, {.k = 10, .ef = 1000}) == before);
        index->optimize(1, watch);
        check_exact_distances(*index);
        CHECK(recall_of(*index, {.k = 10, .ef = 100}) > 0.85);
    }
}

TEST_CASE("a snapshot keeps the vectors on disk that its origin gives away") {
    const auto index = make_index(options_of(Traversal::code4, Tier::disk), 300);
    const auto snapshot = index->snapshot();
    const Answers before = search(*snapshot, 20, 3);
    const std::vector<std::int64_t> ids = index->ids();
    index->remove(std::span(ids).first(250));
    add(*index, 400, 5);
    CHECK(search(*snapshot, 20, 3) == before);
}

TEST_CASE("a filter is kept to, by walks and by scans of codes") {
    const auto index = make_index(options_of(Traversal::code2, Tier::disk), 1500);
    for (const std::int64_t step : {2, 9, 200}) {
        std::vector<std::int64_t> ids;
        for (std::int64_t id = 0; id < 1500; id += step) ids.push_back(id);
        const IdSet admitted(ids);
        const Filter filter{&admitted};
        const SearchOptions options{.k = 5, .ef = 40, .filters = {&filter, 1}};
        const Answers found = search(*index, 20, 3, options);
        for (const std::int64_t id : found.ids) CHECK(id % step == 0);
        SearchOptions exactly = options;
        exactly.exact = true;
        const Answers truth = search(*index, 20, 3, exactly);
        std::size_t same = 0;
        for (std::size_t i = 0; i < truth.ids.size(); ++i) same += truth.distances[i] == found.distances[i] ? 1U : 0U;
        CHECK(same >= truth.ids.size() * 8 / 10);
    }
}

TEST_CASE("codes come back from a file as they were, and a mapped file is walked on them") {
    const Folder folder;
    for (const Traversal codes : kCodes)
        for (const Metric metric : {Metric::l2, Metric::ip, Metric::cosine}) {
            CAPTURE(name_of(codes));
            const auto index = make_index(options_of(codes, Tier::disk, metric), 700, 4);
            const Bytes bytes = index->to_bytes();
            CHECK(from_bytes(bytes)->to_bytes() == bytes);
            index->save(folder.at("index"));
            Watch watch;
            const auto loaded = Index::load(folder.at("index"), watch);
            const auto mapped = Index::map(folder.at("index"), watch);
            CHECK(mapped->graph_shape().walked == codes);
            CHECK(search(*loaded, 20, 3) == search(*index, 20, 3));
            CHECK(search(*mapped, 20, 3) == search(*index, 20, 3));
            CHECK(work_of(*mapped, 1, {.k = 5, .ef = 20})[0].reranked == 20);
            CHECK(mapped->memory().mapped ==
                  mapped->memory().vectors + (metric == Metric::cosine ? mapped->memory().factors : 0));
            CHECK(mapped->to_bytes() == bytes);
            add(*loaded, 50, 6);
            check_exact_distances(*loaded);
        }
}

TEST_CASE("an index that lost all its rows takes codes of the next") {
    const auto index = make_index(options_of(Traversal::code2, Tier::disk), 30, 1);
    Watch watch;
    index->compact(1, watch);
    for (const bool stored : {false, true}) {
        const auto again = from_bytes(index->to_bytes());
        Index& here = stored ? *again : *index;
        add(here, 300, 5);
        CHECK(here.graph_shape().walked == Traversal::code2);
        check_exact_distances(here);
    }
}

TEST_CASE("codes that cannot serve, and disks without codes, are refused before anything is made") {
    Options bits = options_of(Traversal::code2, Tier::memory, Metric::hamming, Dtype::b1);
    bits.dim = 64;
    CHECK_THROWS_AS(Index{bits}, InvalidArgumentError);
    CHECK_THROWS_AS(Index{options_of(Traversal::code2, Tier::memory, Metric::l2, Dtype::u8)}, InvalidArgumentError);
    CHECK_THROWS_AS(Index{options_of(Traversal::automatic, Tier::disk)}, InvalidArgumentError);
    const auto plain = make_index(options_of(Traversal::automatic), 100);
    CHECK_THROWS_AS(work_of(*plain, 1, {.k = 5, .rerank = 10}), InvalidArgumentError);
}

TEST_CASE("where there is no folder for vectors on disk, an add says so and changes nothing") {
    const char* const before = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): one thread
    const std::string kept = before == nullptr ? "" : before;
    ::setenv("TMPDIR", "/nowhere/at/all", 1);  // NOLINT(concurrency-mt-unsafe)
    Index index(options_of(Traversal::code2, Tier::disk));
    CHECK_THROWS_AS(add(index, 10, 3), IoError);
    before == nullptr ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", kept.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
    CHECK(index.size() == 0);
    add(index, 10, 3);
    CHECK(index.size() == 10);
}

TEST_CASE("a child searches vectors on disk and does not change its parent's") {
    const auto index = make_index(options_of(Traversal::code2, Tier::disk), 300);
    const Answers before = search(*index, 10, 3);
    const pid_t child = ::fork();
    if (child == 0) {
        bool right = search(*index, 10, 3) == before;
        try {
            add(*index, 1, 3);
            right = false;
        } catch (const ReadOnlyError&) {
        }
        ::_exit(right ? 0 : 1);
    }
    int status = 1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
    add(*index, 1, 3);
}
