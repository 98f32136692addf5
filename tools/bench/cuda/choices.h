// Which tile and how many splits every convolution of ResNet18 would get on a card that need not be here, for
// tools/estimate_card.py.
#pragma once

#include <string>
#include <vector>

#include "engine/program/device.h"

namespace adaq::cuda {

struct ChoicesOf {
    int image = 224;
    std::vector<int> batches{32, 128};
    Math math = Math::tf32;
    int multiprocessors = 132;
    int shared_kib = 227;  // that a block may have
};

/// Prints a JSON array, an object a shape, batch and direction. Returns the exit status 0.
int print_choices(const ChoicesOf& of);

}  // namespace adaq::cuda
