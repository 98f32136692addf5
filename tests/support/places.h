// Where tests find their fixtures, the source tree and the programs that they run. The places that the build knows are
// defaults: the environment overrides them where the test program has moved (ADAQ_FIXTURES, ADAQ_SOURCE_DIR,
// ADAQ_BIN_DIR).
#pragma once

#include <string>

namespace adaq::test {

const std::string& fixtures_folder();  // tests/fixtures
const std::string& source_folder();    // the repository
const std::string& programs_folder();  // where adaq-run and the others are

}  // namespace adaq::test
