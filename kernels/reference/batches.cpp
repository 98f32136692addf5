// Which images an iteration learns from, and their rows.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {

/// Without replacement by Floyd's algorithm (Bentley and Floyd, "A sample of brilliance", CACM 1987).
void Interpreter::operator()(const DrawBatch& op) {
    const int64_t batch = count(op.indices);
    double* indices = at(op.indices);
    const uint32_t t = iteration(op.state);
    for (int64_t i = 0; i < batch; ++i) {
        const int64_t last = op.replacement ? op.population - 1 : op.population - batch + i;
        const double drawn = random_below(op.stream, t, static_cast<uint64_t>(i), static_cast<uint32_t>(last + 1));
        const bool taken = !op.replacement && std::find(indices, indices + i, drawn) != indices + i;
        indices[i] = taken ? static_cast<double>(last) : drawn;
    }
}

void Interpreter::operator()(const Gather& op) {
    const int64_t row = count(op.y) / shape(op.y)[0];
    const uint32_t t = op.mixing ? iteration(op.mixing->state) : 0;
    for (int64_t i = 0; i < count(op.y); ++i) {
        const int64_t j = row_of(op.indices, i / row) * row + i % row;
        const bool other =
            op.mixing && !kept(op.mixing->stream, t, static_cast<uint64_t>(i), keep_threshold(op.mixing->keep));
        at(op.y)[i] = other ? at(op.mixing->other)[j] : at(op.x)[j];
    }
}

}  // namespace adaq::reference
