// Turns a stretch of a network's nodes into one iteration of learning: forward with soft weights, loss, the
// hand-derived way back, one optimiser step. Gradients reach a value from each of its readers; whoever comes last adds
// them up and goes back through the value's ReLU and quantiser in the same operation.
#pragma once

#include <map>
#include <vector>

#include "engine/reconstruction/learned.h"

namespace adaq {

class TrainingEmitter {
  public:
    TrainingEmitter(Device& device, const Network& network, const Stretch& stretch, const UnitOptions& options,
                    const std::vector<Shape>& shapes, Program& program, TensorId state);

    /// Weights that are learned; all others of the stretch are taken as the network has them now.
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

  private:
    struct Value {
        TensorId output = kNone;  // behind the quantiser
        TensorId saved = kNone;   // before it; the same where there is none
        bool relu = false;
        std::optional<OutputQuantiser> quantiser;
        int readers = 0;                // gradients still to come
        TensorId partial = kNone;       // sum of those that came
        TensorId sum_gradient = kNone;  // dL/d(what the ReLU was applied to)
    };

    struct Norm {
        const MovingNorm* moving = nullptr;
        TensorId x = kNone, mean = kNone, inverse_std = kNone;  // for the way back
    };

    const Node& node(int index) const { return network_.graph.nodes[static_cast<size_t>(index)]; }
    Value& value(ValueId id) { return values_[id]; }
    /// Whether a value's gradient is asked for.
    bool wanted(ValueId id) const {
        return Graph::producer_of(id) >= stretch_.first || (id == stretch_.input && input_gradient_ != kNone);
    }
    TensorId temporary(ValueId id);
    TensorId room_for_gradient(ValueId id);
    TensorId constant(const std::vector<float>& values, const Shape& shape);
    TensorId weight(int layer);
    void prepare(ValueId id, bool relu);
    Epilogue epilogue(ValueId id);
    Epilogue layer_epilogue(ValueId id, int index);

    void forward_node(int index);
    void forward_convolution(const Node& n, ValueId id);
    /// The gradient of what a batch norm was applied to, from that of its output.
    TensorId through_norm(const Norm& norm, ValueId id, TensorId gradient);
    void backward_node(int index);
    /// The gradient of a value from one reader: an operation still without dx, addend and activation, or a tensor.
    template <typename ToData>
    void contribute(ValueId id, ToData operation);
    void contribute_tensor(ValueId id, TensorId gradient);
    ActivationGradient activation(ValueId id);
    void step_channels(const LearnedChannels& channels);

    Device& device_;
    const Network& network_;
    const Stretch& stretch_;
    const UnitOptions& options_;
    std::vector<Shape> shapes_;
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
