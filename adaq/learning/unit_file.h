// The file of one finished unit in a state folder, little-endian: magic "ADAQUNIT", format number (u32), length of what
// follows (u64), then as CBOR the run, the unit and what was learned, then CRC-32 of all before it (u32).
#pragma once

#include <string>

#include "engine/reconstruction/unit_result.h"

namespace adaq {

/// A unit's pass that is finished, and whose it is.
struct FinishedUnit {
    std::string run;  // all that decides what is learned, a JSON object (RunState)
    std::string name;
    uint32_t number = 0;  // Unit::number
    UnitResult result;    // its record tells the pass

    /// "004-layer2.0.conv2.unit", "004-layer2.0.conv2-1.unit"
    std::string file_name() const { return unit_file_name(name, number, result.record.phase); }
    static std::string unit_file_name(const std::string& name, uint32_t number, uint32_t phase);
};

std::string unit_file(const FinishedUnit& unit);

/// Throws DataError naming `path` for contents that unit_file() did not make.
FinishedUnit parse_unit_file(const std::string& contents, const std::string& path);

}  // namespace adaq
