// A disk in memory that can lose its power: what was written and named but not synced is then there, or not, or in
// part.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/errors.hpp"
#include "file/disk.hpp"

namespace vicinal::testing {

struct PowerLost {};  // nobody catches it by mistake

// What the device still did with what it was not told to do.
enum class Loss { nothing_kept, all_kept, some_kept, torn, names_lost };
constexpr Loss kLosses[] = {Loss::nothing_kept, Loss::all_kept, Loss::some_kept, Loss::torn, Loss::names_lost};

class MemoryDisk final : public Disk {
public:
    static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

    // Each call that changes something is an event; the power goes instead of event number `until`.
    void fail_at(std::size_t until) { until_ = until; }
    std::size_t events() const { return events_; }

    // The same disk after the machine has been started again.
    void lose_power(Loss loss, std::mt19937& random) {
        if (loss == Loss::all_kept) durable_names_ = names_;
        if (loss == Loss::some_kept || loss == Loss::torn)
            for (std::size_t i = 0, kept = random() % (past_names_.size() + 1); i < kept; ++i)
                durable_names_ = past_names_[i];  // names change in order, as in a journal
        names_ = durable_names_;
        past_names_.clear();
        for (const auto& [name, inode] : names_) inode->lose(loss, random);
        lost_ = false;
        locks_.clear();
        until_ = kNever;
        events_ = 0;
        ++boot_;
    }

    std::unique_ptr<WritableFile> create(const std::string& path, std::optional<std::uint32_t>) override {
        event();
        if (names_.contains(path)) throw IoError(EEXIST, path, "exists");
        auto inode = std::make_shared<Inode>();
        rename_all([&](Names& names) { names[path] = inode; });
        return std::make_unique<Written>(*this, inode);
    }
    std::unique_ptr<ReadableFile> open(const std::string& path) override {
        return std::make_unique<Read>(inode_of(path));
    }
    std::unique_ptr<AppendableFile> append_to(const std::string& path) override {
        return std::make_unique<Appended>(*this, inode_of(path));
    }
    std::unique_ptr<FileLock> lock(const std::string& path) override {
        alive();
        if (!locks_[path].expired()) throw IoError(EWOULDBLOCK, path, "locked");
        auto lock = std::make_unique<Lock>();
        locks_[path] = lock->held;
        return lock;
    }
    std::uint64_t boot() override { return boot_; }
    void rename(const std::string& from, const std::string& to) override {
        event();
        const auto inode = inode_of(from);
        rename_all([&](Names& names) {
            names.erase(from);
            names[to] = inode;
        });
    }
    bool exchange(const std::string& one, const std::string& other) override {
        if (lost_ || events_ == until_) lost_ = true;
        if (lost_) return false;  // it does not throw
        ++events_;
        rename_all([&](Names& names) { std::swap(names[one], names[other]); });
        return true;
    }
    void remove(const std::string& path) override {
        event();
        rename_all([&](Names& names) { names.erase(path); });
    }
    void sync_folder(const std::string&) override {
        event();
        durable_names_ = names_;
        past_names_.clear();
    }
    std::optional<FileFacts> look_at(const std::string& path) override {
        alive();
        if (!names_.contains(path)) return std::nullopt;
        return FileFacts{true, false, 0644};
    }
    std::string follow_links(const std::string& path) override { return path; }

    std::vector<std::byte>& content_of(const std::string& path) { return inode_of(path)->content; }
    std::vector<std::string> names() const {
        std::vector<std::string> found;
        for (const auto& [name, inode] : names_) found.push_back(name);
        return found;
    }

private:
    using Content = std::vector<std::byte>;
    struct Inode {
        Content content, durable;
        struct Change {
            std::size_t at;
            Content bytes;
            bool cut;
        };
        std::vector<Change> changes;  // since the last sync

