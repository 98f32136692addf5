// The integers that a quantised value can take, and what they stand for.
#pragma once

#if defined(__CUDACC__)
#define ADAQ_HOST_DEVICE __host__ __device__
#else
#define ADAQ_HOST_DEVICE
#endif

namespace adaq {

/// Integers [qmin, qmax]: signed n bit, or 0 ... 2^n - 1 where the data has no negative values ("one-sided"). n is 2
/// ... 8. A narrow grid is two-sided and leaves out -2^(n-1), so that each integer has its opposite.
struct Grid {
    int bits = 8;
    bool one_sided = false;
    bool narrow = false;

    ADAQ_HOST_DEVICE float qmin() const {
        return one_sided ? 0.0f : static_cast<float>((narrow ? 1 : 0) - (1 << (bits - 1)));
    }
    ADAQ_HOST_DEVICE float qmax() const {
        return static_cast<float>(one_sided ? (1 << bits) - 1 : (1 << (bits - 1)) - 1);
    }
    bool operator==(const Grid&) const = default;
};

/// An integer q stands for (q - zero_point) * scale.
struct ScaleZero {
    float scale = 1.0f;
    float zero_point = 0.0f;
};

}  // namespace adaq
