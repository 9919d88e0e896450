// Reads a log (append_log.hpp) and believes nothing it says.
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/errors.hpp"
#include "file/append_log.hpp"
#include "file/checksum.hpp"
#include "file/little_endian.hpp"
#include "file/log_format.hpp"

namespace vicinal {
namespace {

using namespace append_log;

[[noreturn]] void refuse(const ByteSource& source, const std::string& what) {
    throw CorruptIndexError(source.name() + " is damaged: " + what);
}

LogFacts read_header(const ByteSource& source) {
    std::array<std::byte, kHeaderBytes> header{};
    if (source.size() < kHeaderBytes)
        refuse(source, "it holds " + std::to_string(source.size()) + " bytes, less than the header of a log");
    source.read_at(0, header);
    if (std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0)
        throw NotAnIndexError(source.name() +
                              " is not the log of a vicinal index: its first bytes are another format's");
    if (load_number<std::uint32_t>(header, kHeaderChecksumAt) != crc32c(std::span(header).first(kHeaderChecksumAt)))
        refuse(source, "the checksum of the log's header differs");
    if (const auto version = load_number<std::uint32_t>(header, kVersionAt); version != kVersion)
        throw FormatTooNewError(source.name() + " is a log of version " + std::to_string(version) +
                                "; this library reads version " + std::to_string(kVersion));
    LogFacts facts;
    facts.seed = load_number<std::uint32_t>(header, kSeedAt);
    facts.follows = decode_mark(std::span(header).subspan(kFollowsAt, kMarkBytes));
    facts.boot = load_number<std::uint64_t>(header, kBootAt);
    facts.end = kHeaderBytes;
    return facts;
}

class Reader {
public:
    Reader(const ByteSource& source, std::uint32_t seed) : source_(source), seed_(seed), size_(source.size()) {}

    struct Head {
        std::uint32_t checksum = 0, kind = 0;
        std::uint64_t sequence = 0, length = 0, vouched = 0;
        std::uint64_t bytes() const { return kRecordBytes + length + padding_of(length); }
    };

    // Nothing when no record can begin there.
    std::optional<Head> head_at(std::uint64_t at) {
        if (size_ - at < kRecordBytes) return std::nullopt;
        source_.read_at(at, head_);
        const Head head = parse(head_);
        const std::uint64_t room = size_ - at - kRecordBytes;
        if (head.length > room || head.length + padding_of(head.length) > room || head.vouched > at)
            return std::nullopt;
        return head;
    }

    static Head parse(std::span<const std::byte> bytes) {
        return {load_number<std::uint32_t>(bytes, kChecksumAt), load_number<std::uint32_t>(bytes, kKindAt),
                load_number<std::uint64_t>(bytes, kSequenceAt), load_number<std::uint64_t>(bytes, kLengthAt),
                load_number<std::uint64_t>(bytes, kVouchedAt)};
    }

    // Whether the record whose head was read last is whole; its payload is then here.
    bool read_payload(std::uint64_t at, const Head& head) {
        payload_.resize(static_cast<std::size_t>(head.length) + padding_of(head.length));
        source_.read_at(at + kRecordBytes, payload_);
        return crc32c(payload_, crc32c(std::span(head_).subspan(kKindAt), seed_)) == head.checksum;
    }
    std::span<const std::byte> payload(const Head& head) const {
        return std::span(payload_).first(static_cast<std::size_t>(head.length));
    }

    // Whether a sound record that comes after number `last` stands behind `bad`, and, unless any will do, says that
    // what stands at `bad` was on the device. Nobody can make this take more than some times the length of the log.
    bool sound_one_behind(std::uint64_t bad, std::uint64_t last, bool any) {
        std::uint64_t effort = 4 * size_;
        std::vector<std::byte> window;
        for (std::uint64_t at = bad + kAlignment; size_ - at >= kRecordBytes && at < size_;) {
            window.resize(static_cast<std::size_t>(std::min<std::uint64_t>(kBlockBytes, size_ - at)));
            source_.read_at(at, window);
            std::size_t begin = 0;
            for (; begin + kRecordBytes <= window.size(); begin += kAlignment) {
                const Head head = parse(std::span<const std::byte>(window).subspan(begin, kRecordBytes));
                const std::uint64_t most = last + (size_ - bad) / kRecordBytes + 1;
                if (head.sequence <= last || head.sequence > most || (!any && head.vouched <= bad)) continue;
                const auto found = head_at(at + begin);
                if (!found) continue;
                if (found->bytes() > effort) return true;  // somebody is playing with us
                effort -= found->bytes();
                if (read_payload(at + begin, *found)) return true;
            }
            at += begin;
        }
        return false;
    }

private:
    const ByteSource& source_;
    std::uint32_t seed_;
    std::uint64_t size_;
    std::array<std::byte, kRecordBytes> head_{};
    std::vector<std::byte> payload_;
};

}  // namespace

LogFacts read_log(const ByteSource& source, std::uint64_t boot, const std::function<void(const LogRecord&)>& take) {
    LogFacts facts = read_header(source);
    Reader reader(source, facts.seed);
    for (;;) {
        const auto head = reader.head_at(facts.end);
        if (!head || head->sequence != facts.records + 1 || !reader.read_payload(facts.end, *head)) break;
        const std::span<const std::byte> payload = reader.payload(*head);
        if (head->kind == kOpened && payload.size() == 8)
            facts.boot = load_number<std::uint64_t>(payload, 0);
        else if (head->kind != kSynced)
            take({head->kind, payload, head->sequence, facts.end});
        ++facts.records;
        facts.end += head->bytes();
    }
    facts.dropped = source.size() - facts.end;
    const bool no_power_lost = boot != 0 && boot == facts.boot;
    if (facts.dropped != 0 && reader.sound_one_behind(facts.end, facts.records, no_power_lost))
        refuse(source, "record " + std::to_string(facts.records + 1) + " of the log, at byte " +
                           std::to_string(facts.end) + ", is not sound, and sound ones follow");
    return facts;
}

}  // namespace vicinal
