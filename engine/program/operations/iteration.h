// An iteration of learning: its step values, its batch, and Adam's step.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "engine/plateau.h"
#include "engine/program/tensor_use.h"
#include "engine/random.h"

namespace adaq {

class Checker;

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

/// docs/arithmetic.md section 5: the regulariser is on from t >= warm_up * T, and there beta falls linearly.
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
    static constexpr OperationTraits kTraits{"advance of the step state", Purpose::learning, Cost::memory};
    TensorId state;
    StepSchedule schedule;
    std::vector<TensorId> losses;  // [1] each
    std::optional<Plateau> plateau = std::nullopt;

    template <typename Self, typename Visit>
    static void visit_tensors(Self& op, const Visit& visit) {
        for (auto& loss : op.losses) visit(loss, use::kCarried);
        visit(op.state, TensorUse{Access::update, Extent::state});
    }
    void check(const Checker& checker) const;
};

/// indices[B] in [0, population) as floats. Without replacement by Floyd's algorithm: for i = 0 ... B-1, with
/// j = population - B + i, t = random_below(stream, iteration, i, j + 1); t is taken, or j if t was taken already. With
/// replacement: random_below(stream, iteration, i, population).
struct DrawBatch {
    static constexpr OperationTraits kTraits{"draw of a batch", Purpose::learning, Cost::memory};
    TensorId indices, state;
    int64_t population = 0;
    bool replacement = false;
    Stream stream;

    template <typename Self, typename Visit>
    static void visit_tensors(Self& op, const Visit& visit) {
        visit(op.indices, use::kWriteRows);
        visit(op.state, use::kState);
    }
    void check(const Checker& checker) const;
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
    static constexpr OperationTraits kTraits{"gather", Purpose::learning, Cost::memory};
    TensorId x, y;
    TensorId indices = kNone;
    std::optional<Mixing> mixing = std::nullopt;

    template <typename Self, typename Visit>
    static void visit_tensors(Self& op, const Visit& visit) {
        constexpr TensorUse kMadeAsIs{Access::read, Extent::cache, Bf16::as_made};
        visit(op.x, kMadeAsIs);
        visit(op.y, use::kRoundable);
        visit(op.indices, use::kReadRows);
        if (!op.mixing) return;
        visit(op.mixing->other, kMadeAsIs);
        visit(op.mixing->state, use::kState);
    }
    void check(const Checker& checker) const;
};

/// Adam (0.9, 0.999, 1e-8) at one of the step values' rates; x never falls below `minimum`.
struct AdamStep {
    static constexpr OperationTraits kTraits{"step of Adam", Purpose::learning, Cost::memory};
    TensorId x, gradient, first_moment, second_moment;  // of one shape
    TensorId state;
    float minimum = -std::numeric_limits<float>::infinity();
    StepValue rate = kScaleRate;

    template <typename Self, typename Visit>
    static void visit_tensors(Self& op, const Visit& visit) {
        visit(op.x, use::kUpdate);
        visit(op.gradient, use::kRead);
        visit(op.first_moment, use::kUpdate);
        visit(op.second_moment, use::kUpdate);
        visit(op.state, use::kState);
    }
    void check(const Checker& checker) const;
};

}  // namespace adaq
