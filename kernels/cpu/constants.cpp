#include "kernels/cpu/constants.h"

namespace adaq::cpu {

Constants::Constants(const Program& program) {
    for (const Program::Entry& entry : program.tensors()) constant_.push_back(entry.bound != nullptr);
    for (const Operation& operation : program.operations()) {
        for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
            if (!use.constant) constant_[static_cast<size_t>(program.home(id))] = false;
        });
    }
}

}  // namespace adaq::cpu
