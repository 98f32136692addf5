// From the descriptors of engine/operations.h to what kernels take (epilogue.h).
#pragma once

#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/step.h"

namespace adaq::cuda {

QuantiserArguments arguments_of(const Context& context, const std::optional<OutputQuantiser>& quantiser);
EpilogueArguments arguments_of(const Context& context, const Epilogue& epilogue);
ActivationGradientArguments arguments_of(const Context& context, const std::optional<ActivationGradient>& activation);

}  // namespace adaq::cuda
