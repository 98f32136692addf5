// The one door between the engine and the kernels. The engine describes a piece of work as a Program, operations over
// tensor handles; a Device compiles it once (workspace, physical layouts, fusion, primitives) and replays it. Devices
// never see each other, and the engine sees none of their headers. Read this file first.
//
// Activations are NHWC and weights KRSC in logical order, which holds at upload and download; how a device stores them
// in between is its own affair. `reference` computes in float64 throughout, the others in float32.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/operations.h"
#include "engine/tensor.h"

namespace adaq {

// ---- tensors
// ---------------------------------------------------------------------------------------------------------

/// How values are stored. bf16 halves the caches that Gather reads, and on the CPU with --math bf16 what products read;
/// nothing else reads it.
enum class Dtype { f32, bf16 };

/// Where a tensor lies. device: its own memory. spilled: where there is more room and access is slower; every operation
/// works on it there all the same, with the same bits (cpu: a mapped file; cuda: pinned memory of the host, read over
/// the bus; reference: no difference).
enum class Placement { device, spilled };

/// A tensor in a device's memory. Made by Device::create, freed with its last owner.
class DeviceTensor {
  public:
    explicit DeviceTensor(Shape shape, Dtype dtype = Dtype::f32) : shape_(std::move(shape)), dtype_(dtype) {}
    virtual ~DeviceTensor() = default;
    DeviceTensor(const DeviceTensor&) = delete;
    DeviceTensor& operator=(const DeviceTensor&) = delete;
    const Shape& shape() const { return shape_; }
    Dtype dtype() const { return dtype_; }

  private:
    Shape shape_;
    Dtype dtype_;
};
using Buffer = std::shared_ptr<DeviceTensor>;

// ---- programs
// --------------------------------------------------------------------------------------------------------

/// Operations (engine/operations.h) in the order in which they run. The first extent of every activation is the batch.
class Program {
  public:
    struct Entry {
        Shape shape;
        Buffer bound;            // null: temporary, or part of another tensor
        TensorId whole = kNone;  // what this is a part of
        int64_t first_row = 0;   // where it begins there
    };

    /// A tensor that outlives the run: inputs, weights, outputs. Binding one buffer twice gives one handle.
    TensorId bind(const Buffer& buffer);
    /// A tensor that exists only while the program runs.
    TensorId temporary(Shape shape);
    /// Rows [first, first + count) of a tensor, along its first extent, in place.
    TensorId rows(TensorId whole, int64_t first, int64_t count);
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

    /// Contents undefined. Throws DataError where a spilled tensor finds no room on the disk.
    virtual Buffer create(const Shape& shape, Dtype dtype, Placement placement) = 0;
    Buffer create(const Shape& shape, Dtype dtype) { return create(shape, dtype, Placement::device); }
    Buffer create(const Shape& shape) { return create(shape, Dtype::f32, Placement::device); }
    /// Bytes of its own memory that a new tensor could take now.
    virtual int64_t free_memory() const = 0;
    /// Where spilled tensors lie that become files; the temporary directory unless it is told.
    virtual void spill_into(const std::string& /*folder*/) {}
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

/// What the operands of convolutions and matrix products are rounded to; sums are float32, and so is all else.
enum class Math { f32, tf32, bf16 };

/// "fp32", "tf32", "bf16": as --math has it.
inline std::string to_string(Math math) { return math == Math::f32 ? "fp32" : math == Math::tf32 ? "tf32" : "bf16"; }

/// name: "reference", "cpu" or "cuda"; threads of the CPU: 0 takes all cores. Throws UsageError for an unknown or
/// absent device, and for arithmetic that it does not have (the reference has float64 alone and takes no notice of
/// `math`).
std::unique_ptr<Device> make_device(const std::string& name, int threads = 0, Math math = Math::f32);

}  // namespace adaq
