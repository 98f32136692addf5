// One factory an operation of training. What it makes works on the whole batch.
#pragma once

#include <memory>

#include "kernels/cpu/compiled_operation.h"
#include "kernels/cpu/constants.h"

namespace adaq::cpu {

struct TrainingSetting {
    int threads = 1;
    Math math = Math::f32;
    Constants constants = {};  // which weights stay as they are
};

#define ADAQ_DECLARE(Kind) \
    std::unique_ptr<CompiledOperation> compile_for_training(const Program&, const Kind&, const TrainingSetting&);
ADAQ_OPERATIONS(ADAQ_DECLARE)
#undef ADAQ_DECLARE

}  // namespace adaq::cpu
