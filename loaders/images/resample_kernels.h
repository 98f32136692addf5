// The inner loops of resizing. Each exists once in plain C++ and, for x86-64 processors that have AVX2 (asked at run
// time), once in a faster form with the same integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/graph/model.h"

namespace adaq {

/// For each output position of one axis: which inputs it averages, with which weights. Weights are whole numbers of
/// 2^-22; bicubic ones may be negative.
struct ResampleTaps {
    std::vector<int> first, count;  // per output: its inputs are first ... first + count - 1
    std::vector<int32_t> weights;   // `stride` per output, those beyond `count` zero
    int stride = 0;                 // a multiple of kGroup

    /// The weights again for the AVX2 loop: per group of four taps, the four high parts (weight >> 11), the four low
    /// ones.
    std::vector<int16_t> halves;

    static constexpr int kGroup = 4;
    static constexpr int kLowBits = 11;

    /// Makes the weights for outputs [from, to) of resizing `in` pixels to `out`; does nothing if it has them already.
    void prepare(int in, int out, int from, int to, Interpolation interpolation);
    int first_input() const { return first.front(); }
    int end_input() const { return first.back() + count.back(); }

  private:
    void split_weights();

    int in_ = 0, out_ = 0, from_ = 0, to_ = 0;  // what they were made for
    Interpolation interpolation_ = Interpolation::bilinear;
};

/// Bytes after a row's last pixel that resample_rows may read (and ignores).
constexpr size_t kResampleSlack = 32;

/// Rows that resample_rows does best at a time.
constexpr int kResampleRows = 4;

/// Resizes `rows` (1 to kResampleRows) rows horizontally; they start `in_stride` bytes apart with the pixel
/// taps.first_input(). Each out channel = sum over taps of weight * pixel, rounded and clamped to 0 ... 255. `channels`
/// is 1 or 3.
void resample_rows(const uint8_t* in, size_t in_stride, int rows, int channels, const ResampleTaps& taps, uint8_t* out,
                   size_t out_stride);

/// One output row of resizing vertically: out[i] = sum over `count` rows, `stride` bytes apart, of weights[row] *
/// in[row][i].
void blend_rows(const uint8_t* in, size_t stride, const int32_t* weights, int count, size_t bytes, uint8_t* out);

/// For the tests: makes the two above take their plain form from now on.
void use_plain_resample_kernels(bool plain);

}  // namespace adaq
