#include "kernels/cuda/arguments.h"

namespace adaq::cuda {

QuantiserArguments arguments_of(const Context& context, const std::optional<OutputQuantiser>& q) {
    QuantiserArguments arguments;
    if (!q) return arguments;
    arguments.scale = context.at(q->scale);
    arguments.zero_point = q->zero_point;
    arguments.qmin = q->grid.qmin();
    arguments.qmax = q->grid.qmax();
    arguments.codes = q->codes;
    if (q->dropping) {
        arguments.dropping = {context.at(q->dropping->state), q->dropping->stream, keep_threshold(q->dropping->keep)};
    }
    return arguments;
}

Clamp clamp_of(const Activation& activation) {
    return {activation.lowest(), activation.highest(), static_cast<bool>(activation), activation.limited()};
}

EpilogueArguments arguments_of(const Context& context, const Epilogue& e) {
    return {context.at(e.scale), context.at(e.shift),    context.at(e.residual),
            e.residual_scale,    clamp_of(e.activation), arguments_of(context, e.quantiser),
            context.at(e.saved)};
}

ActivationGradientArguments arguments_of(const Context& context, const std::optional<ActivationGradient>& a) {
    if (!a) return {};
    return {context.at(a->value), clamp_of(a->activation), arguments_of(context, a->quantiser),
            context.at(a->scale_gradient), static_cast<float>(a->scale_gradient_factor)};
}

}  // namespace adaq::cuda
