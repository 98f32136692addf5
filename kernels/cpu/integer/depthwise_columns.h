// Depthwise convolutions in products of bytes, column by column (columns.h): 3x3 and 5x5 windows with stride 1 or 2
// over columns, of weights without zero points, where an instruction set has such products, into codes.
//
// Channels are taken in blocks of as many as a vector holds codes; of what is left behind whole blocks two or four
// positions share a vector.
#pragma once

#include <vector>

#include "kernels/cpu/integer/epilogue.h"
#include "kernels/cpu/integer/geometry.h"
#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {

class DepthwiseColumns {
  public:
    /// Of a depthwise convolution.
    static bool can(const Geometry& geometry, const Instructions& instructions, const std::vector<int32_t>& w_zero);

    /// As DepthwiseConvolution.
    DepthwiseColumns(const Geometry& geometry, const Instructions& instructions, const int8_t* w, int x_zero,
                     const std::vector<int32_t>& bias);

    static bool takes(const Epilogue& epilogue, const Finish& finish) {
        return finish.quantises && finish.bounded && !epilogue.residual.present();
    }
    /// Of its weights.
    size_t bytes() const { return w_.size() + start_.size() * sizeof(int32_t); }
    /// Row p of an image; first_y: its first position of y.
    void run_row(const uint8_t* image, int64_t p, int64_t first_y, const Epilogue& epilogue, const Finish& finish,
                 const Result& y) const;

  private:
    struct Block {
        int64_t first;
        int channels, together;
        size_t w, start;  // where they begin
    };

    void add_block(int64_t first, int channels, int together, const int8_t* w, int x_zero,
                   const std::vector<int32_t>& bias);

    Geometry geometry_;
    const Instructions* instructions_;
    std::vector<uint8_t> zero_;  // codes of zero
    std::vector<Block> blocks_;
    std::vector<int8_t> w_;  // [block], as columns.h has them
    std::vector<int32_t> start_;
};

}  // namespace adaq::cpu::integer
