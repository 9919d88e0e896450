// An LshIndex as a file. This header is its specification; the container around it, with magic, version and checksums,
// is specified in file/container.hpp. All numbers are little-endian; floats are IEEE 754.
//
// Sections, in this order; which of them are there follows from the settings. Only live items are in the file, in the
// order of their slots:
//
//   settings     88 bytes, below
//   center       dim floats; only where the family has one
//   axes         their number times dim floats; only where the family has some
//   ids          count numbers of 64 bits
//   keys         count rows of `bands` numbers of 32 bits: the keys of each item's buckets; zeros for an empty set
//   sketches     count rows of one bit for each of the first 256 hash functions, zeros up to the stride
//   (codecs/space.hpp) rows         under vectors and bits: count rows as they lie in memory, zeros up to the stride
//   ends         under kept sets: count numbers of 64 bits, where each item's tokens end; they begin where those of the
//                item before end
//   tokens       under kept sets: numbers of 64 bits, ascending within an item, none twice
//   weights      under kept weighted sets: a float above 0 for each token
//   signatures   under sets that are not kept: count rows of `hashes` numbers of 32 bits
//
// Settings, 88 bytes
//    0   1  family, the number in hash/family.hpp
//    1   1  1 when sets have weights, else 0
//    2   1  1 when sets are kept (and under vectors and bits), 0 when their signatures are
//    3   1  1 when there is a center, else 0
//    4   4  dim, 0 under minhash
//    8   4  hashes
//   12   4  bands
//   16   4  rows of a band
//   20   4  shingle: 0, or how many characters; a note of the caller's, at most 1 000
//   24   8  seed
//   32   8  width, a double; 0 but under pstable
//   40   8  cap of a bucket, 0: none
//   48   8  next id, above every id but 2^63 - 1, which is also the highest it may be
//   56   4  count: items
//   60   4  axes of the family, 0: none; only under simhash and pstable
//   64  24  zero
//
// Keys and sketches could be made from the items, and are stored because hashing takes longer than reading, and because
// a machine with other kernels may round a product to the other side of a border: then the same index would find other
// items there. Whatever they say, they lead to slots that exist, so a reader need not compare them.
//
// Downsides. The buckets are sorted again by every load.
#pragma once

#include <cstddef>

#include "file/container.hpp"

namespace vicinal::lsh_format {

constexpr FormatVersion kVersion{1, 0};

// Beside the kinds in persist/format.hpp: a file of one is no file of the other.
constexpr SectionKind kSettings = 33, kCenter = 34, kIds = 35, kKeys = 44, kSketches = 37, kRows = 38, kEnds = 39,
                      kTokens = 40, kWeights = 41, kSignatures = 42, kAxes = 43;
constexpr SectionKind kKinds[] = {kSettings, kCenter, kAxes,   kIds,     kKeys,      kSketches,
                                  kRows,     kEnds,   kTokens, kWeights, kSignatures};

constexpr std::size_t kSettingsBytes = 88;
constexpr std::size_t kFamilyAt = 0, kWeightedAt = 1, kKeepAt = 2, kCenterAt = 3, kDimAt = 4, kHashesAt = 8;
constexpr std::size_t kBandsAt = 12, kBandRowsAt = 16, kShingleAt = 20, kSeedAt = 24, kWidthAt = 32, kCapAt = 40;
constexpr std::size_t kNextIdAt = 48, kCountAt = 56, kAxesAt = 60, kZerosAt = 64;
constexpr std::size_t kZeros = 24;
constexpr std::uint32_t kMaxShingle = 1'000;

}  // namespace vicinal::lsh_format
