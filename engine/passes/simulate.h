// From a network to a Program that evaluates it: float, or with simulated quantisation. Each kind of node adds its own
// operations (engine/nodes/); this class keeps what they share: the values so far and how they are stored, and
// constants on the device.
//
// Where both a layer's input and its weight are quantised, the sum runs over their integers (q - z) and the scales come
// in the epilogue: as long as it stays below 2^24 it is exact in float32, whatever the order of its terms.
#pragma once

#include <map>
#include <vector>

#include "engine/graph/network.h"
#include "engine/program/device.h"

namespace adaq {

/// A value of the network in device memory: [N,H,W,C] or [N,C].
struct StoredValue {
    Buffer buffer;
    float scale = 1.0f;  // of codes q - z: value = scale * code; 1 for plain values
};

/// What a value that is kept looks like where it is a site: behind its quantiser, or as the quantiser would see it.
enum class KeptValues { quantised, raw };

class Simulation {
  public:
    /// `bound` holds the values that exist before the program runs and those to keep; batch is their first extent.
    /// shapes: value_shapes() of the images.
    Simulation(Device& device, const Network& network, const std::map<ValueId, StoredValue>& bound, KeptValues kept,
               int64_t batch, Indexed<Shape> shapes);

    /// Of nodes [first, last).
    Program of(int first, int last);

    // For the nodes:
    struct Value {
        TensorId id = kNone;
        float scale = 1.0f;
    };
    const Layer& layer(const Node& node) const { return network_.layers[node.layer]; }
    Value value(ValueId id) const { return values_[id]; }
    /// Room for a node's output; its quantiser, if it is a site. Call once a value.
    struct Output {
        TensorId id;
        std::optional<OutputQuantiser> quantiser;
    };
    Output produce(ValueId id);
    /// A value that keeps the scale of another (max pooling of codes).
    TensorId produce_scaled_as(ValueId id, ValueId other);
    TensorId constant(const std::vector<float>& values, const Shape& shape);
    /// The layer's weight as the sum sees it (integers or floats), and the epilogue that gives the values back.
    TensorId weight(const Layer& layer);
    Epilogue scale_and_shift(const Layer& layer, float input_scale);
    void add(Operation operation) { program_.add(std::move(operation)); }

    /// A convolution whose only reader is an addition that follows is added with it: `postpone` returns true if so.
    bool postpone(const Node& node, ValueId output);
    const Node* postponed(ValueId value) const;

  private:
    TensorId make_tensor(ValueId id);
    bool pooled_and_kept(ValueId id) const;

    Device& device_;
    const Network& network_;
    const std::map<ValueId, StoredValue>& bound_;
    KeptValues kept_;
    int64_t batch_;
    Indexed<Shape> shapes_;
    Indexed<Value> values_;
    std::map<ValueId, const Node*> postponed_;
    int last_ = 0;
    Program program_;
};

/// y = x behind a quantiser: its values, or the integer codes that stand for them. y may be x.
void quantise(Device& device, const QuantisedActivation& quantiser, const Buffer& x, const Buffer& y, bool codes);

/// A convolution that was postponed, with what the addition adds to it (engine/nodes/convolution.cpp).
void simulate_convolution(Simulation& program, const Node& node, ValueId output, const Simulation::Value& residual,
                          const Activation& activation);

}  // namespace adaq
