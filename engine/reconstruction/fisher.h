// BRECQ's weights of a unit's error: the diagonal of the Fisher matrix (arXiv 2102.05426, section 3.3).
#pragma once

#include <functional>

#include "engine/reconstruction/cache_memory.h"
#include "engine/reconstruction/unit_trainer.h"

namespace adaq {

/// (|g| + 1)^2 for every element of the unit's output on every image, [N,...]: g is the gradient there of KL(float
/// network || network whose unit is quantised, its roundings soft as they start, and which is float behind it), the
/// mean over a batch of options.batch images (docs/arithmetic.md section 7). caches: input and logits. poll: called now
/// and then; may throw to stop.
Buffer fisher_weights(Device& device, const Network& network, const Network& original, const Unit& unit,
                      const UnitOptions& options, const UnitCaches& caches, const Indexed<Shape>& shapes,
                      CacheMemory& memory, const Poll& poll);

}  // namespace adaq
