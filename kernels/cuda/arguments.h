// From the descriptors of engine/program/operations.h to what kernels take (epilogue.h, stored.h).
#pragma once

#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/epilogue.h"

namespace adaq::cuda {

/// A tensor that may lie in bf16; what Context::at() gives lies in float32.
inline Source source_of(const Context& context, TensorId id) {
    float* const place = context.at(id);
    return context.program.is_bf16(id) ? Source{nullptr, reinterpret_cast<const bf16*>(place)} : Source{place, nullptr};
}
inline Target target_of(const Context& context, TensorId id) {
    float* const place = context.at(id);
    return context.program.is_bf16(id) ? Target{nullptr, reinterpret_cast<bf16*>(place)} : Target{place, nullptr};
}

Clamp clamp_of(const Activation& activation);
QuantiserArguments arguments_of(const Context& context, const std::optional<OutputQuantiser>& quantiser);
EpilogueArguments arguments_of(const Context& context, const Epilogue& epilogue);
ActivationGradientArguments arguments_of(const Context& context, const std::optional<ActivationGradient>& activation);

}  // namespace adaq::cuda
