// See pointwise.h.
#include "kernels/cpu/integer/pointwise.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/integer/block_epilogue.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu::integer {
namespace {

constexpr int64_t kBlock = 1 << 14;  // elements

ADAQ_VECTORISE void raise_to(const uint8_t* __restrict x, int64_t count, uint8_t* __restrict y) {
    for (int64_t i = 0; i < count; ++i) y[i] = x[i] > y[i] ? x[i] : y[i];
}

ADAQ_VECTORISE void add_codes(const uint8_t* x, int64_t count, int32_t* sums) {
    for (int64_t i = 0; i < count; ++i) sums[i] += x[i];
}

/// y[i] = the largest of `window` codes at a distance of `dilation` pixels, from pixel i * stride on; all of these
/// exist.
ADAQ_VECTORISE void pool_pixels(const uint8_t* __restrict x, int64_t pixels, int64_t channels, int64_t stride,
                                int64_t window, int64_t dilation, uint8_t* __restrict y) {
    for (int64_t i = 0; i < pixels; ++i, x += stride * channels, y += channels) {
        for (int64_t c = 0; c < channels; ++c) y[c] = x[c];
        for (int64_t s = 1; s < window; ++s) {
            const uint8_t* const other = x + s * dilation * channels;
            for (int64_t c = 0; c < channels; ++c) y[c] = other[c] > y[c] ? other[c] : y[c];
        }
    }
}

/// A row of y: the largest code of each column of its window's rows, with zeros on either side, then of its columns.
void pool_row(const Geometry& g, const uint8_t* image, int64_t p, uint8_t* y) {
    static thread_local std::vector<uint8_t> columns;  // kept: runs allocate nothing after the first
    const int64_t width = (g.q() - 1) * g.stride_w + (g.s - 1) * g.dilation_w + 1, left = std::min(g.left, width),
                  inside = std::min(g.w, width - left);
    columns.assign(static_cast<size_t>(width * g.c), 0);
    for (int64_t r = 0; r < g.r; ++r) {
        const int64_t row = p * g.stride_h - g.top + r * g.dilation_h;
        if (row >= 0 && row < g.h) raise_to(image + row * g.w * g.c, inside * g.c, columns.data() + left * g.c);
    }
    pool_pixels(columns.data(), g.q(), g.c, g.stride_w, g.s, g.dilation_w, y);
}

}  // namespace

void add(const Addition& addition, int64_t count, const Result& y, int threads, const Instructions& instructions) {
    const Finish finish = finish_of(addition.epilogue, 0);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t first = 0; first < count; first += kBlock) {
        instructions.pointwise({row_of(addition.a, first), row_of(addition.b, first), addition.offset.has_value(),
                                addition.offset.value_or(0.0f), finish,
                                y.values != nullptr ? y.values + first : nullptr,
                                y.codes != nullptr ? y.codes + first : nullptr, std::min(kBlock, count - first)});
    }
}

void quantise(const float* x, int64_t count, const Quantiser& quantiser, uint8_t* y, int threads,
              const Instructions& instructions) {
    Epilogue epilogue;
    epilogue.quantiser = quantiser;
    add({{x}, {}, epilogue}, count, {nullptr, y}, threads, instructions);
}

void max_pool(const Geometry& g, const uint8_t* x, int64_t images, uint8_t* y, int threads) {
    const int64_t rows = g.p(), row_codes = g.q() * g.c;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t i = 0; i < images * rows; ++i)
        pool_row(g, x + i / rows * g.h * g.w * g.c, i % rows, y + i * row_codes);
}

void sum_codes(const uint8_t* x, int64_t images, int64_t positions, int64_t channels, int32_t* sums, int threads) {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t n = 0; n < images; ++n) {
        std::fill_n(sums + n * channels, channels, 0);
        for (int64_t i = 0; i < positions; ++i)
            add_codes(x + (n * positions + i) * channels, channels, sums + n * channels);
    }
}

}  // namespace adaq::cpu::integer
