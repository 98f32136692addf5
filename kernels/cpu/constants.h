// Which weights nothing in a program writes: what is made from them, once, serves every run until they are uploaded
// again. In a reconstruction those of the float network behind a unit, and the float weights that it learns to round,
// with their grids.
#pragma once

#include <vector>

#include "engine/program/device.h"

namespace adaq::cpu {

class Constants {
  public:
    /// None.
    Constants() = default;
    explicit Constants(const Program& program) {
        for (const Program::Entry& entry : program.tensors()) constant_.push_back(entry.bound != nullptr);
        for (const Operation& operation : program.operations()) {
            for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
                if (!use.constant) constant_[program.home(id)] = false;
            });
        }
    }

    bool operator()(TensorId id) const { return !constant_.empty() && constant_[id]; }

  private:
    Indexed<bool> constant_;  // by tensor
};

}  // namespace adaq::cpu
