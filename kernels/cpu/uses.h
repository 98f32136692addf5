// What an operation of inference reads and writes.
#pragma once

#include <stdexcept>
#include <vector>

#include "engine/device.h"

namespace adaq::cpu {

struct Uses {
    std::vector<TensorId> reads;
    TensorId write = kNone;
    TensorId weight = kNone;
    bool codes = false;  // its quantiser writes integer codes
};

class UsesOf {
  public:
    Uses operator()(const Convolution& op) const { return layer(op.x, op.w, op.epilogue, op.y); }
    Uses operator()(const Linear& op) const { return layer(op.x, op.w, op.epilogue, op.y); }
    Uses operator()(const MaxPool& op) const { return {{op.x}, op.y}; }
    Uses operator()(const GlobalAveragePool& op) const { return {{op.x}, op.y}; }
    Uses operator()(const AddRelu& op) const { return {{op.a, op.b}, op.y, kNone, writes_codes(op.quantiser)}; }
    Uses operator()(const FakeQuantise& op) const { return {{op.x}, op.y, kNone, op.quantiser.codes}; }
    template <typename Training>
    Uses operator()(const Training&) const {
        throw std::logic_error("cpu: not an operation of inference");
    }

  private:
    static bool writes_codes(const std::optional<OutputQuantiser>& quantiser) { return quantiser && quantiser->codes; }
    static Uses layer(TensorId x, TensorId w, const Epilogue& e, TensorId y) {
        Uses uses{{x}, y, w, writes_codes(e.quantiser)};
        if (e.residual != kNone) uses.reads.push_back(e.residual);
        return uses;
    }
};

inline Uses uses_of(const Operation& operation) { return std::visit(UsesOf(), operation); }

}  // namespace adaq::cpu
