// Which devices the suites of operations hold against the reference: those of the test program ("cpu", or "cuda" where
// the emulator stands in for a card), or of the environment variable ADAQ_TEST_DEVICES, comma separated.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine/error.h"
#include "engine/program/device.h"

namespace adaq::test {

/// Of the test program (main.cpp): the devices, and whether they are emulated, which is slow.
extern const char* const kDevicesOfProgram;
extern const bool kEmulated;

inline std::vector<std::string> devices_under_test() {
    const char* chosen = std::getenv("ADAQ_TEST_DEVICES");
    std::istringstream list(chosen ? chosen : kDevicesOfProgram);
    std::vector<std::string> devices;
    for (std::string name; std::getline(list, name, ',');) devices.push_back(name);
    return devices;
}

inline bool under_test(const std::string& device) {
    const auto devices = devices_under_test();
    return std::find(devices.begin(), devices.end(), device) != devices.end();
}

/// The device with --math bf16; null where it does not multiply bf16 (a processor without it).
inline std::unique_ptr<Device> bf16_device(const std::string& name = "cpu") {
    try {
        return make_device(name, 2, Math::bf16);
    } catch (const UsageError&) {
        return nullptr;
    }
}

/// Those under test that multiply bf16.
inline std::vector<std::unique_ptr<Device>> bf16_devices() {
    std::vector<std::unique_ptr<Device>> devices;
    for (const std::string& name : devices_under_test()) {
        if (auto device = name == "reference" ? nullptr : bf16_device(name)) devices.push_back(std::move(device));
    }
    return devices;
}

/// With the reference in front.
inline std::vector<std::string> all_devices() {
    std::vector<std::string> devices{"reference"};
    for (const std::string& name : devices_under_test()) devices.push_back(name);
    return devices;
}

}  // namespace adaq::test
