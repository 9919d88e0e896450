// An index as a file. This header is its specification; the container around it, with magic, version and checksums,
// is specified in file/container.hpp. All numbers are little-endian; floats are IEEE 754.
//
// Sections, in this order. Each is there once, but groups, which are there when rows have them, the two of codes, which
// are there when an index that is not empty was made with codes, and the last two, which are optional:
//
//   settings      88 bytes, below
//   rows          count rows of vectors, as they lie in memory: row_stride bytes each (codecs/space.hpp), of which
//                 those beyond the vector are zero
//   ids           count numbers of 64 bits: what the user calls each row
//   groups        count numbers of 64 bits, of any value: what the user has rows counted by. Not in an empty index
//   levels        count bytes: the highest level of each node, at most 16; or 255: a copy, which is no node but has the
//                 bytes of one
//   states        count bytes: 1 live; 2 removed, and still led to; 3 removed, and leaving in the pass that is under
//                 way (graph/sweep.hpp); 0 vacant: its row, id, group, level and links on level 0 are zeros
//   links         count rows of links on level 0: 2M lanes of 32 bits, then zeros up to the stride
//   upper links   for each node of level L > 0, in the order of slots, L rows: level 1 first; M lanes each, then
//                 zeros up to the stride
//   codes         count codes of 2, 4 or 8 bits a dimension (codecs/walk_code.hpp), as they lie in memory; zeros where
//                 rows are vacant. Since version 1.1
//   code factors  count pairs of floats, beside the codes. Since version 1.1
//   factors       count floats, the inverse norm of each row; only under cosine, and not in an empty index. They follow
//                 from the rows, and are here for those who map a file and do not want to read all of it; a reader may
//                 do without
//   calibration   which effort reaches which recall, below; only where the index was tuned. A reader may do without
//
// A row of links takes whole lines of 64 bytes, or a power of two below that (Layout::stride_of). Its links stand
// first, each another slot that is not vacant and reaches that level, none twice; every lane after them holds the
// node's own slot. The row of a copy has one link, to its node. Rows before the cursor of a pass lead to nobody that
// leaves in it, unless they leave themselves.
//
// Settings, 88 bytes
//    0   4  dim
//    4   1  metric    } the numbers in codecs/types.hpp
//    5   1  dtype     }
//    6   1  lift, the number in graph/graph.hpp
//    7   1  traversal that was asked for, or codes, the number in codecs/walk_code.hpp
//    8   4  M
//   12   4  ef_construction
//   16   8  seed
//   24   4  count: rows, whatever their state
//   28   4  of these, how many are not live
//   32   8  insertions: the level of the next node is drawn with it. Any number will do, since it may count round
//   40   8  next id, above every id but 2^63 - 1, which is also the highest it may be
//   48   4  entry: a node of the highest level there is; 0 where there is none
//   52   4  the number of nodes at which an automatic traversal is chosen anew
//   56   8  norm of the shortest vector ever added, a double    } all three are zero unless the metric is ip;
//   64   8  norm of the longest one, a double                   } of the rows none is shorter or longer
//   72   8  ceiling of the lift, a double: at most the square of the longest
//   80   1  kind of codes: 1 none, 2 u8, 3 sq8 (codecs/walk_code.hpp)    } as asked for, or as chosen under automatic
//   81   1  1 when there are coarse codes, of sq4, besides; else 0       } traversal: these are not stored, but made
//   from
//           the rows. With codes that were asked for by name, 1 and 0
//   82   1  where the rows of those codes are to lie: 0 in memory, 1 on disk (graph/graph.hpp)
//   83   1  zero
//   84   4  cursor of the pass that is under way: the first row it has not looked at; 0 when there is none
//
// Calibration: 8 bytes, then 56 for each of 1 to 4 096 entries, which ascend by k and, at one k, by target
//    0   4  number of live rows when it was measured, not 0
//    4   4  number of queries it was measured with, not 0
//   each entry:
//    0   4  k
//    4   4  width of the beam that reached the target alone, at least k
//    8   4  width of the beam under the stop rule (graph/stop_rule.hpp), at least k
//   12   4  anchor of the rule, at most that width; 0: no rule
//   16   4  stretch of the rule, a float above 0, at most 1 000; 1 where there is no rule
//   20   4  zero
//   24   8  target, a double above 0, at most 1
//   32   8  recall that was measured, a double from 0 to 1
//   40   8  lower bound of its confidence interval, from 0 to that; below the target: it was not reached
//   48   8  mean number of vectors compared, a double not below 0
//
// Each count stands once. How many are not live could be had by counting states, and stands here so that whoever asks
// what is in a file need not read more than its settings; the reader counts and compares. The rest is derived: the
// length of every section from count, M and dim; that of the upper links from the levels, as is where each node's
// begin; the top level is the entry's. Factors (inverse norms under cosine, heights under ip) are computed from the
// rows, in an order of additions that codecs/space.cpp fixes; where they are stored too, a reader that computes them
// compares.
//
// What a reader does not demand: that every node be reached from the entry. Searches are right without it, if less
// complete, and a file must not be lost over a link.
//
// Downsides. Empty lanes are stored, a sixth of the links in a typical index, so that the links can be used where
// they lie. Rows that are padded to whole lines are stored padded, for the same reason: 100 floats take 448 bytes.
#pragma once

