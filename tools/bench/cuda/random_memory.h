// Random operands for the libraries beside which adaq is timed: on constants a card is faster than on anybody's data.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "engine/bf16.h"
#include "kernels/cuda/memory.h"

namespace adaq::cuda {

/// `count` values of [-1, 1), as float32 or bf16. A million of them are drawn; they repeat.
inline DeviceMemory random_memory(size_t count, bool as_bf16, unsigned seed = 1) {
    constexpr size_t kDrawn = 1048573;  // a prime: no row of a tensor is like the one before
    std::minstd_rand random(seed);
    std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
    std::vector<float> values(std::min(count, kDrawn));
    for (float& value : values) value = uniform(random);
    std::vector<bf16> halves(as_bf16 ? values.size() : 0);
    for (size_t i = 0; i < halves.size(); ++i) halves[i] = to_bf16(values[i]);
    const size_t width = as_bf16 ? sizeof(bf16) : sizeof(float);
    const void* const drawn = as_bf16 ? static_cast<const void*>(halves.data()) : values.data();
    DeviceMemory memory(count * width);
    for (size_t done = 0; done < count; done += values.size())
        check_cuda(cudaMemcpy(memory.as<char>() + done * width, drawn, std::min(values.size(), count - done) * width,
                              cudaMemcpyHostToDevice));
    return memory;
}

}  // namespace adaq::cuda
