// Average pooling over windows, both ways, by its definition.
#include <algorithm>

#include "kernels/reference/interpreter.h"

namespace adaq::reference {
namespace {

/// visit(y's pixel, x's pixel, how many positions count) of every position of every window that lies on the map.
template <typename Visit>
void visit_windows(const PoolingWindow& window, bool counts_padding, const Shape& x, const Shape& y,
                   const Visit& visit) {
    const WindowAxis rows = window.rows(), columns = window.columns();
    for (int64_t i = 0; i < y[0] * y[1] * y[2]; ++i) {
        const int64_t q = i % y[2], p = i / y[2] % y[1], n = i / (y[1] * y[2]);
        const int64_t first_h = rows.first(p), last_h = rows.last(p, x[1]), first_w = columns.first(q),
                      last_w = columns.last(q, x[2]);
        const int64_t count = counts_padding ? rows.kernel * columns.kernel : (last_h - first_h) * (last_w - first_w);
        for (int64_t h = first_h; h < last_h; ++h)
            for (int64_t w = first_w; w < last_w; ++w) visit(i, (n * x[1] + h) * x[2] + w, count);
    }
}

}  // namespace

void Interpreter::operator()(const AveragePool& op) {
    const int64_t channels = shape(op.x)[3];
    const double* x = at(op.x);
    double* y = at(op.y);
    std::fill_n(y, count(op.y), 0.0);
    std::vector<int64_t> counts(static_cast<size_t>(count(op.y) / channels));
    visit_windows(op.window, op.counts_padding, shape(op.x), shape(op.y), [&](int64_t out, int64_t in, int64_t terms) {
        for (int64_t c = 0; c < channels; ++c) {
            double& sum = y[out * channels + c];
            const double code = x[in * channels + c] - op.x_zero;
            sum = op.steps ? static_cast<float>(sum) + op.scale * static_cast<float>(code) : sum + code;
        }
        counts[static_cast<size_t>(out)] = terms;
    });
    for (int64_t i = 0; i < count(op.y); ++i) {
        const int64_t terms = counts[static_cast<size_t>(i / channels)];
        if (op.steps)
            y[i] = (*op.steps)(static_cast<float>(y[i]), terms);
        else if (op.rounded || type(op.x) == DType::u8)
            y[i] = op.scale / static_cast<float>(terms) * static_cast<float>(y[i]);
        else
            y[i] *= static_cast<double>(op.scale) / static_cast<double>(terms);
    }
}

void Interpreter::operator()(const AveragePoolGradient& op) {
    const int64_t channels = shape(op.dx)[3];
    const double* dy = at(op.dy);
    double* dx = at(op.dx);
    std::fill_n(dx, count(op.dx), 0.0);
    visit_windows(op.window, op.counts_padding, shape(op.dx), shape(op.dy),
                  [&](int64_t out, int64_t in, int64_t terms) {
                      const double factor = static_cast<double>(op.scale) / static_cast<double>(terms);
                      for (int64_t c = 0; c < channels; ++c) dx[in * channels + c] += factor * dy[out * channels + c];
                  });
}

}  // namespace adaq::reference
