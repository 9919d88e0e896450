// The calibration of an index as a section of its file (format.hpp), and back.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "file/container_read.hpp"
#include "graph/calibration.hpp"

namespace vicinal {

std::vector<std::byte> encode(const Calibration& calibration);

// Null when the file has no such section. Throws CorruptIndexError when any value is not one that a calibration can
// have; nothing is allocated before the length has been found sound.
std::shared_ptr<const Calibration> read_calibration(Container& container, const std::string& name);

}  // namespace vicinal
