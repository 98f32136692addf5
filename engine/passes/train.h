// From a unit of a network to one iteration of learning: forward with soft weights, loss, the hand-derived
// way back, one optimiser step. Each kind of node adds its own operations (engine/nodes/). Gradients reach a value from
// each of its readers; whoever comes last adds them up and goes back through the value's activation and quantiser in
// the same operation.
#pragma once

#include <map>
#include <vector>

#include "engine/reconstruction/learned.h"

namespace adaq {

class Training {
  public:
    Training(Device& device, const Network& network, const Unit& unit, const UnitOptions& options,
             const Indexed<Shape>& shapes, Program& program, TensorId state);

    /// Weights that are learned; all others of the unit are taken as the network has them now.
    void learn(const LearnedRounding& rounding);
    /// Scales and biases of a learned weight's channels.
    void learn(const LearnedChannels& channels);
    /// A site's scale in device memory; its gradient is computed if it is learned.
    void learn(const LearnedScale& scale);
    /// A batch norm that takes the batch's statistics; all others are fixed.
    void move(const MovingNorm& norm);

    /// The unit's output for a batch of inputs.
    TensorId forward(TensorId input);
    /// From dL/d(output) to the gradients of all that is learned; with `input_gradient` also to that of the input,
    /// which is written there.
    void backward(TensorId output_gradient, TensorId input_gradient = kNone);
    /// Adam's steps, behind the backward pass.
    void step();

    // For the nodes, forward:
    void add(Operation operation) { program_.add(std::move(operation)); }
    /// Room for a node's output, with its activation and quantiser; before any other of these.
    void prepare(ValueId id, const Activation& activation);
    TensorId output(ValueId id) { return values_[id].output; }
    Epilogue epilogue(ValueId id);
    /// The same of a layer, with its bias.
    Epilogue layer_epilogue(ValueId id, int layer);
    /// Soft where it is learned, else as the network has it: with a fixed batch norm's factor in it either way.
    TensorId weight(int layer);
    bool moves_norm(int layer) const { return norms_.count(layer) > 0; }
    /// Room for what enters a moving norm, and that norm, which gives the value.
    TensorId before_norm(const Node& node, ValueId id);
    void normalise(const Node& node, ValueId id);

    // For the nodes, backward:
    bool learns(int layer) const { return roundings_.count(layer) > 0; }
    /// Whether a value's gradient is asked for.
    bool wanted(ValueId id) const {
        return Graph::producer_of(id) >= unit_.first || (id == unit_.input && input_gradient_ != kNone);
    }
    /// dL/d(what the node itself computed), its activation, quantiser and moving norm behind it.
    TensorId sum_gradient(const Node& node, ValueId output);
    TensorId weight_gradient(int layer);
    /// That of a layer's bias, where it is learned.
    void add_shift_gradient(int layer, TensorId gradient);
    TensorId room_for_gradient(ValueId id);
    /// The gradient of a value from one reader: an operation still without dx, addend and activation, or a tensor.
    template <typename ToData>
    void contribute(ValueId id, ToData operation) {
        Value& v = values_[id];
        operation.dx = room_for_gradient(id);
        operation.addend = v.partial;
        if (--v.readers == 0) {
            if (v.activation || v.quantiser) operation.activation = activation_gradient(id);
            v.sum_gradient = operation.dx;
        }
        v.partial = operation.dx;
        program_.add(operation);
    }
    void contribute_tensor(ValueId id, TensorId gradient);

  private:
    struct Value {
        TensorId output = kNone;  // behind the quantiser
        TensorId saved = kNone;   // before it; the same where there is none
        Activation activation;
        std::optional<OutputQuantiser> quantiser;
        int readers = 0;                // gradients still to come
        TensorId partial = kNone;       // sum of those that came
        TensorId sum_gradient = kNone;  // dL/d(what the activation was applied to)
    };

    struct Norm {
        const MovingNorm* moving = nullptr;
        TensorId x = kNone, mean = kNone, inverse_std = kNone;  // for the way back
    };

    Value& value(ValueId id) { return values_[id]; }
    TensorId temporary(ValueId id);
    TensorId constant(const std::vector<float>& values, const Shape& shape);
    ActivationGradient activation_gradient(ValueId id);
    /// The gradient of what a batch norm was applied to, from that of its output.
    TensorId through_norm(const Norm& norm, ValueId id, TensorId gradient);
    void step_channels(const LearnedChannels& channels);

    Device& device_;
    const Network& network_;
    const Unit& unit_;
    const UnitOptions& options_;
    Indexed<Shape> shapes_;
    Program& program_;
    TensorId state_;
    std::map<ValueId, Value> values_;
    std::map<int, const LearnedRounding*> roundings_;  // by layer
    std::map<int, const LearnedChannels*> channels_;   // by layer
    std::map<ValueId, const LearnedScale*> scales_;
    std::map<int, Norm> norms_;                           // by layer
    std::map<int, TensorId> weights_, weight_gradients_;  // by layer
    TensorId input_gradient_ = kNone;
    int64_t batch_ = 0;  // the input's
};

}  // namespace adaq
