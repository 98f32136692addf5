// bfloat16: the upper half of a float32, rounded to nearest, ties to even.
#pragma once

#include <cstdint>

#include "engine/grid.h"

namespace adaq {

struct bf16 {
    uint16_t bits;
};

ADAQ_HOST_DEVICE inline float to_float(bf16 x) {
    union {
        uint32_t bits;
        float value;
    } word{static_cast<uint32_t>(x.bits) << 16};
    return word.value;
}

/// NaN stays NaN.
ADAQ_HOST_DEVICE inline bf16 to_bf16(float x) {
    union {
        float value;
        uint32_t bits;
    } word{x};
    if ((word.bits & 0x7FFFFFFFu) > 0x7F800000u) return {static_cast<uint16_t>(word.bits >> 16 | 0x40u)};
    return {static_cast<uint16_t>((word.bits + 0x7FFFu + (word.bits >> 16 & 1u)) >> 16)};
}

}  // namespace adaq
