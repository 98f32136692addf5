// Max pooling, both ways; the gradient goes to each window's first maximum. Forward of values, or
// of codes (u8).
// Cost: forward 4 B read (the window's overlap from the cache) and 4 B written an element (1 B each of codes), 9
// comparisons an output.
// Backward in two passes without atomics: where each window's maximum lies (1 B an output), then each input adds up the
// windows that chose it, in their order: 4 B written an input, at most 4 B + 1 B of every window over it read. Memory
// bound; a thread takes runs of 8 channels.
#include "kernels/cuda/compiled_operation.h"
#include "kernels/cuda/elements.h"
#include "kernels/cuda/pooling.h"

namespace adaq::cuda {
namespace {

/// The maxima of a run of windows side by side in channels, and at which of the window's positions they lie.
template <int Count, typename Element>
__device__ inline void find_maxima(const Pooling& g, const Element* x, const Position& at, float (&best)[Count],
                                   int (&place)[Count]) {
    bool first = true;
    const PoolingWindow& window = g.window;
    for (int r = 0; r < window.kernel_h; ++r) {
        const int h = at.row * window.stride_h - window.top + r;
        if (h < 0 || !inside(h, g.height)) continue;
        for (int s = 0; s < window.kernel_w; ++s) {
            const int w = at.column * window.stride_w - window.left + s;
            if (w < 0 || !inside(w, g.width)) continue;
            float v[Count];
            const int64_t pixel = (int64_t{at.n} * g.height + h) * g.width + w;
            load_run<Count>(v, x + pixel * g.channel_count + at.channel);
#pragma unroll
            for (int i = 0; i < Count; ++i) {
                const bool better = first || v[i] > best[i];
                best[i] = better ? v[i] : best[i];
                place[i] = better ? r * window.kernel_w + s : place[i];
            }
            first = false;
        }
    }
}

template <typename Element>
struct MaxPoolWork {
    Pooling g;
    const Element* x;
    Element* y;

    template <int Count>
    __device__ void run(int64_t first) const {
        float best[Count];
        int place[Count];
        find_maxima<Count>(g, x, g.of_output(first), best, place);
        store_run<Count>(y + first, best);
    }
    __device__ const MaxPoolWork& load() const { return *this; }
};

struct FindPlacesWork {
    Pooling g;
    const float* x;
    uint8_t* places;  // as y

    template <int Count>
    __device__ void run(int64_t first) const {
        float best[Count];
        int place[Count];
        find_maxima<Count>(g, x, g.of_output(first), best, place);
        if constexpr (Count == 8) {
            uint2 packed{0, 0};
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                packed.x |= static_cast<unsigned>(place[i]) << (8 * i);
                packed.y |= static_cast<unsigned>(place[i + 4]) << (8 * i);
            }
            *reinterpret_cast<uint2*>(places + first) = packed;
        } else {
#pragma unroll
            for (int i = 0; i < Count; ++i) places[first + i] = static_cast<uint8_t>(place[i]);
        }
    }
    __device__ const FindPlacesWork& load() const { return *this; }
};

struct MaxPoolGradientWork {
    Pooling g;
    const uint8_t* places;
    const float* dy;
    float* dx;

    template <int Count>
    __device__ void run(int64_t first) const {
        const Position at = g.of_input(first);
        float sum[Count] = {};
        const PoolingWindow& w = g.window;
        const int first_q = g.first_left_of(at.column);
        for (int p = g.first_above(at.row); inside(p, g.out_height); ++p) {
            const int r = at.row - (p * w.stride_h - w.top);
            if (r < 0) break;
            for (int q = first_q; inside(q, g.out_width); ++q) {
                const int s = at.column - (q * w.stride_w - w.left);
                if (s < 0) break;
                const int mine = r * w.kernel_w + s;
                const int64_t window = ((int64_t{at.n} * g.out_height + p) * g.out_width + q) * g.channel_count;
                add<Count>(sum, window + at.channel, mine);
            }
        }
        store_run<Count>(dx + first, sum);
    }
    template <int Count>
    __device__ void add(float (&sum)[Count], int64_t window, int mine) const {
        float v[Count];
        load_run<Count>(v, dy + window);
#pragma unroll
        for (int i = 0; i < Count; ++i) sum[i] += places[window + i] == mine ? v[i] : 0.0f;
    }
    __device__ const MaxPoolGradientWork& load() const { return *this; }
};

template <typename Element>
CompiledOperation compile_max_pool(const Context& context, const MaxPool& op) {
    const Shape &x = context.shape(op.x), &y = context.shape(op.y);
    const MaxPoolWork<Element> work{Pooling(x, y, op.window), context.elements<Element>(op.x),
                                    context.elements<Element>(op.y)};
    const ElementRuns runs(element_count(y), y[3], {work.x, work.y});
    return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
}

}  // namespace

CompiledOperation compile_operation(const Context& context, const MaxPool& op) {
    if (context.type(op.x) == DType::u8) return compile_max_pool<uint8_t>(context, op);
    return compile_max_pool<float>(context, op);
}

CompiledOperation compile_operation(const Context& context, const MaxPoolGradient& op) {
    const Shape &x = context.shape(op.x), &y = context.shape(op.dy);
    const Pooling pooling(x, y, op.window);
    const float *values = context.at(op.x), *dy = context.at(op.dy);
    float* dx = context.at(op.dx);
    const ElementRuns outputs(element_count(y), y[3], {values}), inputs(element_count(x), x[3], {dy, dx});
    return {static_cast<size_t>(element_count(y)), [=](cudaStream_t stream, void* scratch) {
                auto* places = static_cast<uint8_t*>(scratch);
                for_each_run(outputs, FindPlacesWork{pooling, values, places}, stream);
                for_each_run(inputs, MaxPoolGradientWork{pooling, places, dy, dx}, stream);
            }};
}

}  // namespace adaq::cuda
