// The two inner loops of resizing, compiled for several instruction sets and chosen when the program starts.
#pragma once

#include <cstddef>
#include <cstdint>

namespace adaq {

struct ResampleTaps;

/// One row, horizontally: out[x * channels + c] = sum over taps of weight * row[(first + tap - offset) * channels + c].
/// `channels` is 1 or 3. With 3 channels one byte after the last input pixel is read, and one after the last output
/// written.
void resample_row(const uint8_t* row, int offset, int channels, const ResampleTaps& taps, uint8_t* out);

/// One row, vertically: out[i] = sum over `count` rows, `stride` bytes apart, of weights[row] * rows[row][i].
void blend_rows(const uint8_t* rows, size_t stride, const int32_t* weights, int count, size_t bytes, uint8_t* out);

}  // namespace adaq
