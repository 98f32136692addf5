// Loaders of operands whose rows are not made of whole copies of 16 bytes (the stem's): each thread gathers 4 values of
// k, byte by byte through the caches, and stores them as one word. What convolution/operands.h says of its loaders
// holds for these; their stores are seen behind the same barrier as its copies.
#pragma once

#include "kernels/cuda/convolution/operands.h"

namespace adaq::cuda {

inline constexpr int kGathered = 4;

/// As WindowRows. Values of k behind the last one are whatever lies there: the other operand has zeros for them.
template <typename T, int Extent>
struct GatheredWindows {
    using Element = uint8_t;
    using Layout = ByRow<Extent, T::K, Element>;
    using Mine = Copies<T::K, Extent, kGathered, T::kThreads>;
    const uint8_t* map;
    const PixelRow* rows;
    int height, width, total, down, right;
    FastDivide channels, taps;
    int outside;

    __device__ void load(uint8_t* stage, int first_k) const {
        int dh[kGathered], dw[kGathered], channel[kGathered];
        const int channel_count = static_cast<int>(channels.divisor);
#pragma unroll
        for (int j = 0; j < kGathered; ++j) {
            const int k = first_k + Mine::along() + j, tap = channels.quotient(k), line = taps.quotient(tap);
            dh[j] = down * line, dw[j] = right * taps.remainder(tap, line), channel[j] = channels.remainder(k, tap);
        }
        for (int i = 0; i < Mine::kCount; ++i) {
            const int row = Mine::across(i);
            const PixelRow pixel = rows[row];
            uint32_t word = 0;
#pragma unroll
            for (int j = 0; j < kGathered; ++j) {
                const int h = pixel.h + dh[j], w = pixel.w + dw[j];
                const bool valid = inside(static_cast<unsigned>(h), height) && inside(static_cast<unsigned>(w), width);
                const int64_t offset = (int64_t{h} * width + w) * channel_count + channel[j];
                const uint32_t code = valid ? map[pixel.image + offset] : static_cast<uint32_t>(outside);
                word |= code << (8 * j);
            }
            *reinterpret_cast<uint32_t*>(stage + Layout::index(row, Mine::along())) = word;
        }
    }
};

/// As MatrixRows.
template <typename T, int Extent>
struct GatheredRows {
    using Element = uint8_t;
    using Layout = ByRow<Extent, T::K, Element>;
    using Mine = Copies<T::K, Extent, kGathered, T::kThreads>;
    const uint8_t* matrix;
    int first_row, rows, total;

    __device__ void load(uint8_t* stage, int first_k) const {
        const int k = first_k + Mine::along();
        for (int i = 0; i < Mine::kCount; ++i) {
            const int row = Mine::across(i), global = first_row + row;
            const bool exists = inside(global, rows);
            uint32_t word = 0;
#pragma unroll
            for (int j = 0; j < kGathered; ++j) {
                if (exists && inside(k + j, total))
                    word |= static_cast<uint32_t>(matrix[int64_t{global} * total + k + j]) << (8 * j);
            }
            *reinterpret_cast<uint32_t*>(stage + Layout::index(row, Mine::along())) = word;
        }
    }
};

}  // namespace adaq::cuda
