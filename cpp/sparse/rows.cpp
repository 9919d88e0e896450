#include "sparse/rows.hpp"

#include <cmath>
#include <string>

#include "base/errors.hpp"

namespace vicinal {
namespace {

[[noreturn]] void refuse(const char* name, const std::string& what) {
    throw InvalidArgumentError(std::string(name) + ": " + what);
}

void check_starts(const SparseRows& rows, const char* name) {
    if (rows.columns.size() != rows.values.size())
        refuse(name, std::to_string(rows.columns.size()) + " columns and " + std::to_string(rows.values.size()) +
                         " values, expected as many of one as of the other");
    if (rows.starts.empty() || rows.starts.front() != 0 ||
        static_cast<std::size_t>(rows.starts.back()) != rows.values.size())
        refuse(name, "starts must run from 0 to the number of values, " + std::to_string(rows.values.size()));
    for (std::size_t row = 0; row < rows.size(); ++row)
        if (rows.starts[row] > rows.starts[row + 1])
            refuse(name, "row " + std::to_string(row) + " ends before it starts");
}

}  // namespace

void check(const SparseRows& rows, std::size_t width, const char* name) {
    check_starts(rows, name);
    for (std::size_t row = 0; row < rows.size(); ++row) {
        std::int64_t last = -1;
        for (std::size_t at = rows.begin(row); at < rows.end(row); ++at) {
            const std::int64_t column = rows.columns[at];
            if (column <= last || column >= static_cast<std::int64_t>(width))
                refuse(name, "row " + std::to_string(row) + " holds column " + std::to_string(column) + " after " +
                                 std::to_string(last) + ", expected ascending columns below " + std::to_string(width));
            if (!std::isfinite(rows.values[at]))
                refuse(name, "row " + std::to_string(row) + " holds a value that is not finite");
            last = column;
        }
    }
}

}  // namespace vicinal
