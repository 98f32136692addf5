// What a Program can do: operation descriptors over tensor handles, forward and backward. Each device implements them
// one a file. Activations are NHWC and weights KRSC in logical order. "Gradient" always means that of the loss.
//
// Batch norms with fixed statistics need no operation of their own while rounding is learned: their per-channel factor
// is part of the weight (Rounding::channel_scale) and their offset is an Epilogue's shift, so that gradients pass
// through neither. Only where what enters a norm is looked at (StatisticsLoss) is BatchNorm::fixed needed.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <variant>
#include <vector>

#include "engine/grid.h"
#include "engine/plateau.h"
#include "engine/random.h"

namespace adaq {

/// A tensor within a Program.
using TensorId = int;
inline constexpr TensorId kNone = -1;

// ---- step state -----------------------------------------------------------------------------------------------------

/// What depends on the iteration: a bound tensor [kStepValues], computed on the device by AdvanceStep. Uploading zeros
/// starts afresh.
enum StepValue {
    kIteration,         // t = 1 ... T of the iteration that runs; 0 before the first
    kRegulariserOn,     // 0 before warm-up is over, then 1
    kBeta,              // of the rounding regulariser
    kRoundingRate,      // learning rates
    kScaleRate,         //
    kChannelRate,       //
    kFirstCorrection,   // Adam: 1 / (1 - 0.9^t)
    kSecondCorrection,  // 1 / sqrt(1 - 0.999^t)
    kFirstBad,          // the first iteration whose loss was not finite; 0: none
    kBestLoss,          // PlateauState, where the scale rate follows a plateau
    kBadIterations,     //
    kStepValues
};

/// Methods.md section 5: the regulariser is on from t >= warm_up * T, and there beta falls linearly.
struct StepSchedule {
    int64_t iterations = 20000;  // T
    double warm_up = 0.2;
    double beta_start = 20.0, beta_end = 2.0;
    double rounding_rate = 1e-3, scale_rate = 4e-5, channel_rate = 0.0;
    bool cosine_scale_rate = false;  // scale and channel rates * (1 + cos(pi (t - 1) / T)) / 2
};

/// Begins an iteration: looks whether the losses of the last one were finite, then counts and computes the step values.
/// First operation of a training program. With a plateau the scale rate starts as the schedule has it and then falls
/// with the sum of the losses, as PyTorch's does that is stepped behind its optimiser.
struct AdvanceStep {
    TensorId state;
    StepSchedule schedule;
    std::vector<TensorId> losses;  // [1] each
    std::optional<Plateau> plateau = std::nullopt;
};

// ---- epilogues ------------------------------------------------------------------------------------------------------

/// QDrop: an element stays quantised with probability `keep`, else it is left as it was. The mask is a function of the
/// element's index in the tensor (NHWC), fresh in each iteration.
struct Dropping {
    float keep = 0.5f;
    Stream stream;
    TensorId state = kNone;  // for the iteration
};

/// Fake quantisation of an operation's output (docs/arithmetic.md section 1), one scale for the whole tensor.
struct OutputQuantiser {
    Grid grid;
    TensorId scale = kNone;   // [1], on the device: it may change between runs
    float zero_point = 0.0f;  // fixed once chosen
    bool codes = false;       // write the integers q - z instead of (q - z) * s
    std::optional<Dropping> dropping = std::nullopt;
};

/// What happens to a sum before it is written: v = relu(scale[k] * sum + shift[k] + residual_scale * residual),
/// y = quantise(v).
struct Epilogue {
    TensorId scale = kNone;       // [K]; none: 1
    TensorId shift = kNone;       // [K]; none: 0
    TensorId residual = kNone;    // shape of y; none: 0
    float residual_scale = 1.0f;  // turns a residual of codes into values
    bool relu = false;
    std::optional<OutputQuantiser> quantiser = std::nullopt;
    TensorId saved = kNone;  // receives v, for ActivationGradient
};

/// The way back through relu and quantiser: g becomes dL/dv * [v > 0 where there was a ReLU], with LSQ's gradients
/// (docs/arithmetic.md section 6) where there was a quantiser. Elements that were dropped pass g on as it is.
struct ActivationGradient {
    TensorId value = kNone;  // v as saved, or y where there was no quantiser
    bool relu = false;
    std::optional<OutputQuantiser> quantiser = std::nullopt;
    TensorId scale_gradient = kNone;  // [1], overwritten with dL/ds * scale_gradient_factor
    double scale_gradient_factor = 1.0;
};

// ---- convolution and the fully connected layer
// ------------------------------------------------------------------------

/// y[N,P,Q,K] = sum over R,S,C of x[N,H,W,C] * w[K,R,S,C]; square stride and zero padding.
struct Convolution {
    TensorId x, w, y;
    int stride = 1, padding = 0;
    Epilogue epilogue = {};
};

/// dx[N,H,W,C] = activation backward of (addend + sum over P,Q,K of dy[N,P,Q,K] * w[K,R,S,C]).
struct ConvolutionToData {
    TensorId dy, w, dx;
    int stride = 1, padding = 0;
    TensorId addend = kNone;  // the gradient of another reader of x, shape of dx
    std::optional<ActivationGradient> activation = std::nullopt;
};

/// dw[K,R,S,C] = sum over N,P,Q of dy[N,P,Q,K] * x[N,H,W,C], in an order that is the same in every run.
struct ConvolutionToWeights {
    TensorId x, dy, dw;
    int stride = 1, padding = 0;
};

/// y[N,K] = sum over C of x[N,C] * w[K,C], summed in an order that depends on C alone.
struct Linear {
    TensorId x, w, y;
    Epilogue epilogue = {};
};

/// dx[N,C] = activation backward of (addend + sum over K of dy[N,K] * w[K,C]).
struct LinearToData {
    TensorId dy, w, dx;
    TensorId addend = kNone;
    std::optional<ActivationGradient> activation = std::nullopt;
};

/// dw[K,C] = sum over N of dy[N,K] * x[N,C].
struct LinearToWeights {
    TensorId x, dy, dw;
};

// ---- batch norm -----------------------------------------------------------------------------------------------------

/// y = epilogue(gamma * (x - mean) * inverse_std + beta), mean and biased variance over N,H,W of each channel. The
/// running ones move by `momentum` towards the batch's (the variance's unbiased). The epilogue has no scale and shift.
/// fixed: normalises by the running statistics, and nothing moves.
struct BatchNorm {
    TensorId x, y;
    TensorId gamma, beta;                     // [C]
    TensorId running_mean, running_variance;  // [C], moved
    TensorId mean, inverse_std;               // [C], written, for the way back
    double epsilon = 1e-5, momentum = 0.1;
    Epilogue epilogue = {};
    bool fixed = false;
};

/// dx through the batch's statistics; gamma and beta are not learned. (A fixed norm's is StatisticsLoss::through.)
struct BatchNormGradient {
    TensorId dy, x, dx;
    TensorId gamma, mean, inverse_std;
};

// ---- pooling and pointwise ------------------------------------------------------------------------------------------

/// y[N,P,Q,C]: maximum over a square window; positions outside the map do not count.
struct MaxPool {
    TensorId x, y;
    int kernel = 3, stride = 2, padding = 1;
};

/// dx: each window's gradient goes to its first maximum (rows from the top, then columns from the left).
struct MaxPoolGradient {
    TensorId x, dy, dx;
    int kernel = 3, stride = 2, padding = 1;
};

/// y[N,C] = scale * mean over H,W of x[N,H,W,C]. With codes the sum is exact.
struct GlobalAveragePool {
    TensorId x, y;
    float scale = 1.0f;
};

/// dx[N,H,W,C] = scale * dy[N,C] / (H * W).
struct GlobalAveragePoolGradient {
    TensorId dy, dx;
    float scale = 1.0f;
};

/// y = quantise(relu(a_scale * a + b_scale * b)), all of one shape.
struct AddRelu {
    TensorId a, b, y;
    float a_scale = 1.0f, b_scale = 1.0f;
    std::optional<OutputQuantiser> quantiser = std::nullopt;
    TensorId saved = kNone;  // receives the value before the quantiser
};

/// dx = activation backward of (dy + addend). With a ReLU it is the gradient of both of AddRelu's terms (where their
/// factors are 1); without one, that of FakeQuantise.
struct ActivationBackward {
    TensorId dy, dx;
    TensorId addend = kNone;
    ActivationGradient activation;
};

// ---- fake quantisation ----------------------------------------------------------------------------------------------

/// y = quantise(x), any shape, one scale.
struct FakeQuantise {
    TensorId x, y;
    OutputQuantiser quantiser;
};

/// y = quantise(x), x [K,...]: scale and zero point of each k.
struct FakeQuantiseChannels {
    TensorId x, y;
    Grid grid;
    TensorId scale, zero_point;  // [K]
};

/// LSQ's gradients to x and to each channel's scale.
struct FakeQuantiseChannelsGradient {
    TensorId x, dy, dx;
    Grid grid;
    TensorId scale, zero_point;  // [K]
    TensorId scale_gradient;     // [K], overwritten
};

// ---- rounding -------------------------------------------------------------------------------------------------------

/// A weight whose rounding is learned (docs/arithmetic.md section 5):
/// w_hat = channel_scale[k] * s * (clamp(floor(w / s) + h(V) + z, qmin, qmax) - z).
struct Rounding {
    TensorId w, v, w_hat;            // [K,...]
    TensorId scale, zero_point;      // [K] or [1]
    TensorId channel_scale = kNone;  // [K]: a fixed batch norm's factor; none: 1
    Grid grid;
};

/// w_hat from w and V; with `hard`, h is [V >= 0].
struct RoundWeights {
    Rounding rounding;
    bool hard = false;
};

/// One fused step: dL/dw_hat -> dL/dV + lambda * regulariser -> Adam at the rounding rate -> new V and new w_hat.
struct RoundingStep {
    Rounding rounding;
    TensorId w_hat_gradient;  // [K,...]
    TensorId first_moment, second_moment;
    TensorId state;
    double lambda = 1.0;
    TensorId penalty = kNone;  // [1]: lambda * sum(1 - |2h - 1|^beta) before the step, 0 while the regulariser is off
};

/// gradient[k] = sum over k's weights of dL/dw_hat * w_hat, divided by factor[k]: that of a factor which multiplies
/// whole channels (Rounding::channel_scale).
struct ChannelScaleGradient {
    TensorId w_hat, w_hat_gradient;  // [K,...]
    TensorId factor, gradient;       // [K]
};

/// gradient[C] = sum of dy[...,C] over all but C: that of what is added to each channel (Epilogue::shift).
struct ChannelShiftGradient {
    TensorId dy, gradient;
};

/// Adam (0.9, 0.999, 1e-8) at one of the step values' rates; x never falls below `minimum`.
struct AdamStep {
    TensorId x, gradient, first_moment, second_moment;  // of one shape
    TensorId state;
    float minimum = -std::numeric_limits<float>::infinity();
    StepValue rate = kScaleRate;
};

// ---- losses ---------------------------------------------------------------------------------------------------------

/// loss = factor * sum of weight * |y - target|^exponent, and dy. Row i of y belongs to row indices[i] of target (and
/// weight); without indices to row i.
struct SquaredError {
    TensorId y, target, dy, loss;  // loss [1]
    TensorId indices = kNone;
    TensorId weight = kNone;
    double exponent = 2.0;
    double factor = 1.0;
};

/// loss = factor * sum over rows of KL(softmax(target / T) || softmax(logits / T)), and the gradient to logits [N,C].
struct KlDivergence {
    TensorId logits, target, dlogits, loss;
    TensorId indices = kNone;
    double temperature = 4.0;
    double factor = 1.0;
};

/// The way back through a fixed batch norm: gamma[c] * inverse_std[c] * dy.
struct ThroughFixedNorm {
    TensorId dy;                  // of the norm's output
    TensorId gamma, inverse_std;  // [C]
};

/// How far the statistics of what enters a batch norm are from that norm's, image by image (PD-Quant's distribution
/// correction, arXiv 2212.07048; docs/arithmetic.md section 8): x[N,H,W,C],
/// loss = factor * sum over N,C of (mu - mean[c])^2 + (sigma - sqrt(variance[c] + epsilon))^2,
/// mu = mean over the map, sigma = sqrt(unbiased variance over the map + epsilon). A map of one element has no
/// variance: there only the means count. dx = the gradient, added to what comes back through the norm if that is read.
struct StatisticsLoss {
    TensorId x, dx, loss;     // loss [1]
    TensorId mean, variance;  // [C]
    double epsilon = 1e-6;
    double factor = 1.0;
    std::optional<ThroughFixedNorm> through = std::nullopt;
};

// ---- batches --------------------------------------------------------------------------------------------------------

/// indices[B] in [0, population) as floats. Without replacement by Floyd's algorithm: for i = 0 ... B-1, with
/// j = population - B + i, t = random_below(stream, iteration, i, j + 1); t is taken, or j if t was taken already. With
/// replacement: random_below(stream, iteration, i, population).
struct DrawBatch {
    TensorId indices, state;
    int64_t population = 0;
    bool replacement = false;
    Stream stream;
};

/// indices[B] = row (iteration - 1) mod T of order[T,B]: batches that were chosen beforehand.
struct TakeBatch {
    TensorId order, indices, state;
};

/// Each element of a gathered row is that of x with probability `keep`, else that of `other`.
struct Mixing {
    TensorId other;  // shape of x
    float keep = 0.5f;
    Stream stream;
    TensorId state;
};

/// y[i] = x[indices[i]], row by row; without indices y = x (mixed). Random masks go by the index in y.
struct Gather {
    TensorId x, y;
    TensorId indices = kNone;
    std::optional<Mixing> mixing = std::nullopt;
};

using Operation =
    std::variant<Convolution, ConvolutionToData, ConvolutionToWeights, Linear, LinearToData, LinearToWeights, BatchNorm,
                 BatchNormGradient, MaxPool, MaxPoolGradient, GlobalAveragePool, GlobalAveragePoolGradient, AddRelu,
                 ActivationBackward, FakeQuantise, FakeQuantiseChannels, FakeQuantiseChannelsGradient, RoundWeights,
                 RoundingStep, ChannelScaleGradient, ChannelShiftGradient, AdamStep, SquaredError, KlDivergence,
                 StatisticsLoss, AdvanceStep, DrawBatch, TakeBatch, Gather>;

}  // namespace adaq
