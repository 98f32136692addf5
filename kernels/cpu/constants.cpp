#include "kernels/cpu/constants.h"

#include <algorithm>

#include "kernels/arena.h"

namespace adaq::cpu {
namespace {

using Ids = std::vector<TensorId>;

/// The tensors that an operation takes for its weight, and only reads.
struct WeightsOf {
    Ids operator()(const Convolution& op) const { return {op.w}; }
    Ids operator()(const ConvolutionToData& op) const { return {op.w}; }
    Ids operator()(const Linear& op) const { return {op.w}; }
    Ids operator()(const LinearToData& op) const { return {op.w}; }
    Ids operator()(const RoundingStep& op) const { return {op.rounding.w, op.rounding.scale, op.rounding.zero_point}; }
    template <typename Other>
    Ids operator()(const Other&) const {
        return {};
    }
};

}  // namespace

Constants::Constants(const Program& program) {
    const auto& tensors = program.tensors();
    for (const Program::Entry& entry : tensors) constant_.push_back(entry.bound != nullptr);
    for (const Operation& operation : program.operations()) {
        const Ids weights = std::visit(WeightsOf(), operation);
        for (TensorId id : tensors_of(operation)) {
            if (id == kNone || std::find(weights.begin(), weights.end(), id) != weights.end()) continue;
            const TensorId whole = tensors[static_cast<size_t>(id)].whole;
            constant_[static_cast<size_t>(whole == kNone ? id : whole)] = false;
        }
    }
}

}  // namespace adaq::cpu
