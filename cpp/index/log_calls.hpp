// Calls that change an index, as records of a log (file/append_log.hpp), and back.
//
// Payloads: numbers are little-endian, as everything in a file.
//    add, update, upsert   8 bytes: how many rows; 8 bytes: the sum of 1 where ids follow, 2 where groups follow, and
//                          4 where an order follows; then these, 8 bytes a row each, and the rows as callers hand
//                          them in (codecs/types.hpp, given_bytes)
//    remove                the ids, 8 bytes each
//    file                  the FileMark of the file that takes this log's place, once it has its name
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/watch.hpp"
#include "file/append_log.hpp"
#include "index/index.hpp"

namespace vicinal {

enum class Call : std::uint32_t { file = 16, add = 17, remove = 18, update = 19, upsert = 20 };

void append_call(AppendLog& log, Call call, const Batch& batch, std::size_t row_bytes);
void append_call(AppendLog& log, Call call, std::span<const std::int64_t> ids);
void append_call(AppendLog& log, const FileMark& mark);

// Does once more what a record says was done; returns how many rows that were. Throws CorruptIndexError when it says
// nothing that can be done, a Refused when the index does not want it, and what the index throws otherwise.
class Refused : public CorruptIndexError {
    using CorruptIndexError::CorruptIndexError;
};
std::size_t repeat(Index& index, const LogRecord& record, const std::string& name, Watch& watch);

}  // namespace vicinal
