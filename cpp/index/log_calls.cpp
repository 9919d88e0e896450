#include "index/log_calls.hpp"

#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "base/checked.hpp"
#include "base/errors.hpp"
#include "base/team.hpp"
#include "file/little_endian.hpp"

namespace vicinal {
namespace {

constexpr std::size_t kHeadBytes = 16, kNumberBytes = 8;
constexpr std::uint64_t kHasIds = 1, kHasGroups = 2, kHasOrder = 4;

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
    throw CorruptIndexError(name + " is damaged: " + what);
}

std::vector<std::int64_t> numbers_of(std::span<const std::byte> bytes) {
    std::vector<std::int64_t> numbers(bytes.size() / kNumberBytes);
    if (!numbers.empty()) std::memcpy(numbers.data(), bytes.data(), numbers.size() * kNumberBytes);
    return numbers;
}

using Write = Added (Index::*)(const Batch& batch, std::size_t threads, Watch& watch);

std::size_t repeat_write(Index& index, Write write, std::span<const std::byte> payload, const std::string& name,
                         Watch& watch) {
    if (payload.size() < kHeadBytes) refuse(name, "a record of rows is too short to say how many");
    const auto n = static_cast<std::size_t>(load_number<std::uint64_t>(payload, 0));
    const auto has = load_number<std::uint64_t>(payload, kNumberBytes);
    const auto numbers = static_cast<std::size_t>(std::popcount(has));
    const std::size_t each = given_bytes(index.options().dtype, index.options().dim) + numbers * kNumberBytes;
    if (has > (kHasIds | kHasGroups | kHasOrder) || n > payload.size() ||
        payload.size() - kHeadBytes != checked_multiply(n, each))
        refuse(name, "a record of " + std::to_string(n) + " rows has " + std::to_string(payload.size()) + " bytes");
    std::span<const std::byte> rest = payload.subspan(kHeadBytes);
    const auto take = [&](std::uint64_t what) {
        const auto bytes = rest.first((has & what) != 0 ? n * kNumberBytes : 0);
        rest = rest.subspan(bytes.size());
        return numbers_of(bytes);
    };
    const std::vector<std::int64_t> ids = take(kHasIds), groups = take(kHasGroups), order = take(kHasOrder);
    const Added added = (index.*write)({rest.data(), n, ids, groups, order}, resolve_threads(0), watch);
    if (!added.complete) throw Stopped();
    return n;
}

std::size_t repeat_remove(Index& index, std::span<const std::byte> payload, const std::string& name, Watch& watch) {
    if (payload.size() % kNumberBytes != 0) refuse(name, "a record of ids has no whole number of them");
    index.remove(numbers_of(payload), resolve_threads(0), watch);
    return payload.size() / kNumberBytes;
}

}  // namespace

void append_call(AppendLog& log, Call call, const Batch& batch, std::size_t row_bytes) {
    std::array<std::byte, kHeadBytes> head{};
    store_number(head, 0, std::uint64_t{batch.n});
    store_number(head, kNumberBytes,
                 (batch.ids.empty() ? 0 : kHasIds) | (batch.groups.empty() ? 0 : kHasGroups) |
                     (batch.order.empty() ? 0 : kHasOrder));
    const std::array<std::span<const std::byte>, 5> parts{head, std::as_bytes(batch.ids), std::as_bytes(batch.groups),
                                                          std::as_bytes(batch.order),
                                                          std::span(batch.rows, batch.n * row_bytes)};
    log.append(static_cast<std::uint32_t>(call), parts);
}

void append_call(AppendLog& log, Call call, std::span<const std::int64_t> ids) {
    const std::span<const std::byte> bytes = std::as_bytes(ids);
    log.append(static_cast<std::uint32_t>(call), {&bytes, 1});
}

void append_call(AppendLog& log, const FileMark& mark) {
    const auto encoded = encode(mark);
    const std::span<const std::byte> bytes = encoded;
    log.append(static_cast<std::uint32_t>(Call::file), {&bytes, 1});
}

std::size_t repeat(Index& index, const LogRecord& record, const std::string& name, Watch& watch) {
    try {
        switch (Call{record.kind}) {
            case Call::add: return repeat_write(index, &Index::add, record.payload, name, watch);
            case Call::update: return repeat_write(index, &Index::update, record.payload, name, watch);
            case Call::upsert: return repeat_write(index, &Index::upsert, record.payload, name, watch);
            case Call::remove: return repeat_remove(index, record.payload, name, watch);
            case Call::file: return 0;  // it never got its name
            default: break;
        }
    } catch (const InvalidArgumentError& error) {
        throw Refused(name + " is damaged: a record cannot be applied: " + error.what());
    } catch (const InvalidVectorError& error) {
        throw Refused(name + " is damaged: a record cannot be applied: " + error.what());
    } catch (const DuplicateIdError& error) {
        throw Refused(name + " is damaged: a record cannot be applied: " + error.what());
    } catch (const UnknownIdError& error) {
        throw Refused(name + " is damaged: a record cannot be applied: " + error.what());
    }
    throw FormatTooNewError(name + " has a record of kind " + std::to_string(record.kind) +
                            ", which this library does not know");
}

}  // namespace vicinal
