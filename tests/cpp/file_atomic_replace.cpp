#include "file/atomic_replace.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>
#include <stdexcept>

#include "base/errors.hpp"
#include "file_faulty_disk.hpp"
#include "file_folder.hpp"

using vicinal::AtomicReplace;
using vicinal::IoError;
using vicinal::PosixDisk;
using vicinal::testing::content_of;
using vicinal::testing::Fault;
using vicinal::testing::FaultyDisk;
using vicinal::testing::Folder;
using vicinal::testing::put;

namespace {

using Names = std::vector<std::string>;

void replace(vicinal::Disk& disk, const std::string& path, const std::string& content) {
    AtomicReplace replacement(disk, path);
    const auto bytes = std::as_bytes(std::span(content));
    replacement.append(bytes.first(bytes.size() / 2));
    replacement.append(bytes.subspan(bytes.size() / 2));
    replacement.commit();
}

// The error of a replacement, after checking that it names the path that was asked for; 0 when there was none.
int error_of_replacing(vicinal::Disk& disk, const std::string& path) {
    try {
        replace(disk, path, "new");
    } catch (const IoError& error) {
        CHECK(error.path() == path);
        CHECK(std::string(error.what()).find(path) != std::string::npos);
        return error.error_number();
    }
    return 0;
}

::mode_t permissions_of(const std::string& path) {
    struct ::stat facts{};
    REQUIRE(::stat(path.c_str(), &facts) == 0);
    return facts.st_mode & 0777;
}

enum class Before { kOldFile, kNoFile, kOldFileWithoutExchange };

void prepare(Before before, const Folder& folder, FaultyDisk& disk) {
    if (before != Before::kNoFile) put(folder.at("index"), "old");
    if (before == Before::kOldFileWithoutExchange) disk.refuse_exchange();
}

std::size_t calls_of_a_replacement(Before before) {
    const Folder folder;
    FaultyDisk disk;
    prepare(before, folder, disk);
    replace(disk, folder.at("index"), "new");
    return disk.calls();
}

std::optional<std::string> content_if_any(const std::string& path) {
    return std::filesystem::exists(path) ? std::optional(content_of(path)) : std::nullopt;
}

}  // namespace

TEST_CASE("a replacement appears at commit and not before") {
    const Folder folder;
    PosixDisk disk;
    put(folder.at("index"), "old");

    AtomicReplace replacement(disk, folder.at("index"));
    replacement.append(std::as_bytes(std::span(std::string_view("new"))));
    CHECK(content_of(folder.at("index")) == "old");
    replacement.commit();

    CHECK(content_of(folder.at("index")) == "new");
    CHECK(folder.names() == Names{"index"});
}

TEST_CASE("a replacement that is given up leaves the old file and nothing else") {
    const Folder folder;
    PosixDisk disk;
    put(folder.at("index"), "old");
    const auto descriptors = vicinal::testing::open_descriptors();

    {
        AtomicReplace replacement(disk, folder.at("index"));
        replacement.append(std::as_bytes(std::span(std::string_view("new"))));
        CHECK(folder.names().size() == 2);
    }

    CHECK(content_of(folder.at("index")) == "old");
    CHECK(folder.names() == Names{"index"});
    CHECK(vicinal::testing::open_descriptors() == descriptors);
}

TEST_CASE("the temporary file is named after the target and the process") {
    const Folder folder;
    PosixDisk disk;

    const AtomicReplace replacement(disk, folder.at("index"));

    REQUIRE(folder.names().size() == 1);
    CHECK(folder.names().front().starts_with("index.tmp-" + std::to_string(::getpid()) + "-"));
}

TEST_CASE("the last of two replacements of one file wins") {
    const Folder folder;
    PosixDisk disk;
    AtomicReplace first(disk, folder.at("index"));
    AtomicReplace second(disk, folder.at("index"));
    first.append(std::as_bytes(std::span(std::string_view("first"))));
    second.append(std::as_bytes(std::span(std::string_view("second"))));

    second.commit();
    CHECK(content_of(folder.at("index")) == "second");
    first.commit();

    CHECK(content_of(folder.at("index")) == "first");
    CHECK(folder.names() == Names{"index"});
}

TEST_CASE("a failing disk call at any point leaves the old file as it was and no temporary file") {
    std::set<std::string> reached;
    for (const Before before : {Before::kOldFile, Before::kNoFile, Before::kOldFileWithoutExchange}) {
        const std::size_t calls = calls_of_a_replacement(before);
        REQUIRE(calls >= 8);
        for (std::size_t n = 0; n < calls; ++n) {
            const Folder folder;
            FaultyDisk disk(n);
            prepare(before, folder, disk);
            const auto old = content_if_any(folder.at("index"));
            const auto descriptors = vicinal::testing::open_descriptors();

            const int error = error_of_replacing(disk, folder.at("index"));

            const std::string& failed = disk.failed_call();
            INFO("case " << static_cast<int>(before) << ", call " << n << " of " << calls << ": " << failed);
            REQUIRE_FALSE(failed.empty());
            reached.insert(failed);
            if (failed == "exchange" || failed == "remove") {  // another way, or too late: costs no save
                CHECK(error == 0);
                CHECK(content_of(folder.at("index")) == "new");
            } else {
                CHECK(error == (failed == "write" ? ENOSPC : EIO));
                // Documented: without an exchange the new file cannot be taken back from there, so it must be whole.
                const bool stays = before == Before::kOldFileWithoutExchange && failed == "sync_folder";
                CHECK(content_if_any(folder.at("index")) == (stays ? "new" : old));
            }
            if (failed != "remove") {
                CHECK(folder.names() == (content_if_any(folder.at("index")) ? Names{"index"} : Names{}));
            }
            CHECK(vicinal::testing::open_descriptors() == descriptors);
        }
    }
    CHECK(reached == std::set<std::string>{"follow_links", "look_at", "create", "write", "sync", "close", "exchange",
                                           "rename", "sync_folder", "remove"});
}

