// What becomes of a sum of products of codes: what zero points add to it, then the epilogue in float32.
//   sum of (x - x_zero) (w - w_zero) = sum of x w  -  x_zero * sum of w  -  w_zero * sum of (x - x_zero)
// and the bias that is an integer. The first is what tensor cores multiply, where x is x_zero around the map; the
// second is a number a channel, the third one a window, which is 0 around the map.
#pragma once

#include "kernels/cuda/fast_divide.h"
#include "kernels/cuda/integer/codes.h"

namespace adaq::cuda {

struct ZeroPoints {
    const int32_t* weight_sums = nullptr;   // [channels] x_zero * sum of w; null: 0
    const int32_t* weight_zeros = nullptr;  // [channels], with
    const int32_t* window_sums = nullptr;   // [rows] sum of x - x_zero; null: 0
    const int32_t* bias = nullptr;          // [channels]; null: 0
};

struct CodesFinish {
    static constexpr bool kSums = false;
    CodesEpilogue epilogue;
    ZeroPoints zeros;
    FastDivide channels;

    template <int Count>
    __device__ float run(int32_t (&sum)[Count], int64_t first, int channel) const {
        int32_t of_channel[Count];
        if (zeros.weight_sums) {
            load_run<Count>(of_channel, zeros.weight_sums + channel);
#pragma unroll
            for (int i = 0; i < Count; ++i) sum[i] = difference(sum[i], static_cast<uint32_t>(of_channel[i]));
        }
        if (zeros.window_sums) {
            const auto window = static_cast<uint32_t>(zeros.window_sums[channels.quotient(static_cast<int>(first))]);
            load_run<Count>(of_channel, zeros.weight_zeros + channel);
#pragma unroll
            for (int i = 0; i < Count; ++i) sum[i] = difference(sum[i], static_cast<uint32_t>(of_channel[i]) * window);
        }
        if (zeros.bias) {
            load_run<Count>(of_channel, zeros.bias + channel);
#pragma unroll
            for (int i = 0; i < Count; ++i) sum[i] = difference(sum[i], 0u - static_cast<uint32_t>(of_channel[i]));
        }
        float v[Count];
#pragma unroll
        for (int i = 0; i < Count; ++i) v[i] = static_cast<float>(sum[i]);
        epilogue.finish<Count>(v, first, channel);
        return 0.0f;
    }
    /// Of a sum to which zero points have nothing to add.
    template <int Count>
    __device__ float run(float (&v)[Count], int64_t first, int channel) const {
        epilogue.finish<Count>(v, first, channel);
        return 0.0f;
    }
    __device__ const CodesFinish& load() const { return *this; }
    float* scale_gradient() const { return nullptr; }
    float scale_gradient_factor() const { return 1.0f; }
    bool aligned() const {
        return epilogue.aligned() && aligned_runs<4>(zeros.weight_zeros) && aligned_runs<4>(zeros.bias);
    }

  private:
    /// Modulo 2^32.
    __device__ static int32_t difference(int32_t a, uint32_t b) {
        return static_cast<int32_t>(static_cast<uint32_t>(a) - b);
    }
};

}  // namespace adaq::cuda
