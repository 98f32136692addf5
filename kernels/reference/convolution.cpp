// Convolution in three directions by its definition.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {
namespace {

struct Sizes {
    int64_t n, h, w, c, k, r, s, p, q, stride, padding;

    Sizes(const Shape& x, const Shape& filter, const Shape& y, int step, int border)
        : n(x[0]),
          h(x[1]),
          w(x[2]),
          c(x[3]),
          k(filter[0]),
          r(filter[1]),
          s(filter[2]),
          p(y[1]),
          q(y[2]),
          stride(step),
          padding(border) {}
};

/// visit(y's pixel, x's pixel, filter position) of every pair that a window joins in image n and output row p.
template <typename Visit>
void visit_row(const Sizes& d, int64_t n, int64_t p, const Visit& visit) {
    for (int64_t q = 0; q < d.q; ++q) {
        for (int64_t r = 0; r < d.r; ++r) {
            for (int64_t s = 0; s < d.s; ++s) {
                const int64_t h = p * d.stride - d.padding + r, w = q * d.stride - d.padding + s;
                if (h < 0 || h >= d.h || w < 0 || w >= d.w) continue;
                visit((n * d.p + p) * d.q + q, (n * d.h + h) * d.w + w, r * d.s + s);
            }
        }
    }
}

}  // namespace

void Interpreter::operator()(const Convolution& op) {
    const Sizes d(shape(op.x), shape(op.w), shape(op.y), op.stride, op.padding);
    const double *x = at(op.x), *w = at(op.w);
    double* y = at(op.y);
    std::fill_n(y, count(op.y), 0.0);
#pragma omp parallel for collapse(2)
    for (int64_t n = 0; n < d.n; ++n) {
        for (int64_t p = 0; p < d.p; ++p) {
            visit_row(d, n, p, [&](int64_t out, int64_t in, int64_t tap) {
                for (int64_t k = 0; k < d.k; ++k) {
                    const double* filter = w + (k * d.r * d.s + tap) * d.c;
                    double sum = 0;
                    for (int64_t c = 0; c < d.c; ++c) sum += x[in * d.c + c] * filter[c];
                    y[out * d.k + k] += sum;
                }
            });
        }
    }
    finish(op.y, op.epilogue);
}

void Interpreter::operator()(const ConvolutionToData& op) {
    const Sizes d(shape(op.dx), shape(op.w), shape(op.dy), op.stride, op.padding);
    const double *dy = at(op.dy), *w = at(op.w);
    double* dx = at(op.dx);
    std::fill_n(dx, count(op.dx), 0.0);
#pragma omp parallel for
    for (int64_t n = 0; n < d.n; ++n) {
        for (int64_t p = 0; p < d.p; ++p) {
            visit_row(d, n, p, [&](int64_t out, int64_t in, int64_t tap) {
                for (int64_t k = 0; k < d.k; ++k) {
                    const double* filter = w + (k * d.r * d.s + tap) * d.c;
                    for (int64_t c = 0; c < d.c; ++c) dx[in * d.c + c] += dy[out * d.k + k] * filter[c];
                }
            });
        }
    }
    pass_back(op.dx, op.addend, op.activation.value_or(ActivationGradient{}));
}

void Interpreter::operator()(const ConvolutionToWeights& op) {
    const Sizes d(shape(op.x), shape(op.dw), shape(op.dy), op.stride, op.padding);
    const double *x = at(op.x), *dy = at(op.dy);
    double* dw = at(op.dw);
    std::fill_n(dw, count(op.dw), 0.0);
#pragma omp parallel for
    for (int64_t k = 0; k < d.k; ++k) {
        for (int64_t n = 0; n < d.n; ++n) {
            for (int64_t p = 0; p < d.p; ++p) {
                visit_row(d, n, p, [&](int64_t out, int64_t in, int64_t tap) {
                    double* filter = dw + (k * d.r * d.s + tap) * d.c;
                    for (int64_t c = 0; c < d.c; ++c) filter[c] += dy[out * d.k + k] * x[in * d.c + c];
                });
            }
        }
    }
}

}  // namespace adaq::reference
