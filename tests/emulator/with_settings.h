// The emulated card as a test wants it, for as long as this lives.
#pragma once

#include "kernels/emulator/settings.h"

namespace adaq::test {

class WithSettings {
  public:
    explicit WithSettings(const emulator::Settings& wanted) { emulator::settings() = wanted; }
    ~WithSettings() { emulator::settings() = before_; }
    WithSettings(const WithSettings&) = delete;
    WithSettings& operator=(const WithSettings&) = delete;

  private:
    const emulator::Settings before_ = emulator::settings();
};

}  // namespace adaq::test
