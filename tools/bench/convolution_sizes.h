// A convolution to be timed.
#pragma once

#include "engine/program/operations/window.h"
#include "engine/tensor.h"
#include "tools/bench/direction.h"

namespace adaq {

struct ConvolutionSizes {
    int64_t batch;
    Shape x, w, y;  // of one image: [H,W,C], KRSC with C / groups, [P,Q,K]
    ConvolutionWindow window;
};

}  // namespace adaq
