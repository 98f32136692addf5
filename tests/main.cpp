// A program of tests. ADAQ_TEST_DEVICES, ADAQ_TEST_EMULATED: what support/devices.h tells of it.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "support/devices.h"

namespace adaq::test {

const char* const kDevicesOfProgram = ADAQ_TEST_DEVICES;
#if defined(ADAQ_TEST_EMULATED)
const bool kEmulated = true;
#else
const bool kEmulated = false;
#endif

}  // namespace adaq::test
