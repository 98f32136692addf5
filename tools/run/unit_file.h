// The file of one finished unit in a state folder: magic "ADAQUNIT", CRC-32 of the rest (u32), length of the rest
// (u64), little-endian, then what was learned as CBOR.
#pragma once

#include <string>

#include "engine/reconstruction/unit_result.h"

namespace adaq {

std::string unit_file(const UnitResult& result);

/// Throws DataError naming `path` for contents that unit_file() did not make.
UnitResult parse_unit_file(const std::string& contents, const std::string& path);

}  // namespace adaq
