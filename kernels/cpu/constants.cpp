#include "kernels/cpu/constants.h"

#include "kernels/arena.h"

namespace adaq::cpu {
namespace {

/// The tensor that an operation takes for its weight, and only reads.
struct WeightOf {
    TensorId operator()(const Convolution& op) const { return op.w; }
    TensorId operator()(const ConvolutionToData& op) const { return op.w; }
    TensorId operator()(const Linear& op) const { return op.w; }
    TensorId operator()(const LinearToData& op) const { return op.w; }
    template <typename Other>
    TensorId operator()(const Other&) const {
        return kNone;
    }
};

}  // namespace

Constants::Constants(const Program& program) {
    const auto& tensors = program.tensors();
    for (const Program::Entry& entry : tensors) constant_.push_back(entry.bound != nullptr);
    for (const Operation& operation : program.operations()) {
        const TensorId weight = std::visit(WeightOf(), operation);
        for (TensorId id : tensors_of(operation)) {
            if (id == kNone || id == weight) continue;
            const TensorId whole = tensors[static_cast<size_t>(id)].whole;
            constant_[static_cast<size_t>(whole == kNone ? id : whole)] = false;
        }
    }
}

}  // namespace adaq::cpu
