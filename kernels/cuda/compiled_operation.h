// A compiled program is a list of compiled operations: kernels with all their arguments, launched into a stream.
// Each factory stands in the file of its operation.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "engine/program/device.h"
#include "kernels/cuda/check.h"
#include "kernels/cuda/convolution/choice.h"

namespace adaq::cuda {

/// A program's tensors as its operations find them.
struct Context {
    const Program& program;
    Indexed<float*> places;  // by tensor
    Card card;
    Math math = Math::f32;
    std::optional<Choice> choice = std::nullopt;  // for all products; none: what choose() says
    bool wgmma = false;                           // forward products by warpgroups (kernels/cuda/sm90a)

    /// Null for kNone.
    float* at(TensorId id) const { return id == kNone ? nullptr : places[id]; }
    /// The same of elements of another type.
    template <typename Element>
    Element* elements(TensorId id) const {
        return reinterpret_cast<Element*>(at(id));
    }
    const Shape& shape(TensorId id) const { return program.shape(id); }
    DType type(TensorId id) const { return program.tensor(id).type.dtype; }
    int64_t count(TensorId id) const { return element_count(shape(id)); }
};

struct CompiledOperation {
    /// Memory that is used within the operation alone; its contents do not outlive it.
    size_t scratch_bytes = 0;
    std::function<void(cudaStream_t stream, void* scratch)> enqueue;
};

#define ADAQ_DECLARE(Kind) CompiledOperation compile_operation(const Context&, const Kind&);
ADAQ_OPERATIONS(ADAQ_DECLARE)
#undef ADAQ_DECLARE

}  // namespace adaq::cuda
