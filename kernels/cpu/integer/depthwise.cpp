// See depthwise.h.
#include "kernels/cpu/integer/depthwise.h"

#include <algorithm>

#include "kernels/cpu/integer/block_epilogue.h"

namespace adaq::cpu::integer {
namespace {

/// Where a group's channel is packed.
int64_t place_in_group(int64_t channel, int64_t group) {
    constexpr int64_t kHalf = 4;
    return channel / kHalf % 2 * (group / 2) + channel / (2 * kHalf) * kHalf + channel % kHalf;
}

}  // namespace

DepthwiseConvolution::DepthwiseConvolution(const Geometry& geometry, const Instructions& instructions, const int8_t* w,
                                           const std::vector<int32_t>& w_zero, int x_zero,
                                           const std::vector<int32_t>& bias)
    : geometry_(geometry), instructions_(&instructions), zero_(kDepthwiseChannels, static_cast<uint8_t>(x_zero)) {
    if (DepthwiseColumns::can(geometry, instructions, w_zero))
        columns_.emplace(geometry, instructions, w, x_zero, bias);
    find_taps();
    const int64_t taps = geometry.r * geometry.s, packed_taps = static_cast<int64_t>(taps_.size());
    const int64_t group = instructions.depthwise_group, channels = rounded_up(geometry.k, group);
    w_.resize(static_cast<size_t>(channels * packed_taps));
    start_.resize(static_cast<size_t>(channels));
    for (int64_t k = 0; k < geometry.k; ++k) {
        const int64_t place = place_in_group(k % group, group), first = k / group * group;
        const int zero = w_zero.empty() ? 0 : w_zero[static_cast<size_t>(k)];
        int sum = 0;
        for (int64_t i = 0; i < taps; ++i) {
            const int centred = w[k * taps + i] - zero;
            w_[static_cast<size_t>(first * packed_taps + (i / 2 * group + place) * 2 + i % 2)] =
                static_cast<int16_t>(centred);
            sum += centred;
        }
        start_[static_cast<size_t>(first + place)] = (bias.empty() ? 0 : bias[static_cast<size_t>(k)]) - x_zero * sum;
    }
}

void DepthwiseConvolution::find_taps() {
    const Geometry& g = geometry_;
    for (int64_t r = 0; r < g.r; ++r) {
        for (int64_t s = 0; s < g.s; ++s) {
            const int64_t row = r * g.dilation_h, column = s * g.dilation_w;
            taps_.push_back({row, column, (row * g.w + column) * g.c});
        }
    }
    if (taps_.size() % 2 != 0) taps_.push_back({0, 0, 0});  // of weight 0
}

void DepthwiseConvolution::run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y,
                               int threads) const {
    const Finish finish = finish_of(epilogue, geometry_.k);
    const int64_t rows = geometry_.p(), image_codes = geometry_.h * geometry_.w * geometry_.c;
    const bool in_columns = columns_ && DepthwiseColumns::takes(epilogue, finish);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t i = 0; i < images * rows; ++i) {
        const uint8_t* const image = x + i / rows * image_codes;
        const int64_t p = i % rows, first_y = i * geometry_.q();
        if (in_columns) {
            columns_->run_row(image, p, first_y, epilogue, finish, y);
        } else {
            run_row(image, p, first_y, epilogue, finish, y);
        }
    }
}

/// first_y: the row's first position of y.
void DepthwiseConvolution::run_row(const uint8_t* image, int64_t p, int64_t first_y, const Epilogue& epilogue,
                                   const Finish& finish, const Result& y) const {
    const Geometry& g = geometry_;
    for (int64_t k = 0; k < g.k; k += kDepthwiseChannels) {
        const int64_t channels = std::min<int64_t>(kDepthwiseChannels, g.k - k);
        const BlockEpilogue<kDepthwiseChannels> block_epilogue(epilogue, k, channels);
        DepthwiseJob row{};
        row.x = image + k;
        row.zero = zero_.data();
        row.w = w_.data() + k * static_cast<int64_t>(taps_.size());
        row.start = start_.data() + k;
        row.taps = taps_.data();
        row.pairs = static_cast<int64_t>(taps_.size()) / 2;
        row.height = g.h;
        row.width = g.w;
        row.pitch = g.c;
        row.top = p * g.stride_h - g.top;
        row.left = g.left;
        row.last_row = (g.r - 1) * g.dilation_h;
        row.last_column = (g.s - 1) * g.dilation_w;
        row.stride = g.stride_w;
        row.positions = g.q();
        row.channels = static_cast<int>(channels);
        instructions_->depthwise(row, block_epilogue.job(finish, y, g.k), first_y);
    }
}

}  // namespace adaq::cpu::integer
