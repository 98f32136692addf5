// See pointwise.h.
#include "kernels/cpu/integer/pointwise.h"

#include <algorithm>

#include "kernels/cpu/integer/blocked.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu::integer {
namespace {

constexpr int64_t kBlock = 16 * 1024;  // elements

ADAQ_VECTORISE void raise_to(const uint8_t* x, int64_t count, uint8_t* y) {
    for (int64_t i = 0; i < count; ++i) y[i] = x[i] > y[i] ? x[i] : y[i];
}

ADAQ_VECTORISE void add_codes(const uint8_t* x, int64_t count, int32_t* sums) {
    for (int64_t i = 0; i < count; ++i) sums[i] += x[i];
}

void pool_row(const Geometry& g, const uint8_t* image, int64_t p, uint8_t* y) {
    const int64_t q_count = g.q();
    std::fill_n(y, q_count * g.c, uint8_t{0});
    for (int64_t r = 0; r < g.r; ++r) {
        const int64_t row = p * g.stride_h - g.top + r * g.dilation_h;
        if (row < 0 || row >= g.h) continue;
        const uint8_t* const x = image + row * g.w * g.c;
        for (int64_t q = 0; q < q_count; ++q) {
            for (int64_t s = 0; s < g.s; ++s) {
                const int64_t column = q * g.stride_w - g.left + s * g.dilation_w;
                if (column >= 0 && column < g.w) raise_to(x + column * g.c, g.c, y + q * g.c);
            }
        }
    }
}

}  // namespace

void add(const Addition& addition, int64_t count, const Result& y, int threads, const Instructions& instructions) {
    const Finish finish = finish_of(addition.epilogue);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t first = 0; first < count; first += kBlock) {
        instructions.pointwise({row_of(addition.a, first), row_of(addition.b, first), finish,
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
