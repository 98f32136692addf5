#include "kernels/reference/interpreter.h"

namespace adaq::reference {

void Interpreter::operator()(const BeginIteration& op) {
    double *state = at(op.state), losses = 0.0;
    for (TensorId loss : op.losses) losses += look_at_loss(state, *at(loss));
    begin_iteration(state, op.schedule, op.plateau.has_value(), op.plateau.value_or(Plateau{}), losses);
}

}  // namespace adaq::reference
