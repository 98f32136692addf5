// Which activations an operation reads and writes.
#pragma once

#include <vector>

#include "engine/device.h"

namespace adaq::cpu {

struct Uses {
    std::vector<TensorId> reads;
    TensorId write = kNone;
    TensorId weight = kNone;
};

inline Uses uses_of(const Operation& operation) {
    const auto with_residual = [](TensorId x, TensorId w, const Epilogue& e, TensorId y) {
        return e.residual == kNone ? Uses{{x}, y, w} : Uses{{x, e.residual}, y, w};
    };
    struct Visitor {
        decltype(with_residual) layer;
        Uses operator()(const Convolution& op) const { return layer(op.x, op.w, op.epilogue, op.y); }
        Uses operator()(const Linear& op) const { return layer(op.x, op.w, op.epilogue, op.y); }
        Uses operator()(const MaxPool& op) const { return {{op.x}, op.y}; }
        Uses operator()(const GlobalAveragePool& op) const { return {{op.x}, op.y}; }
        Uses operator()(const AddRelu& op) const { return {{op.a, op.b}, op.y}; }
        Uses operator()(const FakeQuantise& op) const { return {{op.x}, op.y}; }
    };
    return std::visit(Visitor{with_residual}, operation);
}

}  // namespace adaq::cpu
