// Convolution and the fully connected layer by their definitions.
#include "kernels/reference/operations.h"

namespace adaq::reference {

void convolution(const ConvolutionShape& d, const double* x, const double* w, double* y) {
#pragma omp parallel for collapse(2)
    for (int64_t n = 0; n < d.n; ++n) {
        for (int64_t p = 0; p < d.p; ++p) {
            for (int64_t q = 0; q < d.q; ++q) {
                for (int64_t k = 0; k < d.k; ++k) {
                    double sum = 0;
                    for (int64_t r = 0; r < d.r; ++r) {
                        for (int64_t s = 0; s < d.s; ++s) {
                            const int64_t h = p * d.stride - d.padding + r, v = q * d.stride - d.padding + s;
                            if (h < 0 || h >= d.h || v < 0 || v >= d.w) continue;
                            const double* pixel = x + ((n * d.h + h) * d.w + v) * d.c;
                            const double* filter = w + ((k * d.r + r) * d.s + s) * d.c;
                            for (int64_t c = 0; c < d.c; ++c) sum += pixel[c] * filter[c];
                        }
                    }
                    y[((n * d.p + p) * d.q + q) * d.k + k] = sum;
                }
            }
        }
    }
}

void linear(int64_t n, int64_t c, int64_t k, const double* x, const double* w, double* y) {
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < k; ++j) {
            double sum = 0;
            for (int64_t l = 0; l < c; ++l) sum += x[i * c + l] * w[j * c + l];
            y[i * k + j] = sum;
        }
    }
}

}  // namespace adaq::reference
