// What benchmarks of operations run on: a device, how fast the machine under it can be, and the library beside which
// its convolutions are held.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/program/device.h"
#include "tools/bench/convolution_program.h"
#include "tools/bench/convolution_sizes.h"

namespace adaq {

struct Machine {
    std::unique_ptr<Device> device;
    std::function<void()> wait;  // until what was started is over
    int replays = 1;             // of a program in one measurement: many where starting one takes long beside it
    double flops = 0.0;          // a second, in the device's arithmetic, a multiply-add counted as two; 0: not measured
    double bandwidth = 0.0;      // of its memory, bytes a second, reads and writes together
    std::string limits;          // how they were measured, for the table's head
    std::string yardstick;       // "oneDNN", "cuDNN"
    /// How programs store a convolution's activations, by its weights [K,R,S,C].
    std::function<Storage(const Shape&)> storage = [](const Shape&) { return Storage{}; };
    /// Runs one convolution by the yardstick a call, `replays` times; empty where the yardstick has none.
    std::function<std::function<void()>(const ConvolutionSizes&, Direction)> alone;
};

/// device: "cpu" or "cuda"; wgmma: as kernels/cuda/device.h has it, for "cuda" alone. Throws UsageError where there is
/// none.
Machine make_machine(const std::string& device, int threads, Math math, bool wgmma = false);

/// The instruction set of the CPU device's integer kernels, such as "AVX-512 VNNI". Throws UsageError where there is no
/// CPU device.
std::string integer_instructions();

}  // namespace adaq
