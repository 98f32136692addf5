// The gradients of convolutions in groups (grouped.h). To data: a thread a run of inputs. To weights: a lane an output
// channel, the warps of a block and slabs of pixels beside each other, added up in their order. Cost: to weights x and
// dy are read for each tap, from the caches.
#include "kernels/cuda/convolution/grouped.h"

namespace adaq::cuda {
namespace {

/// dx [N,H,W,C]
template <bool kDepthwise>
struct GroupedToDataWork {
    ConvolutionSizes z;
    MapSource dy;
    PlainWeights w;
    ToDataFinish finish;
    FastDivide by_c, by_w, by_h, by_group_c, by_stride_h, by_stride_w;

    struct Loaded {
        const GroupedToDataWork& g;
        ToDataFinish::Loaded finish;

        template <int Count>
        __device__ float run(int64_t first) const {
            if constexpr (!kDepthwise && Count > 1) {  // has no runs
                float sum = 0.0f;
#pragma unroll 1
                for (int i = 0; i < Count; ++i) sum += run<1>(first + i);
                return sum;
            } else {
                return run_channels<Count>(first);
            }
        }
        template <int Count>
        __device__ float run_channels(int64_t first) const {
            const Position at(first, g.by_c, g.by_w, g.by_h);
            float sum[Count] = {};
            for (int r = 0; r < g.z.r; ++r) {
                const int p = window_at(at.row + g.z.slide.top - r * g.z.slide.dilation_h, g.by_stride_h);
                if (p < 0 || !inside(p, g.z.p)) continue;
                for (int s = 0; s < g.z.s; ++s) {
                    const int q = window_at(at.column + g.z.slide.left - s * g.z.slide.dilation_w, g.by_stride_w);
                    if (q < 0 || !inside(q, g.z.q)) continue;
                    const int64_t pixel = ((int64_t{at.n} * g.z.p + p) * g.z.q + q) * g.z.k;
                    if constexpr (kDepthwise)
                        g.template add_channels<Count>(sum, pixel, at.channel, r * g.z.s + s);
                    else
                        g.template add_groups<Count>(sum, pixel, at.channel, r * g.z.s + s);
                }
            }
            return finish.run<Count>(sum, first, at.channel);
        }
        /// Which window begins there; -1: none.
        __device__ static int window_at(int line, FastDivide stride) {
            if (line < 0) return -1;
            const int window = stride.quotient(line);
            return stride.remainder(line, window) == 0 ? window : -1;
        }
    };
    __device__ Loaded load() const { return {*this, finish.load()}; }

    template <int Count>
    __device__ void add_channels(float (&sum)[Count], int64_t pixel, int channel, int tap) const {
        float v[Count];
        dy.load<Count>(v, pixel + channel);
        const int taps = z.r * z.s;
#pragma unroll
        for (int i = 0; i < Count; ++i) sum[i] = fmaf(v[i], w.at(int64_t{channel + i} * taps + tap, 0), sum[i]);
    }
    template <int Count>
    __device__ void add_groups(float (&sum)[Count], int64_t pixel, int channel, int tap) const {
        const int of_group = z.group_c(), outputs = z.k / z.slide.groups, taps = z.r * z.s;
        for (int i = 0; i < Count; ++i) {
            const int group = by_group_c.quotient(channel + i), c = by_group_c.remainder(channel + i, group);
            for (int k = group * outputs; k < (group + 1) * outputs; ++k)
                sum[i] = fmaf(dy.at(pixel + k), w.at((int64_t{k} * taps + tap) * of_group + c, 0), sum[i]);
        }
    }
};

constexpr int kRows = 8;  // warps of a block
constexpr int64_t kMostSlabs = 64, kPixelsOfSlab = 256;

struct GroupedToWeights {
    ConvolutionSizes z;
    MapSource x, dy;
    FastDivide by_q, by_p, by_group_c, by_s, by_group_k;
    int chunks;  // of 32 output channels
    int64_t slabs;
};

/// partials[slab][k][r][s][c]
__global__ void __launch_bounds__(kWarp* kRows) grouped_to_weights_kernel(GroupedToWeights g, double* partials) {
    SharedMemory shared;
    auto* sums = shared.take<double>(kRows * kWarp);
    const ConvolutionSizes& z = g.z;
    const int lane = static_cast<int>(threadIdx.x), row = static_cast<int>(threadIdx.y);
    const int term = static_cast<int>(blockIdx.x) / g.chunks,
              k = static_cast<int>(blockIdx.x) % g.chunks * kWarp + lane;
    const int64_t slab = blockIdx.y;
    const int tap = g.by_group_c.quotient(term), c = g.by_group_c.remainder(term, tap), r = g.by_s.quotient(tap);
    const int down = r * z.slide.dilation_h - z.slide.top,
              right = g.by_s.remainder(tap, r) * z.slide.dilation_w - z.slide.left;
    double sum = 0.0;
    if (inside(k, z.k)) {
        const int channel = g.by_group_k.quotient(k) * z.group_c() + c;
        for (int64_t i = slab * kRows + row; inside(i, z.pixels_out()); i += g.slabs * kRows) {
            const int pixel = static_cast<int>(i), line = g.by_q.quotient(pixel), n = g.by_p.quotient(line);
            const int h = g.by_p.remainder(line, n) * z.slide.stride_h + down,
                      w = g.by_q.remainder(pixel, line) * z.slide.stride_w + right;
            if (!inside(static_cast<unsigned>(h), z.h) || !inside(static_cast<unsigned>(w), z.w)) continue;
            const int64_t from = ((int64_t{n} * z.h + h) * z.w + w) * z.c + channel;
            sum += static_cast<double>(g.x.at(from)) * static_cast<double>(g.dy.at(i * z.k + k));
        }
    }
    sums[row * kWarp + lane] = sum;
    __syncthreads();
    if (row != 0 || !inside(k, z.k)) return;
    for (int i = 1; i < kRows; ++i) sum += sums[i * kWarp + lane];
    partials[(slab * z.k + k) * z.window() + term] = sum;
}

struct AddSlabsWork {
    const double* partials;
    int64_t slabs, count;
    float* dw;

