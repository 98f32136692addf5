// The quantiser, the epilogue of a sum, and addition.
#include <algorithm>

#include "kernels/reference/operations.h"

namespace adaq::reference {

double quantise(double x, const QuantiserValues& q) {
    const float centred = quantise_centred(static_cast<float>(x), q.scale, q.zero_point, q.grid.qmin(), q.grid.qmax());
    return q.codes ? centred : centred * q.scale;
}

void epilogue(double* y, int64_t rows, int64_t channels, const EpilogueValues& e) {
    for (int64_t i = 0; i < rows; ++i) {
        for (int64_t c = 0; c < channels; ++c) {
            double value = y[i * channels + c];
            if (e.scale) value *= e.scale[c];
            if (e.shift) value += e.shift[c];
            if (e.residual) value += e.residual_scale * e.residual[i * channels + c];
            if (e.relu) value = std::max(value, 0.0);
            if (e.quantiser) value = quantise(value, *e.quantiser);
            y[i * channels + c] = value;
        }
    }
}

void add_relu(int64_t count, const double* a, double a_scale, const double* b, double b_scale, double* y) {
    for (int64_t i = 0; i < count; ++i) y[i] = std::max(a_scale * a[i] + b_scale * b[i], 0.0);
}

}  // namespace adaq::reference
