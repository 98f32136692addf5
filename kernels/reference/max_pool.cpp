// Max pooling both ways by its definition.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {
namespace {

struct Pooled {
    int64_t height, width, channels;  // of x
    PoolingWindow window;

    /// The index in x of the first maximum of the window of output pixel (n, p, q), channel c.
    int64_t first_maximum(const double* x, int64_t n, int64_t p, int64_t q, int64_t c) const {
        int64_t best = -1;
        for (int r = 0; r < window.kernel_h; ++r) {
            for (int s = 0; s < window.kernel_w; ++s) {
                const int64_t h = window.rows().input(p, r), w = window.columns().input(q, s);
                if (h < 0 || h >= height || w < 0 || w >= width) continue;
                const int64_t index = ((n * height + h) * width + w) * channels + c;
                if (best < 0 || x[index] > x[best]) best = index;
            }
        }
        return best;
    }
};

/// visit(index of y, index of x's maximum).
template <typename Visit>
void visit_windows(const Pooled& pooled, const Shape& y, const double* x, const Visit& visit) {
    int64_t index = 0;
    for (int64_t n = 0; n < y[0]; ++n) {
        for (int64_t p = 0; p < y[1]; ++p) {
            for (int64_t q = 0; q < y[2]; ++q) {
                for (int64_t c = 0; c < y[3]; ++c) visit(index++, pooled.first_maximum(x, n, p, q, c));
            }
        }
    }
}

}  // namespace

void Interpreter::operator()(const MaxPool& op) {
    const Shape& in = shape(op.x);
    const double* x = at(op.x);
    double* y = at(op.y);
    visit_windows({in[1], in[2], in[3], op.window}, shape(op.y), x,
                  [&](int64_t out, int64_t maximum) { y[out] = x[maximum]; });
}

void Interpreter::operator()(const MaxPoolGradient& op) {
    const Shape& in = shape(op.x);
    const double* dy = at(op.dy);
    double* dx = at(op.dx);
    std::fill_n(dx, count(op.dx), 0.0);
    visit_windows({in[1], in[2], in[3], op.window}, shape(op.dy), at(op.x),
                  [&](int64_t out, int64_t maximum) { dx[maximum] += dy[out]; });
}

}  // namespace adaq::reference
