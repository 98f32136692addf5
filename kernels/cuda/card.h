// What launchers know of the card that they choose for.
#pragma once

#include <cstddef>

#include "engine/program/limits.h"

namespace adaq::cuda {

/// What the kernels are written for; whole calibration sets must find room beside a program's temporaries.
inline constexpr DeviceLimits kLimits{.temporary_bytes = int64_t{1} << 30,
                                      .elements = kMostElements,
                                      .pooling_window = 15,
                                      .convolution_stride = 4,
                                      .losses = 8};

struct Card {
    int multiprocessors = 1;
    int capability = 75;                      // 90: sm_90
    size_t shared_bytes = size_t{64} * 1024;  // that a block may have
};

}  // namespace adaq::cuda
