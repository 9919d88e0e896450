#include "persist/calibration.hpp"

#include <bit>

#include "file/little_endian.hpp"
#include "persist/format.hpp"
#include "persist/refuse.hpp"

namespace vicinal {
namespace {

using namespace format;

void store_double(std::span<std::byte> bytes, std::size_t at, double number) {
    store_number(bytes, at, std::bit_cast<std::uint64_t>(number));
}

double load_double(std::span<const std::byte> bytes, std::size_t at) {
    return std::bit_cast<double>(load_number<std::uint64_t>(bytes, at));
}

void encode_entry(const Calibrated& one, std::span<std::byte> bytes) {
    store_number(bytes, kTunedKAt, one.k);
    store_number(bytes, kTunedEfAt, one.ef);
    store_number(bytes, kTunedWidthAt, one.width);
    store_number(bytes, kTunedAnchorAt, one.rule.anchor);
    store_number(bytes, kTunedStretchAt, std::bit_cast<std::uint32_t>(one.rule.stretch));
    store_double(bytes, kTunedRecallAt, one.recall);
    store_double(bytes, kTunedMeasuredAt, one.measured);
    store_double(bytes, kTunedLowAt, one.low);
    store_double(bytes, kTunedDistancesAt, one.distances);
}

Calibrated decode_entry(std::span<const std::byte> bytes, const std::string& name) {
    Calibrated one;
    one.k = load_number<std::uint32_t>(bytes, kTunedKAt);
    one.ef = load_number<std::uint32_t>(bytes, kTunedEfAt);
    one.width = load_number<std::uint32_t>(bytes, kTunedWidthAt);
    one.rule.anchor = load_number<std::uint32_t>(bytes, kTunedAnchorAt);
    one.rule.stretch = std::bit_cast<float>(load_number<std::uint32_t>(bytes, kTunedStretchAt));
    const auto zero = load_number<std::uint32_t>(bytes, kTunedZerosAt);
    if (zero != 0) refuse(name, "a reserved word of the calibration", zero, "0");
    one.recall = load_double(bytes, kTunedRecallAt);
    one.measured = load_double(bytes, kTunedMeasuredAt);
    one.low = load_double(bytes, kTunedLowAt);
    one.distances = load_double(bytes, kTunedDistancesAt);
    return one;
}

}  // namespace

std::vector<std::byte> encode(const Calibration& calibration) {
    std::vector<std::byte> bytes(kTunedHeadBytes + calibration.entries.size() * kTunedEntryBytes);
    const std::span all(bytes);
    store_number(all, kTunedSizeAt, calibration.size);
    store_number(all, kTunedQueriesAt, calibration.queries);
    for (std::size_t i = 0; i < calibration.entries.size(); ++i)
        encode_entry(calibration.entries[i], all.subspan(kTunedHeadBytes + i * kTunedEntryBytes, kTunedEntryBytes));
    return bytes;
}

std::shared_ptr<const Calibration> read_calibration(Container& container, const std::string& name) {
    if (!container.has(kCalibration)) return nullptr;
    const std::uint64_t length = container.section(kCalibration).length;
    const bool whole = length > kTunedHeadBytes && (length - kTunedHeadBytes) % kTunedEntryBytes == 0;
    const std::uint64_t n = whole ? (length - kTunedHeadBytes) / kTunedEntryBytes : 0;
    if (n < 1 || n > kMaxCalibrated)
        refuse(name, "the length of the calibration", length,
               std::to_string(kTunedHeadBytes) + " and 1 to " + std::to_string(kMaxCalibrated) + " times " +
                   std::to_string(kTunedEntryBytes));

    std::vector<std::byte> bytes(static_cast<std::size_t>(length));
    container.read(kCalibration, bytes);
    const std::span<const std::byte> all(bytes);
    auto calibration = std::make_shared<Calibration>();
    calibration->size = load_number<std::uint32_t>(all, kTunedSizeAt);
    calibration->queries = load_number<std::uint32_t>(all, kTunedQueriesAt);
    for (std::size_t i = 0; i < n; ++i)
        calibration->entries.push_back(
            decode_entry(all.subspan(kTunedHeadBytes + i * kTunedEntryBytes, kTunedEntryBytes), name));
    const std::string fault = calibration->fault();
    if (!fault.empty()) refuse(name, "the calibration holds " + fault);
    return calibration;
}

}  // namespace vicinal
