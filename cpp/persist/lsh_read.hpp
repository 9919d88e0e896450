// Bytes become an LshIndex (persist/lsh_format.hpp). Trusts nothing: what comes out may be searched and added to
// without looking, or an exception comes.
#pragma once

#include <cstdint>

#include "base/watch.hpp"
#include "file/bytes.hpp"
#include "hash/lsh_tables.hpp"

namespace vicinal {

struct StoredLsh {
    LshSettings settings;
    LshView view;
    std::int64_t next_id = 0;
};

// Throws NotAnIndexError, CorruptIndexError, FormatTooNewError, IoError, Stopped, std::bad_alloc. Nothing is allocated
// before the length of the source has vouched for it.
StoredLsh read_lsh(const ByteSource& source, Watch& watch);

}  // namespace vicinal
