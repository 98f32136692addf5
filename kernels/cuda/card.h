// What launchers know of the card that they choose for.
#pragma once

#include <cstddef>

namespace adaq::cuda {

struct Card {
    int multiprocessors = 1;
    int capability = 75;              // 90: sm_90
    size_t shared_bytes = 64 * 1024;  // that a block may have
};

}  // namespace adaq::cuda
