// The same program for another number of images, so that what is constant is shared: weights, scales, tables.
#pragma once

#include <map>

#include "engine/program/program.h"

namespace adaq {

/// A program of inference whose activations have `batch` as their first extent. to: what the activations that are bound
/// become: other buffers, or, where there is none, temporaries that the caller writes by an operation before all others
/// (Program::add_first). Handles stay what they are. Throws std::logic_error where an activation is bound that `to`
/// does not have.
Program rebatched(const Program& program, int64_t batch, const std::map<TensorId, Buffer>& to);

}  // namespace adaq
