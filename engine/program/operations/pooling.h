// Pooling and its gradients.
#pragma once

#include <optional>

#include "engine/grid.h"
#include "engine/program/operations/window.h"
#include "engine/program/tensor_use.h"

namespace adaq {

class Checker;

/// y[N,P,Q,C]: maximum over a window; positions outside the map do not count. Of values, or of codes (u8).
struct MaxPool {
    static constexpr OperationTraits kTraits{"max pool", Purpose::inference, Cost::memory};
    static constexpr bool kTakesCodes = true;
    TensorId x, y;
    PoolingWindow window = PoolingWindow::square(3, 2, 1);

    static void visit_tensors(auto& op, const auto& visit) { visit_rows(op.x, op.y, visit); }
    void check(const Checker& checker) const;
};

/// dx: each window's gradient goes to its first maximum (rows from the top, then columns from the left).
struct MaxPoolGradient {
    static constexpr OperationTraits kTraits{"max pool's gradient", Purpose::learning, Cost::memory};
    TensorId x, dy, dx;
    PoolingWindow window = PoolingWindow::square(3, 2, 1);

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.x, use::kReadRows);
        visit_rows(op.dy, op.dx, visit);
    }
    void check(const Checker& checker) const;
};

/// y[N,P,Q,C] = scale / count * (sum over a window of x - x_zero), x f32 or codes (u8), y f32. Positions outside the
/// map are zeros, which count where `counts_padding` is set. The sum is held without rounding of codes, else in
/// float64, its terms in the order of positions, and is rounded to float32 once; so is scale / count.
/// With `steps`, of codes alone, as onnxruntime has it, each operation in float32: the terms scale * (x - x_zero) are
/// added in the order of positions, and y = sum / count / steps.scale + steps.zero.
struct AveragePool {
    static constexpr OperationTraits kTraits{"average pool", Purpose::inference, Cost::memory};
    static constexpr bool kTakesCodes = true;
    TensorId x, y;
    PoolingWindow window = PoolingWindow::square(2, 2, 0);
    bool counts_padding = true;
    float scale = 1.0f;
    int x_zero = 0;        // 0 where x is f32
    bool rounded = false;  // of quantised networks: that rounding is the reference's, too, which has float64 else
    /// Of what is made: its scale and its code of zero, so that y counts its codes.
    struct Steps {
        float scale = 1.0f;
        int zero = 0;

        ADAQ_HOST_DEVICE float operator()(float sum, int64_t count) const {
            return sum / static_cast<float>(count) / scale + static_cast<float>(zero);
        }
    };
    std::optional<Steps> steps = std::nullopt;

    static void visit_tensors(auto& op, const auto& visit) { visit_rows(op.x, op.y, visit); }
    void check(const Checker& checker) const;
};

/// dx = the sum of scale / count * dy over the windows that see it.
struct AveragePoolGradient {
    static constexpr OperationTraits kTraits{"average pool's gradient", Purpose::learning, Cost::memory};
    TensorId dy, dx;
    PoolingWindow window = PoolingWindow::square(2, 2, 0);
    bool counts_padding = true;
    float scale = 1.0f;

    static void visit_tensors(auto& op, const auto& visit) { visit_rows(op.dy, op.dx, visit); }
    void check(const Checker& checker) const;
};

/// y[N,C], or [N,1,1,C], = scale * mean over H,W of x[N,H,W,C]. Or, where `sum` is set, scale * their sum, which is
/// held in float64, its terms in the order of positions, and rounded to float32 once: of codes it is exact.
struct GlobalAveragePool {
    static constexpr OperationTraits kTraits{"global average pool", Purpose::inference, Cost::memory};
    TensorId x, y;
    float scale = 1.0f;
    bool sum = false;

    static void visit_tensors(auto& op, const auto& visit) { visit_rows(op.x, op.y, visit); }
    void check(const Checker& checker) const;
};

/// dx[N,H,W,C] = scale * dy / (H * W); dy [N,C] or [N,1,1,C].
struct GlobalAveragePoolGradient {
    static constexpr OperationTraits kTraits{"global average pool's gradient", Purpose::learning, Cost::memory};
    TensorId dy, dx;
    float scale = 1.0f;

    static void visit_tensors(auto& op, const auto& visit) { visit_rows(op.dy, op.dx, visit); }
    void check(const Checker& checker) const;
};

}  // namespace adaq
