// How much memory reconstruction's cached values will take, before it begins: for --dry-run.
#pragma once

#include "engine/reconstruction/recipe.h"

namespace adaq {

/// Bytes of the values that are kept at the same time while a network's units are reconstructed
/// (engine/reconstruction/unit_walk.h) on so many images, at most. network: its sites' quantisers set.
int64_t cached_bytes(const Network& network, const std::vector<Shape>& shapes, const std::vector<Unit>& units,
                     const Recipe& recipe, int64_t images);

}  // namespace adaq
