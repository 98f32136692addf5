// What an operation of inference reads and writes.
#pragma once

#include <vector>

#include "engine/program/program.h"

namespace adaq::cpu {

struct Uses {
    std::vector<TensorId> reads;  // activations
    TensorId write = kNone;
    TensorId weight = kNone;
    bool codes = false;  // its quantiser writes integer codes
};

inline Uses uses_of(const Operation& operation) {
    Uses uses;
    for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
        if (use.constant) uses.weight = id;
        if (use.extent != Extent::rows) return;
        if (use.reads()) {
            uses.reads.push_back(id);
        } else {
            uses.write = id;
            uses.codes = use.codes;
        }
    });
    return uses;
}

}  // namespace adaq::cpu
