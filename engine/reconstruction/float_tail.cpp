#include "engine/reconstruction/float_tail.h"

namespace adaq {
namespace {

UnitOptions nothing_learned() {
    UnitOptions options;
    options.learn_rounding = options.learn_scales = options.quantise_activations = false;
    return options;
}

}  // namespace

FloatTail::FloatTail(Device& device, const Network& original, const Unit& unit, const Indexed<Shape>& shapes,
                     Program& program)
    : program_(program),
      tail_{"behind " + unit.name, unit.last, original.graph.node_count(), unit.output(), unit.stream},
      nothing_learned_(nothing_learned()),
      emitter_(device, original, tail_, nothing_learned_, shapes, program, kNone) {}

void FloatTail::prediction_difference(TensorId y, TensorId dy, const PredictionTarget& target,
                                      const PredictionDifference& options) {
    const bool last = tail_.first == tail_.last;  // the unit's output is the logits
    const TensorId logits = last ? y : emitter_.forward(y);
    const TensorId dlogits = last ? dy : program_.temporary(program_.shape(logits));
    KlDivergence difference{logits, target.logits, dlogits, target.loss, target.indices};
    difference.temperature = options.temperature;
    difference.factor = 1.0 / (static_cast<double>(program_.shape(logits)[0]) * options.lambda);
    program_.add(difference);
    if (!last) emitter_.backward(dlogits, dy);
}

}  // namespace adaq