#include <cstddef>
#include <cstdint>

#include "file/container.hpp"

namespace vicinal {

// What a file says of a row.
enum class State : std::uint8_t { vacant = 0, live = 1, removed = 2, leaving = 3 };

}  // namespace vicinal

namespace vicinal::format {

constexpr FormatVersion kVersion{1, 1};       // what a reader knows
constexpr FormatVersion kPlainVersion{1, 0};  // of a file without codes, which older readers know too

constexpr SectionKind kSettings = 1, kRows = 2, kIds = 3, kLevels = 4, kStates = 5, kLinks = 6, kUpperLinks = 7,
                      kGroups = 9, kCodes = 10, kCodeFactors = 11;
constexpr SectionKind kCalibration = kOptionalSection | 8;
constexpr SectionKind kFactors = kOptionalSection | 16;
constexpr SectionKind kKinds[] = {kSettings,   kRows,   kIds,     kLevels,      kStates, kLinks,
                                  kUpperLinks, kGroups, kFactors, kCalibration, kCodes,  kCodeFactors};

constexpr std::size_t kSettingsBytes = 88;
constexpr std::size_t kDimAt = 0, kMetricAt = 4, kDtypeAt = 5, kLiftAt = 6, kTraversalAt = 7, kMAt = 8;
constexpr std::size_t kEfConstructionAt = 12, kSeedAt = 16, kCountAt = 24, kGoneAt = 28, kInsertionsAt = 32;
constexpr std::size_t kNextIdAt = 40, kEntryAt = 48, kJudgeAtAt = 52, kShortestAt = 56, kLongestAt = 64,
                      kCeilingAt = 72;
constexpr std::size_t kFineAt = 80, kCoarseAt = 81, kTierAt = 82, kZerosAt = 83, kZeros = 1, kCursorAt = 84;

constexpr std::size_t kTunedHeadBytes = 8, kTunedEntryBytes = 56;
constexpr std::size_t kTunedSizeAt = 0, kTunedQueriesAt = 4;
constexpr std::size_t kTunedKAt = 0, kTunedEfAt = 4, kTunedWidthAt = 8, kTunedAnchorAt = 12, kTunedStretchAt = 16,
                      kTunedZerosAt = 20, kTunedRecallAt = 24, kTunedMeasuredAt = 32, kTunedLowAt = 40,
                      kTunedDistancesAt = 48;

// Larger settings are not an index of this version. They are also the limits of what a caller may ask for.
constexpr std::uint32_t kMaxDim = 65'536;
constexpr std::uint32_t kMinM = 2, kMaxM = 4'096;
constexpr std::uint32_t kMaxEfConstruction = 1'000'000;
constexpr std::uint32_t kMaxJudgeAt = UINT32_MAX;

}  // namespace vicinal::format
