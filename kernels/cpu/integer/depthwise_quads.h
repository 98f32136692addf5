// Depthwise convolutions in products of bytes, four taps at a time (quads_row.h): of weights without zero points, where
// an instruction set has such products, into codes.
//
// Channels are taken in blocks of as many as a vector holds codes; of what is left behind whole blocks two or four
// positions share a vector. Weights lie [block][four taps][quarter][piece of 128 bits][channel of the quarter][tap]: in
// each piece a quarter is four channels. One tap that is left lies as four do, with zeros for the others.
#pragma once

#include <vector>

#include "kernels/cpu/integer/epilogue.h"
#include "kernels/cpu/integer/geometry.h"
#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {

class DepthwiseQuads {
  public:
    static constexpr int64_t kMostTaps = 64;
    /// Of a depthwise convolution.
    static bool can(const Geometry& geometry, const Instructions& instructions, const std::vector<int32_t>& w_zero);

    /// As DepthwiseConvolution.
    DepthwiseQuads(const Geometry& geometry, const Instructions& instructions, const int8_t* w, int x_zero,
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
    /// Positions [first, first + count) of a row: either one, or all of their taps lie between the map's sides.
    struct Stretch {
        int64_t first, count;
    };

    void add_block(int64_t first, int channels, int together, const int8_t* w, int x_zero,
                   const std::vector<int32_t>& bias);
    Stretch stretch_from(int64_t position) const;
    void run_stretches(const uint8_t* image, int64_t p, int64_t first_y, const Stretch* stretches, int64_t count,
                       const Epilogue& epilogue, const Finish& finish, const Result& y) const;

    Geometry geometry_;
    const Instructions* instructions_;
    int64_t taps_;               // filled up to what quads_row.h takes
    int64_t first_, last_;       // positions [first_, last_) of a row see nothing beside the map's sides
    std::vector<uint8_t> zero_;  // codes of zero
    std::vector<Block> blocks_;
    std::vector<int8_t> w_;
    std::vector<int32_t> start_;
};

}  // namespace adaq::cpu::integer
