// An iteration of learning: its values, its batch, and Adam's step.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "engine/program/tensor_use.h"
#include "engine/random.h"
#include "engine/schedule.h"

namespace adaq {

class Checker;

/// Begins an iteration: looks whether the losses of the last one were finite, then counts and computes the iteration's
/// values. First operation of a training program. With a plateau the scale rate falls with the sum of the losses, as
/// PyTorch's does that is stepped behind its optimiser.
struct BeginIteration {
    static constexpr OperationTraits kTraits{"beginning of an iteration", Purpose::learning, Cost::memory};
    TensorId state;  // bound, [kIterationValues] (engine/schedule.h); uploading zeros starts afresh
    Schedule schedule;
    std::vector<TensorId> losses;  // [1] each
    std::optional<Plateau> plateau = std::nullopt;

    static void visit_tensors(auto& op, const auto& visit) {
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

    static void visit_tensors(auto& op, const auto& visit) {
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

    static void visit_tensors(auto& op, const auto& visit) {
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

/// Adam (0.9, 0.999, 1e-8) at one of the iteration's rates; x never falls below `minimum`.
struct AdamStep {
    static constexpr OperationTraits kTraits{"step of Adam", Purpose::learning, Cost::memory};
    TensorId x, gradient, first_moment, second_moment;  // of one shape
    TensorId state;
    float minimum = -std::numeric_limits<float>::infinity();
    IterationValue rate = kScaleRate;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.x, use::kUpdate);
        visit(op.gradient, use::kRead);
        visit(op.first_moment, use::kUpdate);
        visit(op.second_moment, use::kUpdate);
        visit(op.state, use::kState);
    }
    void check(const Checker& checker) const;
};

}  // namespace adaq
