// See depthwise.h.
#include "kernels/cpu/integer/depthwise.h"

#include <algorithm>

#include "kernels/cpu/integer/blocked.h"

namespace adaq::cpu::integer {
DepthwiseConvolution::DepthwiseConvolution(const Geometry& geometry, const Instructions& instructions, const int8_t* w,
                                           const std::vector<int32_t>& w_zero, int x_zero, std::vector<int32_t> bias)
    : geometry_(geometry),
      instructions_(&instructions),
      x_zero_(x_zero),
      bias_(std::move(bias)),
      w_(static_cast<size_t>(geometry.weights())) {
    const int64_t taps = geometry.r * geometry.s;
    for (int64_t k = 0; k < geometry.k; ++k) {
        const int zero = w_zero.empty() ? 0 : w_zero[static_cast<size_t>(k)];
        for (int64_t i = 0; i < taps; ++i)
            w_[static_cast<size_t>(i * geometry.k + k)] = static_cast<int16_t>(w[k * taps + i] - zero);
    }
}

void DepthwiseConvolution::run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y,
                               int threads) const {
    const int64_t rows = geometry_.p(), image_codes = geometry_.h * geometry_.w * geometry_.c;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t i = 0; i < images * rows; ++i)
        run_row(x + i / rows * image_codes, i % rows, i * geometry_.q(), epilogue, y);
}

/// first_y: the row's first position of y.
void DepthwiseConvolution::run_row(const uint8_t* image, int64_t p, int64_t first_y, const Epilogue& epilogue,
                                   const Result& y) const {
    constexpr int kBlock = kDepthwiseChannels;
    const Geometry& g = geometry_;
    const auto row_of_tap = [&](int64_t r) { return p * g.stride_h - g.top + r * g.dilation_h; };
    int64_t first_r = 0, last_r = g.r;
    while (first_r < last_r && row_of_tap(first_r) < 0) ++first_r;
    while (first_r < last_r && row_of_tap(last_r - 1) >= g.h) --last_r;
    alignas(64) float scale[kBlock], shift[kBlock];
    for (int64_t k = 0; k < g.k; k += kBlock) {
        const int64_t channels = std::min<int64_t>(kBlock, g.k - k);
        std::fill_n(scale, kBlock, 1.0f);
        std::fill_n(shift, kBlock, -0.0f);
        if (epilogue.scale != nullptr) std::copy_n(epilogue.scale + k, channels, scale);
        if (epilogue.shift != nullptr) std::copy_n(epilogue.shift + k, channels, shift);
        BlockJob job{};
        job.channels = static_cast<int>(channels);
        job.scale = scale;
        job.shift = shift;
        job.residual = row_of(epilogue.residual, k);
        job.finish = finish_of(epilogue);
        job.values = y.values != nullptr ? y.values + k : nullptr;
        job.codes = y.codes != nullptr ? y.codes + k : nullptr;
        job.row = g.k;
        job.column_rows = 1;
        DepthwiseJob row{};
        row.rows = last_r - first_r;
        row.x = row.rows > 0 ? image + row_of_tap(first_r) * g.w * g.c + k : image;
        row.w = w_.data() + first_r * g.s * g.k + k;
        row.pitch = g.c;
        row.columns = g.s;
        row.row_codes = g.dilation_h * g.w * g.c;
        row.width = g.w;
        row.stride = g.stride_w;
        row.left = g.left;
        row.dilation = g.dilation_w;
        row.positions = g.q();
        row.channels = static_cast<int>(channels);
        row.x_zero = x_zero_;
        row.bias = bias_.empty() ? nullptr : bias_.data() + k;
        instructions_->depthwise(row, job, first_y);
    }
}

}  // namespace adaq::cpu::integer
