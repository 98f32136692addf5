// One convolution in one direction as a program on random values, stored as the benchmark wants it.
#pragma once

#include <random>

#include "engine/program/device.h"
#include "tools/bench/convolution_cases.h"
#include "tools/bench/direction.h"

namespace adaq {

/// How the tensors of activations lie in memory; weights and their gradient are float32 always, as in learning. Of u8:
/// a forward convolution of integer execution, whose weights are i8.
struct Storage {
    DType operands = DType::f32;  // x and dy
    DType results = DType::f32;   // y and dx
};

/// What a card keeps as bf16 in that arithmetic: all activations, but where pixels or filters are not whole copies of
/// 16 bytes (the stem's three channels) what is read stays float32.
Storage bf16_on_a_card(const Shape& w);

class ConvolutionPrograms {
  public:
    explicit ConvolutionPrograms(Device& device) : device_(device) {}

    /// forward: with bias and ReLU in its epilogue, as a network with folded batch norms has it.
    Program make(const ConvolutionCase& shape, int batch, Direction direction, Storage storage);

  private:
    void add_forward(Program& program, const ConvolutionCase& shape, int batch, Storage storage);
    void add_codes(Program& program, const ConvolutionCase& shape, int batch);
    Buffer random_buffer(const Shape& shape, DType dtype = DType::f32);
    Buffer random_codes(const Shape& shape, DType dtype, int lowest, int highest);

    Device& device_;
    std::minstd_rand random_{1};
};

}  // namespace adaq
