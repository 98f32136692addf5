// What was learned about a unit, as JSON: in reports, and in the files that a run resumes from.
#pragma once

#include <string>

#include "adaq/learning.h"

namespace adaq {

/// Numbers read back as the same bits. docs/report.md has the keys.
std::string to_json(const UnitRecord& record);
/// Throws DataError where the text is not what to_json() writes.
UnitRecord unit_record_from_json(const std::string& text);

}  // namespace adaq
