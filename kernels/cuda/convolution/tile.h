// How a block of a matrix product is shared out among warps, and how pieces of its operands lie in shared memory.
//
// A block computes M x N sums over K at a time. Operands lie in shared memory as they do in device memory, for copies
// in the background cannot convert: in float32, which multipliers round as they read, or in bf16.
#pragma once

#include <type_traits>

#include "engine/bf16.h"
#include "kernels/cuda/platform.h"

namespace adaq::cuda {

template <int M_, int N_, int K_, int WarpsM_, int WarpsN_>
struct Tile {
    static constexpr int M = M_, N = N_, K = K_;
    static constexpr int kWarpsM = WarpsM_, kWarpsN = WarpsN_;
    static constexpr int kWarpM = M / kWarpsM, kWarpN = N / kWarpsN;  // of one warp
    static constexpr int kThreads = kWarpsM * kWarpsN * kWarp;
    static constexpr int kStages = 3;
};

inline constexpr int kChunk = 4;  // floats of 16 bytes

/// How many elements a copy takes tells what they are: 16 are 16 bytes of codes, 8 of bf16, 4 of floats, 1 is a float.
template <int Vector>
using ElementOf = std::conditional_t<Vector == 16, uint8_t, std::conditional_t<Vector == 8, bf16, float>>;

/// An operand whose summed index runs fastest in device memory: [Extent][K], chunks of a row swapped so that eight rows
/// of one column of chunks meet all 32 banks, when they are written and when they are read.
template <int Extent, int K, typename E = float>
struct ByRow {
    using Element = E;
    static constexpr bool kByRow = true;
    static constexpr int kOfChunk = 16 / static_cast<int>(sizeof(E)), kChunks = K / kOfChunk;
    static constexpr int kFloats = Extent * kChunks * kChunk;  // of room
    static_assert(kChunks == 8 || kChunks == 4);

    __device__ static int index(int row, int k) {
        const int swap = kChunks == 8 ? row & 7 : row >> 1 & 3;
        return row * K + ((k / kOfChunk) ^ swap) * kOfChunk + k % kOfChunk;
    }
};

/// An operand whose rows run fastest: [K][Extent + 8]. Rows of 8 banks' distance: 4 values of k times 8 rows meet all
/// 32 banks. In bf16, of 4 banks' distance (an odd number of chunks): 8 values of k times 8 rows do.
template <int Extent, int K, typename E = float>
struct ByColumn {
    using Element = E;
    static constexpr bool kByRow = false;
    static constexpr int kPitch = Extent + 8;
    static constexpr int kFloats = K * kPitch * static_cast<int>(sizeof(E)) / 4;  // of room

    __device__ static int index(int row, int k) { return k * kPitch + row; }
};

/// Who of a block copies what of an operand: pieces of `Vector` elements, neighbours in device memory by neighbours in
/// the block. `Along`: how far the index that runs fastest goes, `Across` the other.
template <int Along, int Across, int Vector, int Threads>
struct Copies {
    static constexpr int kAlong = Along / Vector;
    static constexpr int kAcrossAtOnce = Threads / kAlong;
    static constexpr int kCount = Across / kAcrossAtOnce;  // of each thread
    static_assert(Threads % kAlong == 0 && Across % kAcrossAtOnce == 0);

    __device__ static int along() { return static_cast<int>(threadIdx.x) % kAlong * Vector; }
    __device__ static int across(int i) { return static_cast<int>(threadIdx.x) / kAlong + i * kAcrossAtOnce; }
};

}  // namespace adaq::cuda
