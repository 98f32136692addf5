// See depthwise.h.
#include "kernels/cpu/integer/depthwise.h"

#include <algorithm>

#include "kernels/cpu/integer/blocked.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu::integer {
namespace {

constexpr int kBlock = 64, kPositions = 16;  // channels and positions whose sums are made together

/// Some positions of a row of y by some channels.
struct Piece {
    const uint8_t* x;  // the image's first of the channels
    const int16_t* w;  // the first tap's
    int64_t p, first, positions, channels;
    int x_zero;
};

/// sums[i] += (x[i] - x_zero) * w[i]
__attribute__((always_inline)) inline void add_tap(const uint8_t* __restrict x, const int16_t* __restrict w, int x_zero,
                                                   int64_t count, int32_t* __restrict sums) {
    for (int64_t i = 0; i < count; ++i) sums[i] += (x[i] - x_zero) * w[i];
}

/// sums: [position][kBlock]. A call for all: a clone of a function is not inlined.
ADAQ_VECTORISE void sum_piece(const Geometry& g, const Piece& piece, int32_t* sums) {
    for (int64_t i = 0; i < piece.positions; ++i, sums += kBlock) {
        for (int j = 0; j < kBlock; ++j) sums[j] = 0;
        for (int64_t r = 0; r < g.r; ++r) {
            const int64_t row = piece.p * g.stride_h - g.top + r * g.dilation_h;
            if (row < 0 || row >= g.h) continue;
            for (int64_t s = 0; s < g.s; ++s) {
                const int64_t column = (piece.first + i) * g.stride_w - g.left + s * g.dilation_w;
                if (column < 0 || column >= g.w) continue;
                const uint8_t* const x = piece.x + (row * g.w + column) * g.c;
                const int16_t* const w = piece.w + (r * g.s + s) * g.k;
                if (piece.channels == kBlock) {
                    add_tap(x, w, piece.x_zero, kBlock, sums);
                } else {
                    add_tap(x, w, piece.x_zero, piece.channels, sums);
                }
            }
        }
    }
}

}  // namespace

DepthwiseConvolution::DepthwiseConvolution(const Geometry& geometry, const Instructions& instructions, const int8_t* w,
                                           const std::vector<int32_t>& w_zero, int x_zero)
    : geometry_(geometry), instructions_(&instructions), x_zero_(x_zero), w_(static_cast<size_t>(geometry.weights())) {
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
    const Geometry& g = geometry_;
    alignas(64) int32_t sums[kPositions * kBlock];
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
        for (int64_t first = 0; first < g.q(); first += kPositions) {
            const int64_t positions = std::min<int64_t>(kPositions, g.q() - first);
            sum_piece(g, {image + k, w_.data() + k, p, first, positions, channels, x_zero_}, sums);
            const TilePlace tile{{0, 0}, {first_y + first, 0}, static_cast<int>(positions), 1, 0, 0, 0};
            instructions_->finish_sums(job, tile, sums, kBlock);
        }
    }
}

}  // namespace adaq::cpu::integer
