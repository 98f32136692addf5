// Depthwise convolutions, each of whose channels is filtered by itself: what their three directions have in common
// (depthwise_rows.h has the loops).
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "kernels/cpu/bf16_rows.h"
#include "kernels/cpu/compiled_operation.h"
#include "kernels/cpu/depthwise_rows.h"

namespace adaq::cpu {

/// Whether a convolution with this weight [K,R,S,C / groups] is one.
inline bool is_depthwise(const ConvolutionWindow& window, const Shape& w) {
    return w[3] == 1 && window.groups == w[0] && w[0] > 1 && w[1] <= kMostTapRows;
}

/// w[C,R,S,1] as [R][S][C], rounded to bf16 where products are; made anew where the weights are.
class DepthwiseWeights {
  public:
    DepthwiseWeights(const Shape& w, bool rounded) : taps_(w[1] * w[2]), channels_(w[0]), rounded_(rounded) {
        values_ = AlignedFloats(taps_ * channels_);
    }
    void refresh(uint64_t version, const float* w) {
        if (version_ == version) return;
        for (int64_t c = 0; c < channels_; ++c)
            for (int64_t tap = 0; tap < taps_; ++tap) values_.data()[tap * channels_ + c] = w[c * taps_ + tap];
        if (rounded_) round_in_place(values_.size(), values_.data());
        version_ = version;
    }
    const float* tap(int64_t index) const { return values_.data() + index * channels_; }

  private:
    int64_t taps_, channels_;
    bool rounded_;
    AlignedFloats values_;
    std::optional<uint64_t> version_;
};

/// Rows [width][channels] of maps, one after the other: as they are, or as bf16 holds them, of which the last few are
/// kept. Each thread has one of its own.
class MapRows {
  public:
    struct Kind {
        bool rounded = false, stored_half = false;
        int64_t elements = 0;  // of a row
        int64_t kept = 0;

        int64_t room_floats() const { return rounded ? (kept * elements + 15) / 16 * 16 : 0; }
    };
    /// room: for so many floats.
    MapRows(const Kind& kind, const float* map, float* room) : kind_(kind), map_(map), room_(room) {
        for (int64_t& row : held_) row = -1;
    }
    const float* operator()(int64_t row) {
        if (!kind_.rounded) return map_ + row * kind_.elements;
        const int64_t slot = row % kind_.kept;
        float* const values = room_ + slot * kind_.elements;
        if (held_[slot] != row) rounded_row(map_, kind_.stored_half, row * kind_.elements, kind_.elements, values);
        held_[slot] = row;
        return values;
    }
    static constexpr int64_t kMostKept = 64;

  private:
    Kind kind_;
    const float* map_;
    float* room_;
    int64_t held_[kMostKept];
};

inline MapRows::Kind map_rows(const Shape& map, bool rounded, bool stored_half, int64_t kept) {
    return {rounded, stored_half, map[2] * map[3], std::min(kept, MapRows::kMostKept)};
}

/// The forward direction; null where it is no depthwise convolution.
std::unique_ptr<CompiledOperation> compile_depthwise(const Program& program, const Convolution& op,
                                                     const OperationSetting& setting);

}  // namespace adaq::cpu
