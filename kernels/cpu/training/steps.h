// One factory an operation of training, each in the file of its name. A step works on the whole batch.
#pragma once

#include <memory>

#include "kernels/cpu/constants.h"
#include "kernels/cpu/step.h"

namespace adaq::cpu {

struct TrainingSetting {
    int threads = 1;
    Math math = Math::f32;
    Constants constants = {};  // which weights stay as they are
};

#define ADAQ_DECLARE(Kind) \
    std::unique_ptr<Step> make_training_step(const Program&, const Kind&, const TrainingSetting&);
ADAQ_OPERATIONS(ADAQ_DECLARE)
#undef ADAQ_DECLARE

}  // namespace adaq::cpu
