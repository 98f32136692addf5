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
    /// Of all tensors that counted at the same time, most; spilled ones too.
    int64_t most_bytes() const { return most_; }

  private:
    struct Made {
        std::weak_ptr<DeviceTensor> tensor;
        Placement placement;
    };
    int64_t bytes_in(Placement placement) const;

    Device& device_;
    int64_t limit_, most_ = 0;
    Say say_;
    std::vector<Made> made_;
};

}  // namespace adaq
