// Max pooling and global average pooling by their definitions.
#include <algorithm>
#include <limits>

#include "kernels/reference/operations.h"

namespace adaq::reference {

void max_pool(const PoolShape& d, const double* x, double* y) {
    for (int64_t n = 0; n < d.n; ++n) {
        for (int64_t p = 0; p < d.p; ++p) {
            for (int64_t q = 0; q < d.q; ++q) {
                for (int64_t c = 0; c < d.c; ++c) {
                    double best = -std::numeric_limits<double>::infinity();
                    for (int64_t r = 0; r < d.kernel; ++r) {
                        for (int64_t s = 0; s < d.kernel; ++s) {
                            const int64_t h = p * d.stride - d.padding + r, w = q * d.stride - d.padding + s;
                            if (h < 0 || h >= d.h || w < 0 || w >= d.w) continue;
                            best = std::max(best, x[((n * d.h + h) * d.w + w) * d.c + c]);
                        }
                    }
                    y[((n * d.p + p) * d.q + q) * d.c + c] = best;
                }
            }
        }
    }
}

void global_average_pool(int64_t n, int64_t positions, int64_t c, double scale, const double* x, double* y) {
    for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < c; ++j) {
            double sum = 0;
            for (int64_t t = 0; t < positions; ++t) sum += x[(i * positions + t) * c + j];
            y[i * c + j] = scale * sum / static_cast<double>(positions);
        }
    }
}

}  // namespace adaq::reference
