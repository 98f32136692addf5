// A convolution in blocks: a band of positions by a block of output channels at a time, each by the
// kernels of an instruction set. Threads share bands, or blocks where there are few bands; results do not depend on it.
#pragma once

#include <memory>
#include <vector>

#include "kernels/cpu/integer/band.h"
#include "kernels/cpu/integer/epilogue.h"

namespace adaq::cpu::integer {

class BlockedConvolution {
  public:
    /// Of codes, which stand for code - x_zero. w_zero, bias: [K], or empty.
    BlockedConvolution(const Geometry& geometry, const ProductKernels& kernels, const int8_t* w,
                       const std::vector<int32_t>& w_zero, int x_zero, const std::vector<int32_t>& bias);
    /// Of floats.
    BlockedConvolution(const Geometry& geometry, const ProductKernels& kernels, const float* w);

    /// Of its weights and what comes with them.
    size_t bytes() const { return weights_.bytes() + start_.size() + w_zero_.size() * sizeof(int32_t); }
    /// What any weights need.
    static size_t workspace_bytes(const Geometry& geometry, const ProductKernels& kernels, Source source,
                                  int64_t images, int threads);
    /// x: codes or floats, as it was made for. workspace: at a cache line's beginning.
    void run(const void* x, int64_t images, const Epilogue& epilogue, const Result& y, unsigned char* workspace,
             int threads) const;

  private:
    void find_offsets();
    BandPlan plan_for(int64_t images, int threads) const;
    void fill_windows(const BandPlan& plan, const BandPlan::Band& band, int64_t group) const;
    void run_block(const BandPlan& plan, const BandPlan::Band& band, int64_t block, const Epilogue& epilogue,
                   const Finish& finish, const Result& y) const;

    BlockedConvolution(const Geometry& geometry, const Geometry& map, const ProductKernels& kernels, Source source,
                       PackedWeights weights);
    BlockedConvolution(const Geometry& geometry, const Geometry& map, const ProductKernels& kernels, const int8_t* w,
                       const std::vector<int32_t>& w_zero, int x_zero);

    Geometry geometry_, map_;  // as it is multiplied, as x lies: rows may be taken in pairs
    ProductKernels kernels_;
    Source source_;
    Runs runs_;
    PackedWeights weights_;
    std::vector<int64_t> offsets_;  // [runs]
    int x_zero_ = 0;
    AlignedBytes start_;           // [padded K], of the sums' type
    std::vector<int32_t> w_zero_;  // [padded K], or empty
};

}  // namespace adaq::cpu::integer
