// How the CPU goes through a program: which thread works on which images, how many of them at a time in which
// operations, and where temporaries lie.
//
// Each thread (a "lane") takes a group of images through the whole program by itself, so that threads meet once a batch
// and not twice an operation: a thread that loses its core to another process holds nobody up but its own group. Only
// a batch of fewer images than threads is worked on by all threads together, inside the operations.
//
// Within a group, operations form phases. Where maps are large, in the first phase, a few images at a time keep what
// one operation writes in the cache for the next; where weights are large, in the last, many images share one reading
// of them. A phase's images are a multiple of those of the phase before:
//     for each group: for each part of phase 2's size: { for each part of phase 1's size: phase 1 } phase 2
#pragma once

#include <cstdint>
#include <vector>

#include "engine/program/device.h"

namespace adaq::cpu {

/// What an operation of inference reads and writes.
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

struct Phase {
    size_t first = 0, last = 0;  // operations [first, last)
    int64_t images = 1;          // at a time
};

/// A temporary's place in the workspace of a lane.
struct TemporaryPlace {
    int slot = -1;       // -1: not a temporary activation
    int64_t images = 1;  // room for so many: image i of the group is at (i mod images)
};

struct Plan {
    int64_t batch = 0, group = 0;
    int lanes = 1, threads_of_a_lane = 1;
    std::vector<Phase> phases;
    Indexed<bool> activation;             // by tensor: has the batch as its first extent
    Indexed<TemporaryPlace> temporaries;  // by tensor
    Indexed<int64_t> slot_floats;
    Indexed<bool> holds_values;  // by tensor: surely not integer codes, whose sums must stay exact
    /// By operation: the output takes the place of the residual, which nobody reads afterwards.
    std::vector<bool> in_place;

    const Phase& phase_of(size_t operation) const;
};

Plan make_plan(const Program& program, int threads);

/// The room for an image of a tensor; what is stored as bf16 has that of float32.
inline int64_t image_floats(const TensorType& type) {
    const int64_t elements = type.elements() / type.shape[0];
    return bytes_of(type.dtype) == 1 ? (elements + 3) / 4 : elements;
}

}  // namespace adaq::cpu
