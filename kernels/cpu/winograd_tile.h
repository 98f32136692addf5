// Products by a panel of weights, by vectors L: the sums of L::kRows rows by L::kVectors vectors of output channels
// stay in registers, a piece of channels at a time. A panel's weights of kChannels channels (16 KB) stay in the
// first-level cache while all rows pass; meanwhile those of the next channels are fetched into the second-level cache.
// Internal linkage: each file that includes this is compiled for an instruction set of its own.
//
// With AVX-512's 6 rows by 4 vectors each channel takes 10 loads and 24 multiplications: a processor that does two of
// each a cycle is bound by the multiplications.
#pragma once

#include "kernels/cpu/winograd_panels.h"

namespace adaq::cpu::winograd {
namespace {  // NOLINT: a header of internal linkage throughout

/// What the compiler knows of vectors by itself.
template <int lanes>
struct Vectors {
    static constexpr int kLanes = lanes;
    typedef float Floats __attribute__((vector_size(lanes * sizeof(float))));
    typedef float Stored __attribute__((vector_size(lanes * sizeof(float)), aligned(alignof(float)), may_alias));

    static Floats load(const float* p) { return *reinterpret_cast<const Stored*>(p); }
    static void store(float* p, Floats v) { *reinterpret_cast<Stored*>(p) = v; }
    static Floats all(float v) { return v - Floats{}; }  // and not +, by which -0 became 0
    static Floats add(Floats a, Floats b) { return a + b; }
};

/// m[rows][vectors] (+)= v[rows][channels] * u[channels][vectors], in pieces.
struct TileProduct {
    const float* v;
    int64_t v_row;
    const float* u;
    int64_t u_row;
    float* m;
    int64_t m_row;
    int64_t channels, piece;
    bool first;  // the first piece is written to m, not added
};

template <class L, int rows, int vectors>
void multiply_tile(const TileProduct& product) {
    const TileProduct p = product;  // in registers: stores of floats may not change it
    bool first = p.first;
    for (int64_t begin = 0; begin < p.channels; begin += p.piece) {
        const int64_t end = begin + p.piece < p.channels ? begin + p.piece : p.channels;
        typename L::Floats sums[rows][vectors];
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
            for (int j = 0; j < vectors; ++j) sums[i][j] = L::all(0.0f);
        for (int64_t c = begin; c < end; ++c) {
            typename L::Floats weights[vectors];
#pragma GCC unroll 4
            for (int j = 0; j < vectors; ++j) weights[j] = L::load(p.u + c * p.u_row + j * L::kLanes);
#pragma GCC unroll 8
            for (int i = 0; i < rows; ++i) {
                const typename L::Floats value = L::all(p.v[i * p.v_row + c]);
#pragma GCC unroll 4
                for (int j = 0; j < vectors; ++j) sums[i][j] = L::multiply_add(sums[i][j], value, weights[j]);
            }
        }
        if (!first) {
#pragma GCC unroll 8
            for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
                for (int j = 0; j < vectors; ++j)
                    sums[i][j] = L::add(L::load(p.m + i * p.m_row + j * L::kLanes), sums[i][j]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
            for (int j = 0; j < vectors; ++j) L::store(p.m + i * p.m_row + j * L::kLanes, sums[i][j]);
        first = false;
    }
}

template <class L, int rows = L::kRows, int vectors = L::kVectors>
void (*tile_kernel(int64_t wanted_rows, int64_t wanted_vectors))(const TileProduct&) {
    if constexpr (rows > 1) {
        if (wanted_rows < rows) return tile_kernel<L, rows - 1, vectors>(wanted_rows, wanted_vectors);
    }
    if constexpr (vectors > 1) {
        if (wanted_vectors < vectors) return tile_kernel<L, rows, vectors - 1>(wanted_rows, wanted_vectors);
    }
    return multiply_tile<L, rows, vectors>;
}

/// Fetches the i-th of n equal parts of so many floats into the second-level cache.
inline void prefetch_part(const float* from, int64_t floats, int64_t i, int64_t n) {
    constexpr int64_t kLine = 16;
    for (int64_t at = floats * i / n / kLine * kLine; at < floats * (i + 1) / n; at += kLine)
        __builtin_prefetch(from + at, 0, 2);
}

template <class L>
void multiply_panel(const PanelProduct& p) {
    const int64_t tiles = (p.rows + L::kRows - 1) / L::kRows, fewest = p.rows / tiles;
    for (int64_t c = 0; c < p.c; c += kChannels) {
        const int64_t channels = p.c - c < kChannels ? p.c - c : kChannels;
        const float* const u = p.u + c * p.width;
        const float* const ahead = c + channels < p.c ? u + channels * p.width : p.next;
        for (int64_t k = 0; k < p.width; k += L::kVectors * L::kLanes) {
            const int64_t left = (p.width - k) / L::kLanes, vectors = left < L::kVectors ? left : L::kVectors;
            const auto of_fewest = tile_kernel<L>(fewest, vectors), of_more = tile_kernel<L>(fewest + 1, vectors);
            for (int64_t i = 0; i < tiles; ++i) {
                const int64_t row = p.rows * i / tiles, rows = p.rows * (i + 1) / tiles - row;
                if (k == 0) prefetch_part(ahead, channels * p.width, i, tiles);
                (rows == fewest ? of_fewest : of_more)({p.v + row * p.v_row + c, p.v_row, u + k, p.width,
                                                        p.m + row * p.m_row + k, p.m_row, channels, p.piece, c == 0});
            }
        }
    }
}

}  // namespace
}  // namespace adaq::cpu::winograd
