// The plainest correct loops, in double: what every other kernel is tested against. One operation a file. Activations
// are NHWC, weights KRSC, both dense; the quantiser alone computes in float32, as methods.md section 1 defines it.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/grid.h"

namespace adaq::reference {

struct QuantiserValues {
    Grid grid;
    float scale, zero_point;
    bool codes;  // q - z instead of (q - z) * s
};

/// The arguments of engine/device.h's Epilogue, resolved to memory. Null pointers leave a term out.
struct EpilogueValues {
    const double* scale = nullptr;     // [channels]
    const double* shift = nullptr;     // [channels]
    const double* residual = nullptr;  // as y
    double residual_scale = 1.0;
    bool relu = false;
    std::optional<QuantiserValues> quantiser;
};

struct ConvolutionShape {
    int64_t n, h, w, c;  // x[n,h,w,c]
    int64_t k, r, s;     // w[k,r,s,c]
    int64_t p, q;        // y[n,p,q,k]
    int64_t stride, padding;
};

struct PoolShape {
    int64_t n, h, w, c, p, q, kernel, stride, padding;
};

double quantise(double x, const QuantiserValues& quantiser);
void epilogue(double* y, int64_t rows, int64_t channels, const EpilogueValues& e);

void convolution(const ConvolutionShape& shape, const double* x, const double* w, double* y);
void linear(int64_t n, int64_t c, int64_t k, const double* x, const double* w, double* y);
void max_pool(const PoolShape& shape, const double* x, double* y);
/// x[n,positions,c] -> y[n,c]
void global_average_pool(int64_t n, int64_t positions, int64_t c, double scale, const double* x, double* y);
void add_relu(int64_t count, const double* a, double a_scale, const double* b, double b_scale, double* y);

}  // namespace adaq::reference
