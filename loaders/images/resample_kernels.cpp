// See resample_kernels.h. Sums are 32-bit: 8-bit pixels times weights that add up to 2^22.
#include "loaders/images/resample_kernels.h"

#include <algorithm>
#include <cstring>

#include "loaders/images/resample.h"

// GCC and Clang choose among these at load time (ifunc), so that one binary serves every x86-64. Sanitizers cannot
// instrument the resolver, which runs before they are ready.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define ADAQ_RESAMPLE_CLONES __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define ADAQ_RESAMPLE_CLONES
#endif

namespace adaq {

namespace {

constexpr int kWeightBits = 22;
constexpr int32_t kHalf = 1 << (kWeightBits - 1);

typedef int32_t Lanes __attribute__((vector_size(16)));
typedef uint8_t Bytes __attribute__((vector_size(4)));

}  // namespace

ADAQ_RESAMPLE_CLONES
static void resample_row_rgb(const uint8_t* row, int offset, const ResampleTaps& taps, uint8_t* out) {
    const size_t outputs = taps.first.size();
    for (size_t x = 0; x < outputs; ++x) {
        const int32_t* weight = taps.weights.data() + x * static_cast<size_t>(taps.stride);
        const uint8_t* pixel = row + static_cast<ptrdiff_t>(taps.first[x] - offset) * 3;
        Lanes sum = {kHalf, kHalf, kHalf, kHalf};
        for (int tap = 0; tap < taps.count[x]; ++tap, pixel += 3) {
            Bytes bytes;  // the fourth belongs to the next pixel and is not used
            std::memcpy(&bytes, pixel, sizeof(bytes));
            sum += __builtin_convertvector(bytes, Lanes) * weight[tap];
        }
        const Bytes result = __builtin_convertvector(sum >> kWeightBits, Bytes);
        std::memcpy(out + x * 3, &result, sizeof(result));
    }
}

ADAQ_RESAMPLE_CLONES
static void resample_row_grey(const uint8_t* row, int offset, const ResampleTaps& taps, uint8_t* out) {
    const size_t outputs = taps.first.size();
    for (size_t x = 0; x < outputs; ++x) {
        const int32_t* weight = taps.weights.data() + x * static_cast<size_t>(taps.stride);
        const uint8_t* pixel = row + (taps.first[x] - offset);
        int32_t sum = kHalf;
        for (int tap = 0; tap < taps.count[x]; ++tap) sum += pixel[tap] * weight[tap];
        out[x] = static_cast<uint8_t>(sum >> kWeightBits);
    }
}

ADAQ_RESAMPLE_CLONES
static void blend(const uint8_t* rows, size_t stride, const int32_t* weights, int count, size_t bytes, uint8_t* out) {
    constexpr size_t kBlock = 64;
    for (size_t at = 0; at < bytes; at += kBlock) {
        const size_t block = std::min(kBlock, bytes - at);
        int32_t sum[kBlock];
        std::fill_n(sum, kBlock, kHalf);
        if (block == kBlock) {
            for (int tap = 0; tap < count; ++tap) {
                const uint8_t* row = rows + static_cast<size_t>(tap) * stride + at;
                for (size_t i = 0; i < kBlock; ++i) sum[i] += row[i] * weights[tap];
            }
        } else {
            for (int tap = 0; tap < count; ++tap) {
                const uint8_t* row = rows + static_cast<size_t>(tap) * stride + at;
                for (size_t i = 0; i < block; ++i) sum[i] += row[i] * weights[tap];
            }
        }
        for (size_t i = 0; i < block; ++i) out[at + i] = static_cast<uint8_t>(sum[i] >> kWeightBits);
    }
}

void resample_row(const uint8_t* row, int offset, int channels, const ResampleTaps& taps, uint8_t* out) {
    if (channels == 3) {
        resample_row_rgb(row, offset, taps, out);
    } else {
        resample_row_grey(row, offset, taps, out);
    }
}

void blend_rows(const uint8_t* rows, size_t stride, const int32_t* weights, int count, size_t bytes, uint8_t* out) {
    blend(rows, stride, weights, count, bytes, out);
}

}  // namespace adaq
