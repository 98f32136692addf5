// The float network behind a unit, from its output to the logits and back: what the prediction difference (PD-Quant,
// docs/arithmetic.md section 8) and the Fisher diagonal (BRECQ, section 7) see of a unit.
#pragma once

#include "engine/passes/train.h"

namespace adaq {

/// The float network's prediction for the images of a batch, and where the loss goes.
struct PredictionTarget {
    TensorId logits;   // [N,classes]
    TensorId indices;  // [B], rows of logits; kNone: row by row
    TensorId loss;     // [1]
};

class FloatTail {
  public:
    /// original: the float network; shapes: value_shapes() of the images.
    FloatTail(Device& device, const Network& original, const Unit& unit, const Indexed<Shape>& shapes,
              Program& program);

    /// loss = KL(softmax(target / T) || softmax(logits / T)) / lambda, batch mean, of what the tail makes of the unit's
    /// output y [B,...]; dy receives its gradient. Emits once.
    void prediction_difference(TensorId y, TensorId dy, const PredictionTarget& target,
                               const PredictionDifference& options);

  private:
    Program& program_;
    Unit tail_;
    UnitOptions nothing_learned_;
    Training emitter_;
};

}  // namespace adaq
