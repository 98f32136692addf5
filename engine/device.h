// The one door between the engine and the kernels. The engine describes a piece of work as a Program, operations over
// tensor handles; a Device compiles it once (workspace, physical layouts, fusion, primitives) and replays it. Devices
// never see each other, and the engine sees none of their headers. Read this file first.
//
// Activations are NHWC and weights KRSC in logical order, which holds at upload and download; how a device stores them
// in between is its own affair. `reference` computes in float64 throughout, the others in float32.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/grid.h"
#include "engine/tensor.h"

namespace adaq {

// ---- tensors
// ---------------------------------------------------------------------------------------------------------

/// A tensor in a device's memory. Made by Device::create, freed with its last owner.
class DeviceTensor {
  public:
    explicit DeviceTensor(Shape shape) : shape_(std::move(shape)) {}
    virtual ~DeviceTensor() = default;
    DeviceTensor(const DeviceTensor&) = delete;
    DeviceTensor& operator=(const DeviceTensor&) = delete;
    const Shape& shape() const { return shape_; }

  private:
    Shape shape_;
};
using Buffer = std::shared_ptr<DeviceTensor>;

/// A tensor within a Program.
using TensorId = int;
inline constexpr TensorId kNone = -1;

// ---- operations
// ------------------------------------------------------------------------------------------------------

/// Fake quantisation of an operation's output (methods.md section 1), one scale for the whole tensor.
struct OutputQuantiser {
    Grid grid;
    TensorId scale = kNone;   // [1], on the device: it may change between runs
    float zero_point = 0.0f;  // fixed once chosen
    bool codes = false;       // write the integers q - z instead of (q - z) * s
};

/// What happens to a sum before it is written: y = quantise(relu(scale[k] * sum + shift[k] + residual_scale *
/// residual)).
struct Epilogue {
    TensorId scale = kNone;       // [K]; none: 1
    TensorId shift = kNone;       // [K]; none: 0
    TensorId residual = kNone;    // shape of y; none: 0
    float residual_scale = 1.0f;  // turns a residual of codes into values
    bool relu = false;
    std::optional<OutputQuantiser> quantiser;
};

/// y[N,P,Q,K] = sum over R,S,C of x[N,H,W,C] * w[K,R,S,C]; square stride and zero padding.
struct Convolution {
    TensorId x, w, y;
    int stride = 1, padding = 0;
    Epilogue epilogue;
};

/// y[N,K] = sum over C of x[N,C] * w[K,C], summed in an order that depends on C alone.
struct Linear {
    TensorId x, w, y;
    Epilogue epilogue;
};

/// y[N,P,Q,C]: maximum over a square window; positions outside the map do not count.
struct MaxPool {
    TensorId x, y;
    int kernel = 3, stride = 2, padding = 1;
};

/// y[N,C] = scale * mean over H,W of x[N,H,W,C]. With codes the sum is exact.
struct GlobalAveragePool {
    TensorId x, y;
    float scale = 1.0f;
};

/// y = quantise(relu(a_scale * a + b_scale * b)), all of one shape.
struct AddRelu {
    TensorId a, b, y;
    float a_scale = 1.0f, b_scale = 1.0f;
    std::optional<OutputQuantiser> quantiser;
};

/// y = quantise(x), any shape.
struct FakeQuantise {
    TensorId x, y;
    OutputQuantiser quantiser;
};

using Operation = std::variant<Convolution, Linear, MaxPool, GlobalAveragePool, AddRelu, FakeQuantise>;

/// Operations in the order in which they run. The first extent of every activation is the batch, the same throughout.
class Program {
  public:
    struct Entry {
        Shape shape;
        Buffer bound;  // null: temporary
    };

    /// A tensor that outlives the run: inputs, weights, outputs. Binding one buffer twice gives one handle.
    TensorId bind(const Buffer& buffer);
    /// A tensor that exists only while the program runs.
    TensorId temporary(Shape shape);
    void add(Operation operation) { operations_.push_back(std::move(operation)); }

    const std::vector<Entry>& tensors() const { return tensors_; }
    const Shape& shape(TensorId id) const { return tensors_.at(static_cast<size_t>(id)).shape; }
    const std::vector<Operation>& operations() const { return operations_; }

  private:
    std::vector<Entry> tensors_;
    std::vector<Operation> operations_;
};

/// Throws std::logic_error where an operation's shapes do not fit together. Devices call it before they compile.
void check(const Program& program);

class CompiledProgram {
  public:
    virtual ~CompiledProgram() = default;
    /// Runs the whole program n times. Weights uploaded since the last run are seen.
    virtual void run(int64_t n = 1) = 0;
};

// ---- calibration
// -----------------------------------------------------------------------------------------------------

struct MinMax {
    float min = 0.0f, max = 0.0f;  // NaN anywhere in the group makes both NaN
};

/// Which of many candidate ranges loses least: score = sum over the group of |x-hat - x|^p, in float64.
struct RangeSearch {
    Grid grid;
    double p = 2.4;
    bool joint = false;         // one score over all groups together: every group moves to the same candidate
    bool zero_centred = false;  // z = 0 whatever the range, s from its width
    int64_t candidates = 0;
    std::span<const float> lo;  // [groups][candidates]
    std::span<const float> hi;  // [groups][candidates]
};

struct BestRange {
    int64_t candidate = 0;  // the first with the strictly smallest score
    double score = 0.0;
};

// ---- devices
// ---------------------------------------------------------------------------------------------------------

class Device {
  public:
    virtual ~Device() = default;

    virtual std::string name() const = 0;         // "cpu", "reference"
    virtual std::string description() const = 0;  // processor, instruction set, threads, library versions

    virtual Buffer create(const Shape& shape) = 0;                                 // contents undefined
    virtual void upload(DeviceTensor& tensor, std::span<const float> values) = 0;  // element_count(shape) values
    virtual void download(const DeviceTensor& tensor, std::span<float> values) = 0;

    virtual std::unique_ptr<CompiledProgram> compile(const Program& program) = 0;

    /// Of each group; x is [groups, elements] in its logical order, whatever its shape.
    virtual std::vector<MinMax> min_max(const DeviceTensor& x, int64_t groups) = 0;
    /// x of each group sorted ascending, at the given ranks (0-based, ascending): [groups][ranks].
    virtual std::vector<float> order_statistics(const DeviceTensor& x, int64_t groups,
                                                std::span<const int64_t> ranks) = 0;
    /// The best candidate of each group. The answer is that of the exhaustive search, or one whose score is within a
    /// factor 1 + 1e-6 of it.
    virtual std::vector<BestRange> best_range(const DeviceTensor& x, int64_t groups, const RangeSearch& search) = 0;
};

/// name: "reference" or "cpu"; threads: 0 takes all cores. Throws UsageError for an unknown or absent device.
std::unique_ptr<Device> make_device(const std::string& name, int threads = 0);

}  // namespace adaq
