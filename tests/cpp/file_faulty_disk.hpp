// A disk that counts its calls and fails at one of them, or from one of them on. It does not wait for the device: what
// a loss of power does, file_memory_disk.hpp tells.
#pragma once

#include <cerrno>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/errors.hpp"
#include "file/disk.hpp"

namespace vicinal::testing {

enum class Fault { kOnce, kFromThenOn };

class FaultyDisk final : public Disk {
public:
    static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();

    explicit FaultyDisk(std::size_t fails_at = kNever, Fault fault = Fault::kOnce)
        : fails_at_(fails_at), fault_(fault) {}

    std::size_t calls() const { return calls_; }
    const std::string& failed_call() const { return failed_call_; }  // the first; empty when none did
    void refuse_exchange() { exchanges_ = false; }                   // as NFS and FAT do

    std::unique_ptr<WritableFile> create(const std::string& path, std::optional<std::uint32_t> permissions) override {
        step("create", path);
        return std::make_unique<File>(*this, path, disk_.create(path, permissions));
    }
    std::unique_ptr<ReadableFile> open(const std::string& path) override {
        step("open", path);
        return std::make_unique<ReadFile>(*this, path, disk_.open(path));
    }
    std::unique_ptr<AppendableFile> append_to(const std::string& path) override {
        step("append_to", path);
        return std::make_unique<LogFile>(*this, path, disk_.append_to(path));
    }
    std::unique_ptr<FileLock> lock(const std::string& path) override {
        step("lock", path);
        return disk_.lock(path);
    }
    std::uint64_t boot() override { return boot_; }
    void start_again() { ++boot_; }  // as after a loss of power
    void rename(const std::string& from, const std::string& to) override {
        step("rename", to);
        disk_.rename(from, to);
    }
    bool exchange(const std::string& one, const std::string& other) override {
        return !fails("exchange") && exchanges_ && disk_.exchange(one, other);
    }
    void remove(const std::string& path) override {
        step("remove", path);
        disk_.remove(path);
    }
    void sync_folder(const std::string& path) override { step("sync_folder", path); }
    std::optional<FileFacts> look_at(const std::string& path) override {
        step("look_at", path);
        return disk_.look_at(path);
    }
    std::string follow_links(const std::string& path) override {
        step("follow_links", path);
        return disk_.follow_links(path);
    }

private:
    bool fails(const char* call) {
        const std::size_t number = calls_++;
        const bool failing = fault_ == Fault::kOnce ? number == fails_at_ : number >= fails_at_;
        if (failing && failed_call_.empty()) failed_call_ = call;
        return failing;
    }
    void step(const char* call, const std::string& path) {
        if (fails(call)) throw IoError(EIO, path, std::string("injected into ") + call);
    }

    class File final : public WritableFile {
    public:
        File(FaultyDisk& disk, std::string path, std::unique_ptr<WritableFile> file)
            : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}

        void write(std::span<const std::byte> bytes) override {
            if (disk_.fails("write")) {  // a full disk takes what still fits
                file_->write(bytes.first(bytes.size() / 2));
                throw IoError(ENOSPC, path_, "injected into write");
            }
            file_->write(bytes);
        }
        void sync() override { disk_.step("sync", path_); }
        void close() override {
            file_->close();
            disk_.step("close", path_);
        }

    private:
        FaultyDisk& disk_;
        std::string path_;
        std::unique_ptr<WritableFile> file_;
    };

    class LogFile final : public AppendableFile {
    public:
        LogFile(FaultyDisk& disk, std::string path, std::unique_ptr<AppendableFile> file)
            : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}

        void write(std::span<const std::byte> bytes) override {
            if (disk_.fails("append")) {
                file_->write(bytes.first(bytes.size() / 2));
                throw IoError(ENOSPC, path_, "injected into append");
            }
            file_->write(bytes);
        }
        void cut(std::uint64_t bytes) override {
            disk_.step("cut", path_);
            file_->cut(bytes);
        }
        void sync() override { disk_.step("sync of a log", path_); }

    private:
        FaultyDisk& disk_;
        std::string path_;
        std::unique_ptr<AppendableFile> file_;
    };

    class ReadFile final : public ReadableFile {
    public:
        ReadFile(FaultyDisk& disk, std::string path, std::unique_ptr<ReadableFile> file)
            : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}

        std::uint64_t size() const override {
            disk_.step("size", path_);
            return file_->size();
        }
        std::size_t read_at(std::uint64_t offset, std::span<std::byte> to) const override {
            disk_.step("read_at", path_);
            return file_->read_at(offset, to);
        }
        std::shared_ptr<const std::byte> map(std::size_t bytes) const override {
            disk_.step("map", path_);
            return file_->map(bytes);
        }

    private:
        FaultyDisk& disk_;
        std::string path_;
        std::unique_ptr<ReadableFile> file_;
    };

    PosixDisk disk_;
    std::uint64_t boot_ = 1;
    std::size_t fails_at_;
    Fault fault_;
    std::size_t calls_ = 0;
    std::string failed_call_;
    bool exchanges_ = true;
};

}  // namespace vicinal::testing
