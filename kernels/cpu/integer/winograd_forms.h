// Winograd's algorithm in integers, exactly, by vectors F: what is done to pixels, and to sums. Internal linkage, as
// finish.h.
//
// A tile's sums are A^T ((G g G^T) * (B^T d B)) A (Lavin, Gray: Fast Algorithms for Convolutional Neural Networks,
// 2016, section 4), element by element in as many planes as the tile sees pixels. G has fractions: here its rows are
// multiplied until all is whole, and the sums come out multiplied instead. Everything is modulo 2^32. What a sum
// arrives multiplied by is one of A's factors along each axis: together 2^n, or 9 * 2^n, where 9 has an inverse modulo
// 2^32, and a shift takes the rest. So a sum is exact if it has n bits fewer than 31.
//
// Tiles of 4x4 outputs, in words, for the points 0, 1, -1, 2, -2 and infinity: 36 products a channel instead of 144.
//
//     B^T:  4  0 -5  0  1  0      G:  6  0  0      A^T:  1 -4 -4  1  1  0   gives 24 times output 0,
//           0 -4 -4  1  1  0          1  1  1            0 -2  2  1 -1  0         12 times output 1,
//           0  4 -4 -1  1  0          1 -1  1            0 -1 -1  1  1  0          6 times output 2,
//           0 -2 -1  2  1  0          1  2  4            0 -1  1  2 -2  1          6 times output 3, along an axis
//           0  2 -1 -2  1  0          1 -2  4
//           0  4  0 -5  0  1          0  0  6
//
// A code is 0 ... 255, so that no element of B^T d B exceeds 10 * 10 * 255, and a weight -128 ... 127, so that none of
// G g G^T exceeds 7 * 7 * 128.
//
// Tiles of 2x2 outputs, in bytes, for the points 0, 1, -1 and infinity: 16 products a channel instead of 36, where
// codes are 0 ... 63, so that elements of B^T d B are 0 ... 252 in the second row's second column and -126 ... 126
// elsewhere, where 128 is added, and where weights are so small that those of G g G^T are bytes.
//
//     B^T:  1  0 -1  0            G:  2  0  0      A^T:  1  1  1  0         both twice, along an axis
//           0  1  1  0                1  1  1            0  1 -1 -1
//           0 -1  1  0                1 -1  1
//           0  1  0 -1                0  0  2
#pragma once

#include "kernels/cpu/integer/tile.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

template <class F>
struct WinogradWords {
    static constexpr int kOutputs = 4, kPixels = 6;
    static constexpr int8_t kG[kPixels * 3] = {6, 0, 0, 1, 1, 1, 1, -1, 1, 1, 2, 4, 1, -2, 4, 0, 0, 6};
    static constexpr int kMostCode = 255, kOffset = 0, kPlainPlane = 0;
    static constexpr int kTwos[kOutputs] = {3, 2, 1, 1};  // of what an output is multiplied by
    static constexpr bool kNines = true;
    static constexpr int kInputCost = 350, kSumCost = 625;

    using Elements = typename F::Words;
    static constexpr int kElements = 2 * F::kLanes, kElementBytes = 2;  // of a vector

    static Elements load(const uint8_t* p, int count) { return F::load_code_words(p, count); }
    static void store(unsigned char* p, Elements v) { F::store_words(reinterpret_cast<int16_t*>(p), v); }
    static Elements shifted(Elements v, int) { return v; }

    /// B^T d.
    static void transform_pixels(const Elements (&d)[kPixels], Elements (&v)[kPixels]) {
        const Elements even = F::sub_words(d[4], F::template shift_words<2>(d[2])),
                       odd = F::sub_words(d[3], F::template shift_words<2>(d[1])), far = F::sub_words(d[4], d[2]),
                       between = F::sub_words(d[3], d[1]), twice = F::add_words(between, between);
        v[0] = F::add_words(F::template shift_words<2>(F::sub_words(d[0], d[2])), far);
        v[1] = F::add_words(even, odd);
        v[2] = F::sub_words(even, odd);
        v[3] = F::add_words(far, twice);
        v[4] = F::sub_words(far, twice);
        v[5] = F::sub_words(F::sub_words(d[5], d[3]), F::add_words(twice, twice));
    }
    /// A^T m.
    static void transform_sums(const typename F::Ints (&m)[kPixels], typename F::Ints (&y)[kOutputs]) {
        using Ints = typename F::Ints;
        const Ints near = F::add_ints(m[1], m[2]), near_odd = F::sub_ints(m[1], m[2]), far = F::add_ints(m[3], m[4]),
                   far_odd = F::sub_ints(m[3], m[4]);
        y[0] = F::sub_ints(F::add_ints(m[0], far), F::template shift_ints<2>(near));
        y[1] = F::sub_ints(far_odd, F::add_ints(near_odd, near_odd));
        y[2] = F::sub_ints(far, near);
        y[3] = F::add_ints(F::sub_ints(F::add_ints(far_odd, far_odd), near_odd), m[5]);
    }
};

template <class F>
struct WinogradBytes {
    static constexpr int kOutputs = 2, kPixels = 4;
    static constexpr int8_t kG[kPixels * 3] = {2, 0, 0, 1, 1, 1, 1, -1, 1, 0, 0, 2};
    static constexpr int kMostCode = 63, kOffset = 128, kPlainPlane = 5;
    static constexpr int kTwos[kOutputs] = {1, 1};
    static constexpr bool kNines = false;
    static constexpr int kInputCost = 90, kSumCost = 258;

    using Elements = typename F::Codes;
    static constexpr int kElements = 4 * F::kLanes, kElementBytes = 1;

    static Elements load(const uint8_t* p, int count) {
        const uint8_t* const one[] = {p};
        return F::template load_together<1>(one, count);
    }
    static void store(unsigned char* p, Elements v) { F::template store_together<1>(v, p, 0, 1, kElements); }
    static Elements shifted(Elements v, int plane) {
        return plane == kPlainPlane ? v : F::add_bytes(v, F::all_bytes(kOffset));
    }

    static void transform_pixels(const Elements (&d)[kPixels], Elements (&v)[kPixels]) {
        v[0] = F::sub_bytes(d[0], d[2]);
        v[1] = F::add_bytes(d[1], d[2]);
        v[2] = F::sub_bytes(d[2], d[1]);
        v[3] = F::sub_bytes(d[1], d[3]);
    }
    static void transform_sums(const typename F::Ints (&m)[kPixels], typename F::Ints (&y)[kOutputs]) {
        y[0] = F::add_ints(F::add_ints(m[0], m[1]), m[2]);
        y[1] = F::sub_ints(F::sub_ints(m[1], m[2]), m[3]);
    }
};

}  // namespace
}  // namespace adaq::cpu::integer