        static void apply(Content& content, const Change& change, std::size_t most) {
            if (change.cut) return content.resize(change.at);
            const std::size_t n = std::min(most, change.bytes.size());
            content.resize(std::max(content.size(), change.at + n));
            std::copy_n(change.bytes.begin(), n, content.begin() + static_cast<std::ptrdiff_t>(change.at));
        }
        void change(Change one) {
            apply(content, one, one.bytes.size());
            changes.push_back(std::move(one));
        }
        void sync() {
            durable = content;
            changes.clear();
        }
        void lose(Loss loss, std::mt19937& random) {
            constexpr std::size_t kSector = 512;
            if (loss == Loss::all_kept || loss == Loss::names_lost) durable = content;
            if (loss == Loss::some_kept)
                for (const Change& one : changes)
                    if (random() % 2 == 0) apply(durable, one, one.bytes.size());
            if (loss == Loss::torn) {
                const std::size_t kept = changes.empty() ? 0 : random() % (changes.size() + 1);
                for (std::size_t i = 0; i < kept; ++i) {
                    const std::size_t size = changes[i].bytes.size();
                    const std::size_t part =
                        random() % 2 == 0 ? random() % (size + 1) : random() % (size / kSector + 1) * kSector;
                    apply(durable, changes[i], i + 1 == kept ? part : size);
                }
            }
            content = durable;
            changes.clear();
        }
    };
    using Names = std::map<std::string, std::shared_ptr<Inode>>;

    struct Lock final : FileLock {
        std::shared_ptr<int> held = std::make_shared<int>(0);
    };
    class Written final : public WritableFile {
    public:
        Written(MemoryDisk& disk, std::shared_ptr<Inode> inode) : disk_(disk), inode_(std::move(inode)) {}
        void write(std::span<const std::byte> bytes) override {
            disk_.event();
            inode_->change({inode_->content.size(), Content(bytes.begin(), bytes.end()), false});
        }
        void sync() override {
            disk_.event();
            inode_->sync();
        }
        void close() override { disk_.alive(); }

    private:
        MemoryDisk& disk_;
        std::shared_ptr<Inode> inode_;
    };
    class Appended final : public AppendableFile {
    public:
        Appended(MemoryDisk& disk, std::shared_ptr<Inode> inode) : disk_(disk), inode_(std::move(inode)) {}
        void write(std::span<const std::byte> bytes) override {
            disk_.event();
            inode_->change({inode_->content.size(), Content(bytes.begin(), bytes.end()), false});
        }
        void cut(std::uint64_t bytes) override {
            disk_.event();
            inode_->change({static_cast<std::size_t>(bytes), {}, true});
        }
        void sync() override {
            disk_.event();
            inode_->sync();
        }

    private:
        MemoryDisk& disk_;
        std::shared_ptr<Inode> inode_;
    };
    class Read final : public ReadableFile {
    public:
        explicit Read(std::shared_ptr<Inode> inode) : inode_(std::move(inode)) {}
        std::uint64_t size() const override { return inode_->content.size(); }
        std::size_t read_at(std::uint64_t offset, std::span<std::byte> to) const override {
            const Content& content = inode_->content;
            if (offset >= content.size()) return 0;
            const std::size_t n = std::min(to.size(), content.size() - static_cast<std::size_t>(offset));
            std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(offset), n, to.begin());
            return n;
        }
        std::shared_ptr<const std::byte> map(std::size_t) const override { throw IoError(ENOTSUP, "", "no map"); }

    private:
        std::shared_ptr<Inode> inode_;
    };

    void alive() const {
        if (lost_) throw PowerLost();
    }
    void event() {
        alive();
        if (events_ == until_) lost_ = true;
        alive();
        ++events_;
    }
    template <class Change>
    void rename_all(Change&& change) {
        change(names_);
        past_names_.push_back(names_);
    }
    std::shared_ptr<Inode> inode_of(const std::string& path) {
        alive();
        const auto found = names_.find(path);
        if (found == names_.end()) throw IoError(ENOENT, path, "cannot open '" + path + "'");
        return found->second;
    }

    Names names_, durable_names_;
    std::vector<Names> past_names_;  // since the folder was synced
    std::map<std::string, std::weak_ptr<int>> locks_;
    std::size_t events_ = 0, until_ = kNever;
    std::uint64_t boot_ = 1;
    bool lost_ = false;
};

}  // namespace vicinal::testing
