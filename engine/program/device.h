// The one door between the engine and the kernels. The engine describes a piece of work as a Program, operations over
// tensor handles; a Device compiles it once (workspace, physical layouts, fusion, primitives) and replays it. Devices
// never see each other, and the engine sees none of their headers. Read this file first.
//
// Activations are NHWC and weights KRSC in logical order, which holds at upload and download; how a device stores them
// in between is its own affair. `reference` computes in float64 throughout, the others in float32.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/program/limits.h"
#include "engine/program/program.h"

namespace adaq {

/// Where a tensor lies. device: its own memory. spilled: where there is more room and access is slower; every operation
/// works on it there all the same, with the same bits (cpu: a mapped file; cuda: pinned memory of the host, read over
/// the bus; reference: no difference).
enum class Placement { device, spilled };

/// Asked while long work goes on, at places where it can end, in the thread of whoever began it; throws to end it. May
/// be empty.
using Poll = std::function<void()>;

/// What a compiled program takes of its device's memory, bytes; 0 where the device does not tell.
struct ProgramMemory {
    int64_t temporaries = 0;  // values between operations
    int64_t workspace = 0;    // within operations
};

class CompiledProgram {
  public:
    virtual ~CompiledProgram() = default;
    /// Runs the whole program n times. Weights uploaded since the last run are seen.
    virtual void run(int64_t n = 1) = 0;
    /// Runs it once, to the same bits, and asks `poll` between its parts: some images, an operation, or all of it, as
    /// the device can. Where that throws, what the program writes is undefined, and it may be run again.
    virtual void run_polled(const Poll& poll) {
        run();
        if (poll) poll();
    }
    /// Runs it once, and adds to seconds[i] what operation i of the program took, of all threads together. False where
    /// the device does not tell; then nothing was run.
    virtual bool run_timed(std::span<double> /*seconds*/) { return false; }
    virtual ProgramMemory memory() const { return {}; }
};

// ---- calibration

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

/// Throws std::logic_error where ranks are not ascending within 0 ... elements - 1.
void check_ranks(std::span<const int64_t> ranks, int64_t elements);

// ---- devices

/// What the operands of convolutions and matrix products are rounded to; sums are float32, and so is all else.
enum class Math { f32, tf32, bf16 };

/// "fp32", "tf32", "bf16": as --math has it.
inline std::string to_string(Math math) { return math == Math::f32 ? "fp32" : math == Math::tf32 ? "tf32" : "bf16"; }

class Device {
  public:
    virtual ~Device() = default;

    virtual std::string name() const = 0;         // "cpu", "reference"
    virtual std::string description() const = 0;  // processor, instruction set, threads, library versions

    /// Contents undefined. Throws DataError where a spilled tensor finds no room on the disk.
    virtual Buffer create(const Shape& shape, DType dtype, Placement placement) = 0;
    Buffer create(const Shape& shape, DType dtype) { return create(shape, dtype, Placement::device); }
    Buffer create(const Shape& shape) { return create(shape, DType::f32, Placement::device); }
    /// Bytes of its own memory that a new tensor could take now.
    virtual int64_t free_memory() const = 0;
    /// Where spilled tensors lie that become files; the temporary directory unless it is told.
    virtual void spill_into(const std::string& /*folder*/) {}
    virtual void upload(DeviceTensor& tensor, std::span<const float> values) = 0;  // element_count(shape) values
    virtual void download(const DeviceTensor& tensor, std::span<float> values) = 0;
    /// Of a tensor of u8, as they are: element_count(shape) codes or pixels.
    virtual void upload_bytes(DeviceTensor& tensor, std::span<const uint8_t> bytes);
    /// Of a tensor of i32: element_count(shape) integers.
    virtual void upload_integers(DeviceTensor& tensor, std::span<const int32_t> integers) = 0;
    /// The tensor is not written or read by the host any more, and bound to no program but such as need what programs
    /// compiled so far have made of it (packed weights): that is kept, and the values need not be.
    virtual void keep_forms_alone(DeviceTensor& /*tensor*/) {}
    /// What it takes of the device's memory, with what programs have made of it.
    virtual int64_t memory_of(const DeviceTensor& tensor) const { return bytes_of(tensor.type()); }
    using Edit = std::function<void(std::span<float> values)>;
    /// Has the values of a tensor changed on the host. room: for them meanwhile; kept by the caller for the next time.
    virtual void edit(DeviceTensor& tensor, std::vector<float>& room, const Edit& change);

    virtual DeviceLimits limits() const { return {}; }
    /// What products round their operands to.
    virtual Math math() const { return Math::f32; }
    /// Fixes workspace, layouts and primitives. Throws std::logic_error where the program does not fit together, and
    /// DataError where it is beyond the device: a limit, its memory.
    std::unique_ptr<CompiledProgram> compile(Program program);

    /// Of each group; x is [groups, elements] in its logical order, whatever its shape.
    virtual std::vector<MinMax> min_max(const DeviceTensor& x, int64_t groups) = 0;
    /// x of each group sorted ascending, at the given ranks (0-based, ascending): [groups][ranks].
    virtual std::vector<float> order_statistics(const DeviceTensor& x, int64_t groups,
                                                std::span<const int64_t> ranks) = 0;
    /// The best candidate of each group. The answer is that of the exhaustive search, or one whose score is within a
    /// factor 1 + 1e-6 of it.
    virtual std::vector<BestRange> best_range(const DeviceTensor& x, int64_t groups, const RangeSearch& search) = 0;

  private:
    /// Of a program that is checked, keeps the limits, and whose tensors have their final types.
    virtual std::unique_ptr<CompiledProgram> compile_checked(Program program) = 0;
};

/// name: "reference", "cpu" or "cuda"; threads of the CPU: 0 takes all cores. Throws UsageError for an unknown or
/// absent device, and for arithmetic that it does not have (the reference has float64 alone and takes no notice of
/// `math`).
std::unique_ptr<Device> make_device(const std::string& name, int threads = 0, Math math = Math::f32);

}  // namespace adaq
