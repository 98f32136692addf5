// See depthwise_columns.h.
#include "kernels/cpu/integer/depthwise_columns.h"

#include <algorithm>

#include "kernels/cpu/integer/block_epilogue.h"
#include "kernels/cpu/integer/packing.h"

namespace adaq::cpu::integer {
namespace {

constexpr int kPiece = 16, kQuarter = 4;  // codes: what is interleaved stays in a piece

}  // namespace

bool DepthwiseColumns::can(const Geometry& g, const Instructions& instructions, const std::vector<int32_t>& w_zero) {
    return instructions.columns_channels > 0 && g.r == g.s && (g.s == 3 || g.s == 5) && g.stride_w <= 2 &&
           g.dilation_w == 1 && !any(w_zero);
}

DepthwiseColumns::DepthwiseColumns(const Geometry& g, const Instructions& instructions, const int8_t* w, int x_zero,
                                   const std::vector<int32_t>& bias)
    : geometry_(g),
      instructions_(&instructions),
      zero_(static_cast<size_t>(instructions.columns_channels), static_cast<uint8_t>(x_zero)) {
    const int most = instructions.columns_channels;
    for (int64_t k = 0; k < g.k; k += most) {
        const int channels = static_cast<int>(std::min<int64_t>(most, g.k - k));
        int together = 1;
        while (2 * together <= instructions.columns_together && channels <= most / (2 * together)) together *= 2;
        add_block(k, channels, together, w, x_zero, bias);
    }
}

void DepthwiseColumns::add_block(int64_t first, int channels, int together, const int8_t* w, int x_zero,
                                 const std::vector<int32_t>& bias) {
    const int codes = instructions_->columns_channels, room = codes / together;
    const int64_t size = geometry_.s, of_column = (size + 3) / 4 * 4 * codes;
    blocks_.push_back({first, channels, together, w_.size(), start_.size()});
    w_.resize(w_.size() + static_cast<size_t>(size * of_column));
    start_.resize(start_.size() + static_cast<size_t>(codes));
    int8_t* const to = w_.data() + blocks_.back().w;
    for (int place = 0; place < codes; ++place) {  // in a vector of codes
        const int channel = place % room;
        if (channel >= channels) continue;
        const int8_t* const of_channel = w + (first + channel) * size * size;
        const int piece = place / kPiece, quarter = place % kPiece / kQuarter;
        const int64_t lane = quarter * (codes / 4) + piece * kQuarter + place % kQuarter;
        for (int64_t r = 0; r < size; ++r)
            for (int64_t s = 0; s < size; ++s)
                to[s * of_column + r / 4 * 4 * codes + lane * 4 + r % 4] = of_channel[r * size + s];
        start_[blocks_.back().start + static_cast<size_t>(lane)] =
            first_sum(of_channel, size * size, x_zero, bias, first + channel);
    }
}

void DepthwiseColumns::run_row(const uint8_t* image, int64_t p, int64_t first_y, const Epilogue& epilogue,
                               const Finish& finish, const Result& y) const {
    const Geometry& g = geometry_;
    ColumnsJob job{};
    job.zero = zero_.data();
    job.width = g.w;
    job.left = g.left;
    job.positions = g.q();
    job.size = static_cast<int>(g.s);
    job.stride = static_cast<int>(g.stride_w);
    for (const Block& block : blocks_) {
        for (int64_t r = 0; r < g.r; ++r) {
            const int64_t row = p * g.stride_h - g.top + r * g.dilation_h;
            const bool inside = row >= 0 && row < g.h;
            job.rows[r] = inside ? image + row * g.w * g.c + block.first : zero_.data();
            job.pitch[r] = inside ? g.c : 0;
        }
        job.w = w_.data() + block.w;
        job.start = start_.data() + block.start;
        job.together = block.together;
        const BlockEpilogue<kDepthwiseChannels> block_epilogue(epilogue, block.first, block.channels);
        instructions_->depthwise_columns(job, block_epilogue.job(finish, y, g.k), first_y);
    }
}

}  // namespace adaq::cpu::integer
