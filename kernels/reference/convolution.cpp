// Convolution in three directions by its definition.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {
namespace {

struct Sizes {
    int64_t n, h, w, c, k, r, s, p, q;
    int64_t of_group;  // input channels
    ConvolutionWindow window;

    Sizes(const Shape& x, const Shape& filter, const Shape& y, const ConvolutionWindow& of)
        : n(x[0]),
          h(x[1]),
          w(x[2]),
          c(x[3]),
          k(filter[0]),
          r(filter[1]),
          s(filter[2]),
          p(y[1]),
          q(y[2]),
          of_group(filter[3]),
          window(of) {}

    /// Of x's channels, the first that output channel `output` sees.
    int64_t first_input(int64_t output) const { return output / (k / window.groups) * of_group; }
};

/// visit(y's pixel, x's pixel, filter position) of every pair that a window joins in image n and output row p.
template <typename Visit>
void visit_row(const Sizes& d, int64_t n, int64_t p, const Visit& visit) {
    for (int64_t q = 0; q < d.q; ++q) {
        for (int64_t r = 0; r < d.r; ++r) {
            for (int64_t s = 0; s < d.s; ++s) {
                const int64_t h = d.window.rows(d.r).input(p, r), w = d.window.columns(d.s).input(q, s);
                if (h < 0 || h >= d.h || w < 0 || w >= d.w) continue;
                visit((n * d.p + p) * d.q + q, (n * d.h + h) * d.w + w, r * d.s + s);
            }
        }
    }
}

}  // namespace

void Interpreter::operator()(const Convolution& op) {
    const Sizes d(shape(op.x), shape(op.w), shape(op.y), op.window);
    const double *x = at(op.x), *w = at(op.w);
    double* y = at(op.y);
    std::fill_n(y, count(op.y), 0.0);
#pragma omp parallel for collapse(2)
    for (int64_t n = 0; n < d.n; ++n) {
        for (int64_t p = 0; p < d.p; ++p) {
            visit_row(d, n, p, [&](int64_t out, int64_t in, int64_t tap) {
                for (int64_t k = 0; k < d.k; ++k) {
                    const double* filter = w + (k * d.r * d.s + tap) * d.of_group;
                    const double* pixel = x + in * d.c + d.first_input(k);
                    double sum = 0;
                    for (int64_t c = 0; c < d.of_group; ++c) sum += pixel[c] * filter[c];
                    y[out * d.k + k] += sum;
                }
            });
        }
    }
    finish(op.y, op.epilogue);
}

void Interpreter::operator()(const ConvolutionToData& op) {
    const Sizes d(shape(op.dx), shape(op.w), shape(op.dy), op.window);
    const double *dy = at(op.dy), *w = at(op.w);
    double* dx = at(op.dx);
    std::fill_n(dx, count(op.dx), 0.0);
#pragma omp parallel for
    for (int64_t n = 0; n < d.n; ++n) {
        for (int64_t p = 0; p < d.p; ++p) {
            visit_row(d, n, p, [&](int64_t out, int64_t in, int64_t tap) {
                for (int64_t k = 0; k < d.k; ++k) {
                    const double* filter = w + (k * d.r * d.s + tap) * d.of_group;
                    double* pixel = dx + in * d.c + d.first_input(k);
                    for (int64_t c = 0; c < d.of_group; ++c) pixel[c] += dy[out * d.k + k] * filter[c];
                }
            });
        }
    }
    pass_back(op.dx, op.addend, op.activation.value_or(ActivationGradient{}));
}

void Interpreter::operator()(const ConvolutionToWeights& op) {
    const Sizes d(shape(op.x), shape(op.dw), shape(op.dy), op.window);
    const double *x = at(op.x), *dy = at(op.dy);
    double* dw = at(op.dw);
    std::fill_n(dw, count(op.dw), 0.0);
#pragma omp parallel for
    for (int64_t k = 0; k < d.k; ++k) {
        for (int64_t n = 0; n < d.n; ++n) {
            for (int64_t p = 0; p < d.p; ++p) {
                visit_row(d, n, p, [&](int64_t out, int64_t in, int64_t tap) {
                    double* filter = dw + (k * d.r * d.s + tap) * d.of_group;
                    const double* pixel = x + in * d.c + d.first_input(k);
                    for (int64_t c = 0; c < d.of_group; ++c) filter[c] += dy[out * d.k + k] * pixel[c];
                });
            }
        }
    }
}

}  // namespace adaq::reference
