// The methods' numbers (docs/arithmetic.md section 7): what each of them takes where the user does not say otherwise.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/passes/sites.h"
#include "engine/reconstruction/distribution_correction.h"
#include "engine/reconstruction/unit_options.h"
#include "engine/reconstruction/units.h"

namespace adaq {

/// When the scales of activations start, and from what (docs/arithmetic.md section 4).
enum class ScaleStart {
    in_turn,        // just before their unit's turn, behind all that is final by then (adaround, pdquant)
    float_network,  // all at once before anything is learned, each unit's on the float network's values (qdrop)
    after_weights,  // all at once behind the pass that learned the weights, which sees none of them (brecq)
};

struct Recipe {
    UnitKind units = UnitKind::layers;
    UnitOptions learn;                  // the rounding; the scales too, where they are learned jointly
    std::optional<UnitOptions> scales;  // of a second pass, which learns scales alone on the float network's inputs
    ScaleStart scale_start = ScaleStart::in_turn;
    int64_t scale_images = 256;                   // that scales start from
    std::optional<CorrectionOptions> correction;  // of the float input that is mixed in (PD-Quant)
    int views = 1;            // in how many ways each calibration image is seen: as it is, mirrored, moved
    bool leave_stem = false;  // with --head-stem-8bit: the stem stays at nearest, its scale at its start

    // What belongs to the ranges and not to the loop.
    std::string scheme = "norm";
    bool fold = false;
    EdgeActivations edges = EdgeActivations::fc;
};

/// Names of the methods that learn.
const std::vector<std::string>& recipe_names();
/// Throws std::logic_error for a name that is not among them.
Recipe recipe(const std::string& method);

}  // namespace adaq