    template <int Count>
    __device__ void run(int64_t first) const {
        float v[Count];
        for (int i = 0; i < Count; ++i) {
            double sum = partials[first + i];
            for (int64_t slab = 1; slab < slabs; ++slab) sum += partials[slab * count + first + i];
            v[i] = static_cast<float>(sum);
        }
        store_run<Count>(dw + first, v);
    }
    __device__ const AddSlabsWork& load() const { return *this; }
};

template <bool kDepthwise>
CompiledOperation grouped_to_data(const ConvolutionSizes& z, const MapSource& dy, const PlainWeights& w,
                                  const ToDataFinish& finish) {
    const GroupedToDataWork<kDepthwise> work{z,
                                             dy,
                                             w,
                                             finish,
                                             FastDivide(z.c),
                                             FastDivide(z.w),
                                             FastDivide(z.h),
                                             FastDivide(z.group_c()),
                                             FastDivide(z.slide.stride_h),
                                             FastDivide(z.slide.stride_w)};
    const bool in_runs = kDepthwise && finish.aligned() && aligned_runs<8>(dy.map.address());
    const ElementRuns runs(int64_t{z.n} * z.h * z.w * z.c, in_runs ? z.c : 1, {});
    if (finish.scale_gradient() == nullptr)
        return {0, [=](cudaStream_t stream, void*) { for_each_run(runs, work, stream); }};
    return {runs.partial_bytes(), [=](cudaStream_t stream, void* scratch) {
                sum_runs(runs, work, stream, scratch, finish.scale_gradient_factor(), finish.scale_gradient());
            }};
}

}  // namespace

CompiledOperation compile_grouped_to_data(const ConvolutionSizes& z, const MapSource& dy, const PlainWeights& w,
                                          const ToDataFinish& finish) {
    return is_depthwise(z) ? grouped_to_data<true>(z, dy, w, finish) : grouped_to_data<false>(z, dy, w, finish);
}

CompiledOperation compile_grouped_to_weights(const ConvolutionSizes& z, const MapSource& x, const MapSource& dy,
                                             float* dw) {
    const int64_t slabs = std::clamp(ceil_div(z.pixels_out(), kPixelsOfSlab), int64_t{1}, kMostSlabs),
                  count = z.window() * z.k;
    const GroupedToWeights work{z,
                                x,
                                dy,
                                FastDivide(z.q),
                                FastDivide(z.p),
                                FastDivide(z.group_c()),
                                FastDivide(z.s),
                                FastDivide(z.k / z.slide.groups),
                                static_cast<int>(ceil_div(z.k, kWarp)),
                                slabs};
    const dim3 grid(blocks_along_x(work.chunks * z.window()), blocks_along_yz(slabs));
    return {static_cast<size_t>(slabs * count) * sizeof(double), [=](cudaStream_t stream, void* scratch) {
                auto* const partials = static_cast<double*>(scratch);
                launch(grouped_to_weights_kernel, grid, dim3(kWarp, kRows), shared_bytes<double>(kRows * kWarp), stream,
                       work, partials);
                for_each_run(ElementRuns(count, kRun, {dw}), AddSlabsWork{partials, slabs, count, dw}, stream);
            }};
}

}  // namespace adaq::cuda
