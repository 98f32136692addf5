// y = scale / count * (sum over a window of x - x_zero), of values or of codes (u8), and its gradient.
// Cost: forward 4 B read (1 B of codes; the windows' overlap from the cache) and 4 B written an element, one addition
// in double a position of the window. Backward 4 B written an input, each window over it read from the cache. Memory
// bound; a thread takes runs of 8 channels.
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/elements.h"
#include "kernels/cuda/pooling.h"

namespace adaq::cuda {
namespace {

/// Which positions a window has on the map, and what their sum is multiplied with.
struct Averaging : Pooling {
    bool counts_padding;
    float scale;

    template <typename Op>
    Averaging(const Op& op, const Shape& x, const Shape& y)
        : Pooling(x, y, op.window), counts_padding(op.counts_padding), scale(op.scale) {}

    struct Span {
        int first, last;
    };
    /// The lines of x that a window sees.
    __device__ Span lines(int p) const { return span(p * window.stride_h - window.top, window.kernel_h, height); }
    __device__ Span places(int q) const { return span(q * window.stride_w - window.left, window.kernel_w, width); }
    __device__ int count(const Span& h, const Span& w) const {
        return counts_padding ? window.kernel_h * window.kernel_w : (h.last - h.first) * (w.last - w.first);
    }
    __device__ float factor(const Span& h, const Span& w) const { return scale / static_cast<float>(count(h, w)); }
    /// Adds term(v) of a window's elements v of x to sum, in the order of positions.
    template <int Count, typename Element, typename Sum, typename Term>
    __device__ void add_up(const Element* x, const Position& at, const Span& lines, const Span& places,
                           const Term& term, Sum (&sum)[Count]) const {
        for (int h = lines.first; inside(h, lines.last); ++h) {
            for (int w = places.first; inside(w, places.last); ++w) {
                float v[Count];
                const int64_t pixel = (int64_t{at.n} * height + h) * width + w;
                load_run<Count>(v, x + pixel * channel_count + at.channel);
#pragma unroll
                for (int i = 0; i < Count; ++i) sum[i] += term(v[i]);
            }
        }
    }

  private:
    __device__ static Span span(int begin, int kernel, int extent) {
        const int end = begin + kernel;
        return {begin < 0 ? 0 : begin, end < extent ? end : extent};
    }
};

template <typename Element>
struct AveragePoolWork {
    Averaging g;
    const Element* x;
    float* y;
    int x_zero;

    template <int Count>
    __device__ void run(int64_t first) const {
        const Position at = g.of_output(first);
        const auto lines = g.lines(at.row), places = g.places(at.column);
        double sum[Count] = {};
        g.add_up(
            x, at, lines, places, [](float v) { return static_cast<double>(v); }, sum);
        const int terms = (lines.last - lines.first) * (places.last - places.first);
        const double zeros = static_cast<double>(x_zero) * terms;
        const float factor = g.factor(lines, places);
        float mean[Count];
#pragma unroll
        for (int i = 0; i < Count; ++i) mean[i] = factor * static_cast<float>(sum[i] - zeros);
        store_run<Count>(y + first, mean);
    }
    __device__ const AveragePoolWork& load() const { return *this; }
};

/// In float32, to steps of what is made.
struct AverageInStepsWork {
    Averaging g;
    const uint8_t* x;
    float* y;
    float x_zero;
    AveragePool::Steps steps;

    template <int Count>
    __device__ void run(int64_t first) const {
        const Position at = g.of_output(first);
        const auto lines = g.lines(at.row), places = g.places(at.column);
        float sum[Count] = {};
        g.add_up(
            x, at, lines, places, [this](float v) { return g.scale * (v - x_zero); }, sum);
        const int count = g.count(lines, places);
#pragma unroll
        for (int i = 0; i < Count; ++i) sum[i] = steps(sum[i], count);
        store_run<Count>(y + first, sum);
    }
    __device__ const AverageInStepsWork& load() const { return *this; }
};

struct AveragePoolGradientWork {
    Averaging g;
    const float* dy;
    float* dx;

    template <int Count>
    __device__ void run(int64_t first) const {
        const Position at = g.of_input(first);
        const int first_q = g.first_left_of(at.column);
        float sum[Count] = {};
        for (int p = g.first_above(at.row); inside(p, g.out_height); ++p) {
            if (p * g.window.stride_h - g.window.top > at.row) break;
            for (int q = first_q; inside(q, g.out_width); ++q) {
                if (q * g.window.stride_w - g.window.left > at.column) break;
                float v[Count];
                const int64_t pixel = (int64_t{at.n} * g.out_height + p) * g.out_width + q;
                load_run<Count>(v, dy + pixel * g.channel_count + at.channel);
                const float factor = g.factor(g.lines(p), g.places(q));
#pragma unroll
                for (int i = 0; i < Count; ++i) sum[i] += factor * v[i];
            }
        }
        store_run<Count>(dx + first, sum);
    }
    __device__ const AveragePoolGradientWork& load() const { return *this; }
};

template <typename Work>
CompiledOperation compile_work(const Work& work, const Shape& y) {
    const ElementRuns runs(element_count(y), y[3], {work.x, work.y});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

template <typename Element>
CompiledOperation compile_average_pool(const Context& context, const AveragePool& op) {
    const Shape& y = context.shape(op.y);
    return compile_work(AveragePoolWork<Element>{Averaging(op, context.shape(op.x), y), context.elements<Element>(op.x),
                                                 context.at(op.y), op.x_zero},
                        y);
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const AveragePool& op) {
    if (op.steps) {
        const Shape& y = context.shape(op.y);
        return compile_work(AverageInStepsWork{Averaging(op, context.shape(op.x), y), context.elements<uint8_t>(op.x),
                                               context.at(op.y), static_cast<float>(op.x_zero), *op.steps},
                            y);
    }
    if (context.type(op.x) == DType::u8) return compile_average_pool<uint8_t>(context, op);
    return compile_average_pool<float>(context, op);
}

CompiledOperation compile_operation(const Context& context, const AveragePoolGradient& op) {
    const Shape &x = context.shape(op.dx), &y = context.shape(op.dy);
    const AveragePoolGradientWork work{Averaging(op, x, y), context.at(op.dy), context.at(op.dx)};
    const ElementRuns runs(element_count(x), x[3], {work.dy, work.dx});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

}  // namespace adaq::cuda
