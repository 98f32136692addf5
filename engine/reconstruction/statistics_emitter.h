// Turns a unit into the loss of PD-Quant's distribution correction (docs/arithmetic.md section 8) and the way back to
// the unit's input: forward as far as what enters each batch norm, the distance of its statistics from the norm's, and
// gradients that pass through the convolutions and fixed norms in between. What leads to no batch norm (a block's
// addition and the ReLU behind it) is left out.
#pragma once

#include <map>
#include <vector>

#include "engine/graph/network.h"
#include "engine/program/device.h"
#include "engine/reconstruction/unit_options.h"

namespace adaq {

class StatisticsEmitter {
  public:
    /// network: float, its batch norms kept. shapes: value_shapes() of the images.
    StatisticsEmitter(Device& device, const Network& network, const Unit& unit, const Indexed<Shape>& shapes);

    /// How many batch norms the unit has.
    size_t norms() const { return convolutions_.size(); }

    /// Returns the gradient of the unit's input, `addend` included, which is that of another loss. losses: [1] each,
    /// one a norm, means over the batch.
    TensorId emit(Program& program, TensorId input, const std::vector<TensorId>& losses, TensorId addend);

  private:
    struct Value {
        TensorId output = kNone;
        Activation activation;
        int readers = 0;            // gradients still to come
        TensorId gradient = kNone;  // sum of those that came
    };
    /// A convolution and the norm behind it.
    struct Normalised {
        const Node* node;
        ValueId output;
        TensorId weight = kNone, x = kNone;           // x enters the norm
        TensorId mean = kNone, variance = kNone;      // running
        TensorId gamma = kNone, inverse_std = kNone;  // where the norm's output is read
    };

    const Layer& layer(const Normalised& n) const { return network_.layers[n.node->layer]; }
    TensorId constant(const std::vector<float>& values, const Shape& shape);
    TensorId temporary(ValueId id);
    void forward(Normalised& n);
    void backward(const Normalised& n, TensorId loss);

    Device& device_;
    const Network& network_;
    Indexed<Shape> shapes_;
    ValueId input_;
    std::vector<Normalised> convolutions_;  // in the order of the nodes
    std::map<ValueId, Value> values_;
    Program* program_ = nullptr;  // while it is emitted
    int64_t batch_ = 0;
};

}  // namespace adaq
