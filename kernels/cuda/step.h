// A compiled program is a list of steps, one an operation: kernels with all their arguments, launched into a stream.
// Each factory stands in the file of its operation.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "engine/device.h"
#include "kernels/cuda/check.h"
#include "kernels/cuda/convolution/choice.h"
#include "kernels/halves.h"

namespace adaq::cuda {

/// A program's tensors as its steps find them.
struct Context {
    const Program& program;
    std::vector<float*> places;  // by tensor
    Card card;
    Math math = Math::f32;
    std::optional<Choice> choice = std::nullopt;  // for all products; none: what choose() says
    bool wgmma = false;                           // forward products by warpgroups (sm90a/forward.h)
    Halves halves = {};                           // those that lie in bf16

    /// Null for kNone.
    float* at(TensorId id) const { return id == kNone ? nullptr : places[static_cast<size_t>(id)]; }
    const Shape& shape(TensorId id) const { return program.shape(id); }
    int64_t count(TensorId id) const { return element_count(shape(id)); }
};

struct Step {
    /// Memory that is used within the step alone; its contents do not outlive it.
    size_t scratch_bytes = 0;
    std::function<void(cudaStream_t stream, void* scratch)> enqueue;
};

Step make_step(const Context&, const Convolution&);
Step make_step(const Context&, const ConvolutionToData&);
Step make_step(const Context&, const ConvolutionToWeights&);
Step make_step(const Context&, const Linear&);
Step make_step(const Context&, const LinearToData&);
Step make_step(const Context&, const LinearToWeights&);
Step make_step(const Context&, const BatchNorm&);
Step make_step(const Context&, const BatchNormGradient&);
Step make_step(const Context&, const MaxPool&);
Step make_step(const Context&, const MaxPoolGradient&);
Step make_step(const Context&, const GlobalAveragePool&);
Step make_step(const Context&, const GlobalAveragePoolGradient&);
Step make_step(const Context&, const AddRelu&);
Step make_step(const Context&, const ActivationBackward&);
Step make_step(const Context&, const FakeQuantise&);
Step make_step(const Context&, const FakeQuantiseChannels&);
Step make_step(const Context&, const FakeQuantiseChannelsGradient&);
Step make_step(const Context&, const RoundWeights&);
Step make_step(const Context&, const RoundingStep&);
Step make_step(const Context&, const ChannelScaleGradient&);
Step make_step(const Context&, const ChannelShiftGradient&);
Step make_step(const Context&, const AdamStep&);
Step make_step(const Context&, const SquaredError&);
Step make_step(const Context&, const KlDivergence&);
Step make_step(const Context&, const StatisticsLoss&);
Step make_step(const Context&, const AdvanceStep&);
Step make_step(const Context&, const DrawBatch&);
Step make_step(const Context&, const TakeBatch&);
Step make_step(const Context&, const Gather&);

}  // namespace adaq::cuda
