// Which devices the suites of operations hold against the reference: the compile definition ADAQ_TEST_DEVICES ("cpu",
// or "cuda" where the emulator stands in for a card), or the environment variable of that name, comma separated.
#pragma once

#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine/device.h"
#include "engine/error.h"

#if !defined(ADAQ_TEST_DEVICES)
#define ADAQ_TEST_DEVICES ""
#endif

namespace adaq::test {

inline std::vector<std::string> devices_under_test() {
    const char* chosen = std::getenv("ADAQ_TEST_DEVICES");
    std::istringstream list(chosen ? chosen : ADAQ_TEST_DEVICES);
    std::vector<std::string> devices;
    for (std::string name; std::getline(list, name, ',');) devices.push_back(name);
    return devices;
}

/// The CPU with --math bf16; null on processors that do not multiply bf16.
inline std::unique_ptr<Device> bf16_device() {
    try {
        return make_device("cpu", 2, Math::bf16);
    } catch (const UsageError&) {
        return nullptr;
    }
}

/// With the reference in front.
inline std::vector<std::string> all_devices() {
    std::vector<std::string> devices{"reference"};
    for (const std::string& name : devices_under_test()) devices.push_back(name);
    return devices;
}

}  // namespace adaq::test
