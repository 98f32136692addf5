// See depthwise_quads.h.
#include "kernels/cpu/integer/depthwise_quads.h"

#include <algorithm>

#include "kernels/cpu/integer/block_epilogue.h"

namespace adaq::cpu::integer {
namespace {

constexpr int kPiece = 16, kQuarter = 4;  // codes

}  // namespace

bool DepthwiseQuads::can(const Geometry& geometry, const Instructions& instructions,
                         const std::vector<int32_t>& w_zero) {
    return instructions.quads_channels > 0 && geometry.r * geometry.s <= kMostTaps &&
           std::all_of(w_zero.begin(), w_zero.end(), [](int32_t zero) { return zero == 0; });
}

DepthwiseQuads::DepthwiseQuads(const Geometry& g, const Instructions& instructions, const int8_t* w, int x_zero,
                               const std::vector<int32_t>& bias)
    : geometry_(g),
      instructions_(&instructions),
      taps_(g.r * g.s % 4 > 1 ? (g.r * g.s + 3) / 4 * 4 : g.r * g.s),
      first_((g.left + g.stride_w - 1) / g.stride_w),
      zero_(static_cast<size_t>(instructions.quads_channels), static_cast<uint8_t>(x_zero)) {
    const int64_t room = g.w - 1 - (g.s - 1) * g.dilation_w + g.left;
    last_ = room < 0 ? 0 : std::min(room / g.stride_w + 1, g.q());
    const int most = instructions.quads_channels;
    for (int64_t k = 0; k < g.k; k += most) {
        const int channels = static_cast<int>(std::min<int64_t>(most, g.k - k));
        int together = 1;
        while (2 * together <= instructions.quads_together && channels <= most / (2 * together)) together *= 2;
        add_block(k, channels, together, w, x_zero, bias);
    }
}

void DepthwiseQuads::add_block(int64_t first, int channels, int together, const int8_t* w, int x_zero,
                               const std::vector<int32_t>& bias) {
    const int codes = instructions_->quads_channels, room = codes / together;
    const int64_t taps = geometry_.r * geometry_.s;
    blocks_.push_back({first, channels, together, w_.size(), start_.size()});
    w_.resize(w_.size() + static_cast<size_t>((taps_ + 3) / 4 * 4 * codes));
    start_.resize(start_.size() + static_cast<size_t>(codes));
    for (int place = 0; place < codes; ++place) {  // in a vector of codes
        const int channel = place % room;
        if (channel >= channels) continue;
        const int8_t* const of_channel = w + (first + channel) * taps;
        const int piece = place / kPiece, quarter = place % kPiece / kQuarter;
        const int64_t lane = quarter * (codes / 4) + piece * kQuarter + place % kQuarter;
        int sum = 0;
        for (int64_t tap = 0; tap < taps; ++tap) {
            w_[blocks_.back().w + static_cast<size_t>(tap / 4 * 4 * codes + lane * 4 + tap % 4)] = of_channel[tap];
            sum += of_channel[tap];
        }
        start_[blocks_.back().start + static_cast<size_t>(lane)] =
            (bias.empty() ? 0 : bias[static_cast<size_t>(first + channel)]) - x_zero * sum;
    }
}

DepthwiseQuads::Stretch DepthwiseQuads::stretch_from(int64_t position) const {
    return {position, position >= first_ && position < last_ ? last_ - position : 1};
}

void DepthwiseQuads::run_row(const uint8_t* image, int64_t p, int64_t first_y, const Epilogue& epilogue,
                             const Finish& finish, const Result& y) const {
    constexpr int64_t kMost = 8;
    for (int64_t position = 0; position < geometry_.q();) {
        Stretch stretches[kMost];
        int64_t count = 0, end = position;
        for (; count < kMost && end < geometry_.q(); end += stretches[count++].count)
            stretches[count] = stretch_from(end);
        run_stretches(image, p, first_y + position, stretches, count, epilogue, finish, y);
        position = end;
    }
}

void DepthwiseQuads::run_stretches(const uint8_t* image, int64_t p, int64_t first_y, const Stretch* stretches,
                                   int64_t count, const Epilogue& epilogue, const Finish& finish,
                                   const Result& y) const {
    constexpr int64_t kMost = 8, kBeside = -1;
    const Geometry& g = geometry_;
    int64_t offsets[kMost][kMostTaps];  // of codes in the image
    for (int64_t i = 0; i < count; ++i) {
        const int64_t left = stretches[i].first * g.stride_w - g.left;
        for (int64_t tap = 0; tap < taps_; ++tap) {
            const int64_t of = std::min(tap, g.r * g.s - 1), row = p * g.stride_h - g.top + of / g.s * g.dilation_h,
                          column = left + of % g.s * g.dilation_w;
            const bool inside = row >= 0 && row < g.h && column >= 0 && column < g.w;
            offsets[i][tap] = inside ? (row * g.w + column) * g.c : kBeside;
        }
    }
    TapRow taps[kMost][kMostTaps];
    DepthwiseRun runs[kMost];
    for (const Block& block : blocks_) {
        for (int64_t i = 0; i < count; ++i) {
            for (int64_t tap = 0; tap < taps_; ++tap) {
                const int64_t offset = offsets[i][tap];
                taps[i][tap] = offset == kBeside ? TapRow{zero_.data(), 0}
                                                 : TapRow{image + offset + block.first, g.stride_w * g.c};
            }
            runs[i] = {taps[i], stretches[i].count};
        }
        const BlockEpilogue<kDepthwiseChannels> block_epilogue(epilogue, block.first, block.channels);
        instructions_->depthwise_quads(
            {runs, count, taps_, w_.data() + block.w, start_.data() + block.start, block.together},
            block_epilogue.job(finish, y, g.k), first_y);
    }
}

}  // namespace adaq::cpu::integer
