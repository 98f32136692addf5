// Weights as the kernels read them: [block of channels][run][step][vector][lane][depth]. A run is a stretch of a window
// whose elements are neighbours in x: (s, c) of one r, or c of one (r, s) where there are dilation or groups. Channels,
// and elements of a run, that do not exist have the weight 0.
#pragma once

#include <functional>
#include <memory>
#include <new>
#include <vector>

#include "kernels/cpu/integer/geometry.h"
#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {

/// Bytes at a cache line's beginning.
class AlignedBytes {
  public:
    AlignedBytes() = default;
    explicit AlignedBytes(size_t size) : bytes_(new (kAlignment) unsigned char[size]()), size_(size) {}
    unsigned char* data() const { return bytes_.get(); }
    size_t size() const { return size_; }

  private:
    static constexpr std::align_val_t kAlignment{64};
    struct Free {
        void operator()(unsigned char* bytes) const { ::operator delete[](bytes, kAlignment); }
    };
    std::unique_ptr<unsigned char[], Free> bytes_;
    size_t size_ = 0;
};

/// How windows are cut into runs and steps.
struct Runs {
    int64_t count, length;        // runs, elements of one
    int64_t steps, chunk, depth;  // of a run, with those that have only zeros

    Runs(const Geometry& geometry, const ProductKernels& kernels);
    /// Elements that are read behind a window.
    int64_t excess() const { return steps * depth - length; }
    /// Elements from a window's beginning to run i, where a row of x is `pitch` elements long.
    int64_t offset(const Geometry& geometry, int64_t i, int64_t pitch) const;
};

/// A map whose rows are taken in pairs: [pair][column][row of the pair][channel]. Windows are half as many runs, twice
/// as long, which short ones need fewer instructions for.
struct PairedRows {
    /// Whether that takes fewer instructions.
    static bool pay(const Geometry& geometry, const ProductKernels& kernels);
    /// The same convolution, of pairs. Its h is rounded up: the last pair may lack a row.
    static Geometry geometry(const Geometry& geometry);
    /// Its weights: those of rows that are no part of a window are 0.
    static std::vector<int8_t> weights(const Geometry& geometry, const int8_t* w);
};

/// Sums of integers are so in every kernel.
inline int32_t modulo_2_32(int64_t sum) { return static_cast<int32_t>(static_cast<uint32_t>(sum)); }

/// Whether any is other than 0.
bool any(const std::vector<int32_t>& zeros);

/// What the sum of an output of channel k begins with where codes stand for code - x_zero, modulo 2^32: the bias, less
/// x_zero * (sum of the channel's weights, of which there are `count`). bias: [K], or empty.
int32_t first_sum(const int8_t* w, int64_t count, int x_zero, const std::vector<int32_t>& bias, int64_t k);

/// Where weights lie when they are packed.
class PackedLayout {
  public:
    PackedLayout(const Geometry& geometry, const ProductKernels& kernels);

    /// Of all groups: a block's channels are of one group.
    int64_t blocks() const { return groups_ * group_blocks_; }
    int64_t block_channels() const { return block_channels_; }
    int64_t group_of(int64_t block) const { return block / group_blocks_; }
    int64_t first_channel(int64_t block) const;
    int64_t channels_of(int64_t block) const;
    int vectors_of(int64_t block) const;
    /// Of channel k, where each block has as many lanes.
    int64_t lane_of(int64_t k) const;
    int64_t block_bytes() const { return block_bytes_; }
    size_t bytes() const { return static_cast<size_t>(blocks() * block_bytes_); }

  protected:
    int64_t lanes() const { return lanes_; }
    int64_t channels() const { return groups_ * group_k_; }

  private:
    int64_t groups_, group_k_, block_channels_, lanes_, group_blocks_, block_bytes_;
};

class PackedWeights : public PackedLayout {
  public:
    PackedWeights(const Geometry& geometry, const ProductKernels& kernels, const int8_t* w);
    PackedWeights(const Geometry& geometry, const ProductKernels& kernels, const float* w);
    /// filter_of: a channel's weights, of the elements that the kernels have. Called for one after the other.
    PackedWeights(const Geometry& geometry, const ProductKernels& kernels,
                  const std::function<const int16_t*(int64_t k)>& filter_of);

    const unsigned char* of(int64_t block) const { return bytes_.data() + block * block_bytes(); }

  private:
    template <typename FilterOf>
    void pack_integers(const Geometry& geometry, const ProductKernels& kernels, const FilterOf& filter_of);
    template <typename Stored, typename FilterOf>
    void pack(const Geometry& geometry, const ProductKernels& kernels, const FilterOf& filter_of);

    AlignedBytes bytes_;
};

}  // namespace adaq::cpu::integer
