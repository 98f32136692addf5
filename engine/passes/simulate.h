// From a network to a Program that evaluates it: float, with simulated quantisation, or in integers. Each kind of node
// adds its own operations (engine/nodes/); this class keeps what they share: the values so far and how they are stored,
// and constants on the device.
//
// Where both a layer's input and its weight are quantised, the sum runs over their integers (q - z) and the scales come
// in the epilogue. Simulation holds the integers in float32, which is exact, whatever the order of the terms, as long
// as sums stay below 2^24; where they may not, it asks for sums that are exact all the same. A quantised weight that
// meets an input that is not is summed in one fixed order. So integers give the logits of simulation, to the bit.
//
// A network made for onnxruntime or OpenVINO goes from codes to codes in that runtime's arithmetic
// (engine/passes/requantise.h), and a simulation computes that with integer operations, too.
#pragma once

#include <map>
#include <vector>

#include "engine/code_quantiser.h"
#include "engine/graph/network.h"
#include "engine/program/device.h"

namespace adaq {

/// A value of the network in device memory: [N,H,W,C] or [N,C].
struct StoredValue {
    Buffer buffer;
    float scale = 1.0f;    // of codes q - z: value = scale * code; 1 for plain values
    float largest = 0.0f;  // of codes: the greatest magnitude; 0 for plain values
};

/// |q - z| at most.
float largest_code(const QuantisedActivation& activation);

/// How a quantised network is run: with integers that float32 holds, or as integers in memory.
enum class Execution { simulated, integer };

/// "simulated", "integer".
inline const char* name_of(Execution execution) { return execution == Execution::integer ? "integer" : "simulated"; }

/// Throws DataError, naming it, where a network cannot run in integers: a layer that is not quantised.
void check_integer(const Network& network);

/// What a value that is kept looks like where it is a site: behind its quantiser, or as the quantiser would see it.
enum class KeptValues { quantised, raw };

class Simulation {
  public:
    /// `bound` holds the values that exist before the program runs and those to keep; batch is their first extent.
    /// shapes: value_shapes() of the images.
    /// In integers: of a whole network (check_integer), whose bound values are float, but for the image, where that is
    /// quantised: it may be bound as codes, u8.
    Simulation(Device& device, const Network& network, const std::map<ValueId, StoredValue>& bound, KeptValues kept,
               int64_t batch, Indexed<Shape> shapes, Execution execution = Execution::simulated);

    /// Of nodes [first, last).
    Program of(int first, int last);

    // For the nodes:
    struct Value {
        TensorId id = kNone;
        float scale = 1.0f;                         // value = scale * (code - zero); 1 for plain values
        double largest = 0.0;                       // |code - zero| at most; 0 for plain values
        int zero = 0;                               // the code of zero; in simulation codes have it taken off
        const QuantisedActivation* site = nullptr;  // that codes are of; none: of a sum of codes

        bool codes() const { return largest > 0.0; }
    };
    bool integer() const { return execution_ == Execution::integer; }
    const Layer& layer(const Node& node) const { return network_.layers[static_cast<size_t>(node.layer)]; }
    Value value(ValueId id) const { return values_[id]; }
    /// Room for a node's output, and the site that it is, if it is one: its codes, or the values they stand for.
    struct Output {
        TensorId id;
        const QuantisedActivation* site = nullptr;
        bool codes = false;
    };
    /// Call once a value.
    Output produce(ValueId id);
    /// A value that keeps the codes of another (max pooling).
    TensorId produce_scaled_as(ValueId id, ValueId other);
    /// The means of windows.
    void average_pool(const Value& x, ValueId output, const PoolingWindow& window, bool counts_padding);
    /// The mean of a map: of codes their sum, whose scale is theirs by the number of positions.
    void average_pool(const Value& x, ValueId output);
    /// activation(a + b).
    void add_terms(const Value& a, const Value& b, ValueId output, const Activation& activation);
    TensorId constant(const std::vector<float>& values, const Shape& shape, DType dtype = DType::f32);
    /// A weight and what follows its sum, which `sum` (Convolution or Linear) gets; its integer twin where there is
    /// one.
    template <typename Sum>
    void add_layer(Sum sum, const Layer& layer, const Value& x, const Output& y, const Activation& activation,
                   const Value* residual = nullptr);
    void add(Operation operation) { program_.add(std::move(operation)); }
    void add(Operation operation, const std::string& name) {
        add(std::move(operation));
        operation_names_.resize(program_.operations().size(), name);
    }
    /// Which layer or node each operation of the program is of, by name; the image's quantiser is of "input".
    const std::vector<std::string>& operation_names() const { return operation_names_; }

    /// A convolution whose only reader is an addition that follows is added with it: `postpone` returns true if so.
    bool postpone(const Node& node, ValueId output);
    const Node* postponed(ValueId value) const;

  private:
    TensorId make_tensor(ValueId id, DType dtype = DType::f32);
    bool pooled_and_kept(ValueId id) const;
    const QuantisedActivation* site_of(ValueId id) const;
    void quantise_image(TensorId image);
    /// y from the mean that it is the codes of, where it is a site (else the mean is y).
    void quantise_mean(TensorId mean, const Output& y);
    std::optional<OutputQuantiser> fake_quantiser(const Output& y);
    std::optional<CodeQuantiser> code_quantiser(const Output& y,
                                                CodeQuantiser::Counts counts = CodeQuantiser::Counts::values) const;
    /// The codes of a site as integers, in memory or for the next operation.
    Value as_integers(const Value& x);
    bool requantises(const Value& x, const Output& y) const {
        return network_.arithmetic == Arithmetic::onnxruntime && x.site && y.site;
    }
    /// In which a layer's sums become codes.
    Arithmetic arithmetic_of(const Layer& layer, const Value& x, const Output& y, const Value* residual) const;
    template <typename Sum>
    void add_integer_layer(const Sum& sum, const Layer& layer, const Value& x, const Output& y,
                           const Activation& activation, const Value* residual, Arithmetic arithmetic);
    void finish_as_openvino(IntegerEpilogue& epilogue, const Output& y, const Activation& activation,
                            const Value* residual) const;
    /// scale_and_shift() and weight(): the layer's weight as the sum sees it, the epilogue that gives the values back.
    TensorId weight(const Layer& layer);
    struct ScaleAndShift {
        TensorId scale = kNone, shift = kNone;
    };
    ScaleAndShift scale_and_shift(const Layer& layer, float input_scale);
    TensorId requantising_scale(const QuantisedBias& bias, float output_scale);
    struct CodeWeight {
        TensorId codes = kNone, zero = kNone;
    };
    CodeWeight code_weight(const Layer& layer);

    Device& device_;
    const Network& network_;
    const std::map<ValueId, StoredValue>& bound_;
    KeptValues kept_;
    Execution execution_;
    int64_t batch_;
    Indexed<Shape> shapes_;
    Indexed<Value> values_;
    std::map<ValueId, const Node*> postponed_;
    int last_ = 0;
    Program program_;
    std::vector<std::string> operation_names_;
};

/// y = x behind a quantiser: its values, or the integer codes that stand for them. y may be x.
void quantise(Device& device, const QuantisedActivation& quantiser, const Buffer& x, const Buffer& y, bool codes);

/// A convolution that was postponed, with what the addition adds to it (engine/nodes/convolution.cpp).
void simulate_convolution(Simulation& program, const Node& node, ValueId output, const Simulation::Value& residual,
                          const Activation& activation);

}  // namespace adaq
