// Room for cached values: in the device's memory as long as they fit within a limit, spilled behind that.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/program/device.h"

namespace adaq {

class CacheMemory {
  public:
    /// say: told once, when the first tensor is spilled.
    using Say = std::function<void(const std::string& sentence)>;
    CacheMemory(Device& device, int64_t limit_bytes, Say say = {});

    /// A float32 tensor, contents undefined. It counts as long as somebody owns it.
    Buffer create(const Shape& shape);

  private:
    int64_t bytes_in_device() const;

    Device& device_;
    int64_t limit_;
    Say say_;
    std::vector<std::weak_ptr<DeviceTensor>> in_device_;
};

}  // namespace adaq
