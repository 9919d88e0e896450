// A log gives back what was written to it whole, and says so when it cannot.
#include "file/append_log.hpp"

#include <doctest/doctest.h>

#include <string_view>

#include "base/errors.hpp"
#include "file_faulty_disk.hpp"
#include "file_folder.hpp"

using namespace vicinal;
using namespace vicinal::testing;

namespace {

using Texts = std::vector<std::string>;
constexpr std::uint64_t kThisBoot = 1, kOtherBoot = 2;  // FaultyDisk counts from 1

void append(AppendLog& log, std::string_view text) {
    const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
    log.append(40, {&bytes, 1});
}

Texts texts_of(const std::string& path, std::uint64_t boot = kThisBoot, LogFacts* facts = nullptr) {
    PosixDisk disk;
    Texts texts;
    const LogFacts found = read_log(FileSource(disk, path), boot, [&](const LogRecord& record) {
        texts.emplace_back(reinterpret_cast<const char*>(record.payload.data()), record.payload.size());
    });
    if (facts != nullptr) *facts = found;
    return texts;
}

LogFacts facts_of(const std::string& path, std::uint64_t boot = kThisBoot) {
    LogFacts facts;
    texts_of(path, boot, &facts);
    return facts;
}

// Begins a log and opens it.
std::unique_ptr<AppendLog> fresh_log(Disk& disk, const std::string& path) {
    start_log(disk, path, {1'000, 2, 3});
    return std::make_unique<AppendLog>(disk, path, facts_of(path));
}

const Texts kTexts{"one", "", "three is somewhat longer than a word", "4", "the fifth"};

std::string log_of(const Folder& folder, bool sync_after_all) {
    FaultyDisk disk;
    const auto log = fresh_log(disk, folder.at("log"));
    for (const std::string& text : kTexts) append(*log, text);
    if (sync_after_all) {
        log->sync();
        log->vouch();
    }
    return content_of(folder.at("log"));
}

}  // namespace

TEST_CASE("a log gives back its records in order, also after it was opened again") {
    const Folder folder;
    FaultyDisk disk;
    fresh_log(disk, folder.at("log"));
    for (const std::string& text : kTexts) {
        AppendLog log(disk, folder.at("log"), facts_of(folder.at("log")));
        append(log, text);
    }

    CHECK(texts_of(folder.at("log")) == kTexts);
    CHECK(facts_of(folder.at("log")).follows == FileMark{1'000, 2, 3});
}

TEST_CASE("a record that does not fit the buffer comes back too") {
    const Folder folder;
    FaultyDisk disk;
    const auto log = fresh_log(disk, folder.at("log"));
    const std::string large(300'001, 'x'), medium(65'000, 'y');

    append(*log, medium);
    append(*log, large);
    append(*log, "small");

    CHECK(texts_of(folder.at("log")) == Texts{medium, large, "small"});
}

TEST_CASE("a log that ends anywhere in its last record loses that record and nothing else") {
    const Folder folder;
    const std::string whole = log_of(folder, false);
    const LogFacts facts = facts_of(folder.at("log"));
    REQUIRE(facts.end == whole.size());

    std::size_t before = kTexts.size();
    for (std::size_t left = whole.size(); left-- > append_log::kHeaderBytes;) {
        put(folder.at("log"), whole.substr(0, left));
        LogFacts found;
        const Texts texts = texts_of(folder.at("log"), kThisBoot, &found);
        INFO("the first " << left << " bytes of " << whole.size());
        CHECK(texts.size() <= before);
        CHECK(std::equal(texts.begin(), texts.end(), kTexts.begin()));
        CHECK(found.end + found.dropped == left);
        before = texts.size();

        FaultyDisk disk;
        {
            AppendLog log(disk, folder.at("log"), found);
            append(log, "more");
        }
        Texts expected = texts;
        expected.emplace_back("more");
        CHECK(texts_of(folder.at("log")) == expected);
    }
    CHECK(before == 0);
}

TEST_CASE("a flipped bit is never read as a record, and before sound records it is reported") {
    const Folder folder;
    for (const bool synced : {true, false}) {
        const std::string whole = log_of(folder, synced);
        std::size_t reported = 0, ended = 0;
        for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
            std::string damaged = whole;
            damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
            put(folder.at("log"), damaged);
            INFO("bit " << bit << ", synced " << synced);
            try {
                // Had the power been lost, only what was synced could be known to be damaged.
                const Texts texts = texts_of(folder.at("log"), synced ? kOtherBoot : kThisBoot);
                CHECK(texts.size() <= kTexts.size());
                CHECK(std::equal(texts.begin(), texts.end(), kTexts.begin()));
                // Only of the last record can nobody know: nothing sound follows.
                CHECK(texts.size() >= kTexts.size() - (synced ? 0 : 1));
                ++ended;
            } catch (const VicinalError&) {
                ++reported;
            }
        }
        MESSAGE(reported << " flips reported, " << ended << " taken for the end of the log");
        CHECK(reported > 2'000);
    }
}

TEST_CASE("sound records behind a bad one are what a loss of power may leave of what was not synced") {
    const Folder folder;
    const std::string whole = log_of(folder, false);
    const std::size_t place = whole.find("three");
    std::string damaged = whole;
    damaged[place] = 'T';
    put(folder.at("log"), damaged);

    CHECK(texts_of(folder.at("log"), kOtherBoot) == Texts{"one", ""});
    CHECK_THROWS_AS(texts_of(folder.at("log"), kThisBoot), CorruptIndexError);
}

TEST_CASE("records of an older log in the same place are no records of this one") {
    const Folder folder;
    const std::string old = log_of(folder, true);
    FaultyDisk disk;
    fresh_log(disk, folder.at("log"));
    const std::string fresh = content_of(folder.at("log"));
    REQUIRE(fresh.size() < old.size());

    put(folder.at("log"), fresh + old.substr(fresh.size()));

    CHECK(texts_of(folder.at("log")).empty());
}

TEST_CASE("a log of another kind or of nothing is refused") {
    const Folder folder;
    put(folder.at("log"), "");
    CHECK_THROWS_AS(texts_of(folder.at("log")), CorruptIndexError);
    put(folder.at("log"), std::string(200, 'x'));
    CHECK_THROWS_AS(texts_of(folder.at("log")), NotAnIndexError);
}

TEST_CASE("a call that is taken back leaves no record") {
    const Folder folder;
    FaultyDisk disk;
    const auto log = fresh_log(disk, folder.at("log"));

    append(*log, "one");
    append(*log, "two");
    log->take_back();
    append(*log, "three");

    CHECK(texts_of(folder.at("log")) == Texts{"one", "three"});
}

TEST_CASE("after a write or a sync has failed a log takes nothing more, and keeps what it had") {
    for (const char* call : {"append", "sync of a log"}) {
        const Folder folder;
        FaultyDisk counting;
        fresh_log(counting, folder.at("log"));
        // The next call of the kind is the second that a log makes after it was opened.
        FaultyDisk disk(std::string(call) == "append" ? 3 : 4);
        AppendLog log(disk, folder.at("log"), facts_of(folder.at("log")));
        append(log, "one");

        CHECK_THROWS_AS((append(log, "two"), log.sync()), IoError);
        INFO(disk.failed_call());
        CHECK(disk.failed_call() == call);
        CHECK(log.broken());
        CHECK_THROWS_AS(append(log, "three"), IoError);
        CHECK_THROWS_AS(log.sync(), IoError);

        Texts expected{"one"};
        if (std::string(call) != "append") expected.emplace_back("two");
        CHECK(texts_of(folder.at("log")) == expected);
    }
}