TEST_CASE("a disk that fails for good leaves the old file or the whole new one") {
    const std::size_t calls = calls_of_a_replacement(Before::kOldFile);
    for (std::size_t n = 0; n < calls; ++n) {
        const Folder folder;
        FaultyDisk disk(n, Fault::kFromThenOn);
        prepare(Before::kOldFile, folder, disk);

        error_of_replacing(disk, folder.at("index"));

        INFO("from call " << n << " on: " << disk.failed_call());
        const std::string content = content_of(folder.at("index"));
        CHECK((content == "old" || content == "new"));
        for (const std::string& name : folder.names()) {
            if (content == "new" && name != "index") CHECK(content_of(folder.at(name)) == "old");
        }
    }
}

TEST_CASE("a replacement that has ended refuses to go on") {
    const Folder folder;
    FaultyDisk disk(3);  // follow_links, look_at, create, write
    AtomicReplace replacement(disk, folder.at("index"));
    const auto bytes = std::as_bytes(std::span(std::string_view("new")));

    CHECK_THROWS_AS(replacement.append(bytes), IoError);
    CHECK_THROWS_AS(replacement.append(bytes), std::logic_error);
    CHECK_THROWS_AS(replacement.commit(), std::logic_error);
    CHECK(folder.names().empty());
}

TEST_CASE("a replacement that cannot begin says why and leaves nothing behind") {
    const Folder folder;
    PosixDisk disk;
    std::filesystem::create_directory(folder.at("folder"));
    put(folder.at("file"), "a file");
    std::filesystem::create_symlink("round", folder.at("round"));
    REQUIRE(::mkfifo(folder.at("pipe").c_str(), 0600) == 0);
    const Names before = folder.names();

    CHECK(error_of_replacing(disk, folder.at("folder")) == EISDIR);
    CHECK(error_of_replacing(disk, folder.at("folder/")) == EISDIR);
    CHECK(error_of_replacing(disk, folder.at("missing/index")) == ENOENT);
    CHECK(error_of_replacing(disk, folder.at("file/index")) == ENOTDIR);
    CHECK(error_of_replacing(disk, folder.at("round")) == ELOOP);
    CHECK(error_of_replacing(disk, folder.at("pipe")) == EINVAL);
    CHECK(error_of_replacing(disk, folder.at(std::string(300, 'x'))) == ENAMETOOLONG);
    CHECK(error_of_replacing(disk, "") == ENOENT);
    CHECK(folder.names() == before);
}

TEST_CASE("an unwritable folder is refused with EACCES and the old file stays") {
    const Folder folder;
    PosixDisk disk;
    put(folder.at("index"), "old");
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
    const bool privileged = ::geteuid() == 0;  // whom permissions do not stop
    if (privileged) REQUIRE(::seteuid(65534) == 0);

    const int error = error_of_replacing(disk, folder.at("index"));

    if (privileged) REQUIRE(::seteuid(0) == 0);
    std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
    CHECK(error == EACCES);
    CHECK(content_of(folder.at("index")) == "old");
    CHECK(folder.names() == Names{"index"});
}

TEST_CASE("a new file obeys the umask and a replaced one keeps its permissions") {
    const Folder folder;
    PosixDisk disk;
    const ::mode_t former = ::umask(027);

    replace(disk, folder.at("new"), "x");
    for (const ::mode_t mode : {0600u, 0664u, 0666u, 0400u}) {
        const std::string path = folder.at("kept-" + std::to_string(mode));
        put(path, "old");
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        replace(disk, path, "new");
        CHECK(permissions_of(path) == mode);
    }

    ::umask(former);
    CHECK(permissions_of(folder.at("new")) == 0640);
}

TEST_CASE("replacing through a symbolic link keeps the link and replaces what it leads to") {
    const Folder folder;
    PosixDisk disk;
    std::filesystem::create_directory(folder.at("store"));
    put(folder.at("store/index"), "old");
    std::filesystem::create_symlink("store/index", folder.at("link"));
    std::filesystem::create_symlink("store/later", folder.at("dangling"));

    replace(disk, folder.at("link"), "new");
    replace(disk, folder.at("dangling"), "first");

    CHECK(std::filesystem::is_symlink(folder.at("link")));
    CHECK(content_of(folder.at("store/index")) == "new");
    CHECK(std::filesystem::is_symlink(folder.at("dangling")));
    CHECK(content_of(folder.at("store/later")) == "first");
    CHECK(folder.names() == Names{"dangling", "link", "store"});
}

TEST_CASE("the longest name a file system allows can be replaced") {
    const Folder folder;
    PosixDisk disk;
    std::string name;
    while (name.size() < 254) name += "\xc3\xa4";  // two bytes each: a cut could fall inside one

    replace(disk, folder.at(name), "new");
    replace(disk, folder.at(name), "newer");

    CHECK(content_of(folder.at(name)) == "newer");
    CHECK(folder.names() == Names{name});
}
