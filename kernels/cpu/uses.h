// What an operation reads and writes.
#pragma once

#include <vector>

#include "engine/device.h"

namespace adaq::cpu {

struct Uses {
    std::vector<TensorId> reads;
    TensorId write = kNone;
    TensorId weight = kNone;
    bool codes = false;  // its quantiser writes integer codes
};

inline Uses uses_of(const Operation& operation) {
    const auto codes = [](const std::optional<OutputQuantiser>& quantiser) { return quantiser && quantiser->codes; };
    struct Visitor {
        decltype(codes) writes_codes;
        Uses layer(TensorId x, TensorId w, const Epilogue& e, TensorId y) const {
            Uses uses{{x}, y, w, writes_codes(e.quantiser)};
            if (e.residual != kNone) uses.reads.push_back(e.residual);
            return uses;
        }
        Uses operator()(const Convolution& op) const { return layer(op.x, op.w, op.epilogue, op.y); }
        Uses operator()(const Linear& op) const { return layer(op.x, op.w, op.epilogue, op.y); }
        Uses operator()(const MaxPool& op) const { return {{op.x}, op.y}; }
        Uses operator()(const GlobalAveragePool& op) const { return {{op.x}, op.y}; }
        Uses operator()(const AddRelu& op) const { return {{op.a, op.b}, op.y, kNone, writes_codes(op.quantiser)}; }
        Uses operator()(const FakeQuantise& op) const { return {{op.x}, op.y, kNone, op.quantiser.codes}; }
    };
    return std::visit(Visitor{codes}, operation);
}

}  // namespace adaq::cpu
