// How damaged bytes are turned down: what is wrong, where, what was found and what was expected there.
#pragma once

#include <string>

#include "base/errors.hpp"

namespace vicinal {

[[noreturn]] inline void refuse(const std::string& name, const std::string& what) {
    throw CorruptIndexError(name + " is damaged: " + what);
}

// "row 17's level is 31, expected at most 16".
template <class Number>
[[noreturn]] void refuse(const std::string& name, const std::string& what, Number found, const std::string& expected) {
    refuse(name, what + " is " + std::to_string(found) + ", expected " + expected);
}

}  // namespace vicinal
