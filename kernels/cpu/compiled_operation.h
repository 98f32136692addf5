// A compiled program is a list of compiled operations. Each runs one operation on some images; it finds its tensors
// through a View.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/program/device.h"
#include "kernels/cpu/target.h"
#include "kernels/cpu/tensor.h"

namespace adaq::cpu {

/// Where the tensors of a program are while a lane (plan.h) works on the images from one on.
class View {
  public:
    struct Place {
        float* base = nullptr;
        int64_t image_stride = 0;           // bytes from one image to the next; 0 for weights and scales
        int64_t images = 0;                 // of a temporary: room for so many, used in turn; 0: for the whole batch
        const uint64_t* version = nullptr;  // counts its changes; null for what only operations write
        bool half = false;                  // bf16 is stored there (engine/program/bf16_storage.h)
    };
    View(int lane, Indexed<Place> places) : lane_(lane), places_(std::move(places)) {}

    int lane() const { return lane_; }
    /// The lane's scratch memory, as large as the neediest operation wants it; its contents do not outlive one.
    float* scratch() const { return scratch_; }
    void set_scratch(float* scratch) { scratch_ = scratch; }
    /// To image `index` of the group that begins at image `group` of the batch.
    void move_to(int64_t group, int64_t index) {
        group_ = group;
        index_ = index;
    }
    /// What is stored as bf16 begins there too.
    float* at(TensorId id) const {
        if (id == kNone) return nullptr;
        const Place& place = places_[id];
        const int64_t image = place.images > 0 ? index_ % place.images : group_ + index_;
        return reinterpret_cast<float*>(reinterpret_cast<char*>(place.base) + image * place.image_stride);
    }
    /// Where an operation's results go.
    Target target(TensorId id) const {
        float* const place = at(id);
        return places_[id].half ? Target(reinterpret_cast<bf16*>(place)) : Target(place);
    }
    bool is_bf16(TensorId id) const { return places_[id].half; }
    uint64_t version(TensorId id) const { return *places_[id].version; }

  private:
    int lane_;
    float* scratch_ = nullptr;
    Indexed<Place> places_;
    int64_t group_ = 0, index_ = 0;
};

class CompiledOperation {
  public:
    virtual ~CompiledOperation() = default;
    /// Renews what was derived from weights that have been uploaded since; before a run, in one thread.
    virtual void refresh(const View&) {}
    /// How much of View::scratch() a run uses.
    virtual int64_t scratch_floats() const { return 0; }
    /// Each lane in its own thread, at the same time as the others.
    virtual void run(const View& view) = 0;
};

/// How an operation will be run.
struct OperationSetting {
    int64_t images = 1;           // at a time
    int lanes = 1, threads = 1;   // threads: of each lane
    bool in_place = false;        // a convolution's output lies where its residual lies
    bool of_values = false;       // a convolution's input is not integer codes: its weights may be scaled
    Math math = Math::f32;        // bf16: what it multiplies is rounded first
    bool weights_change = false;  // in every run: what is made from them must pay off at once
};

/// One factory an operation.
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const Convolution& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const Linear& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const MaxPool& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const AveragePool& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const GlobalAveragePool& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const Addition& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const FakeQuantise& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const IntegerConvolution& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const IntegerLinear& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const IntegerAddition& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const SumOverMap& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const QuantiseToCodes& op,
                                                     const OperationSetting& setting);
std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const LookUp& op,
                                                     const OperationSetting& setting);

}  // namespace adaq::cpu
