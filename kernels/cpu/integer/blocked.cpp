// See blocked.h.
#include "kernels/cpu/integer/blocked.h"

#include <algorithm>
#include <utility>

#include "kernels/cpu/integer/block_epilogue.h"

namespace adaq::cpu::integer {
namespace {

size_t padded_channels(const PackedWeights& weights) {
    return static_cast<size_t>(weights.blocks() * weights.block_channels());
}

size_t sum_bytes(Element element) { return element == Element::real ? sizeof(double) : sizeof(float); }

void fill_start(const Geometry& g, const PackedWeights& weights, const int8_t* w, int x_zero,
                const std::vector<int32_t>& bias, AlignedBytes& start) {
    auto* const sums = reinterpret_cast<int32_t*>(start.data());
    const int64_t row = g.weights() / g.k;
    for (int64_t k = 0; k < g.k; ++k) sums[weights.lane_of(k)] = first_sum(w + k * row, row, x_zero, bias, k);
}

}  // namespace

BlockedConvolution::BlockedConvolution(const Geometry& geometry, const Geometry& map, const ProductKernels& kernels,
                                       Source source, PackedWeights weights)
    : geometry_(geometry),
      map_(map),
      kernels_(kernels),
      source_(source),
      runs_(geometry, kernels),
      weights_(std::move(weights)),
      start_(padded_channels(weights_) * sum_bytes(kernels.element)) {
    find_offsets();
}

BlockedConvolution::BlockedConvolution(const Geometry& geometry, const Geometry& map, const ProductKernels& kernels,
                                       const int8_t* w, const std::vector<int32_t>& w_zero, int x_zero)
    : BlockedConvolution(geometry, map, kernels, Source::codes, PackedWeights(geometry, kernels, w)) {
    x_zero_ = x_zero;
    if (!any(w_zero)) return;
    w_zero_.resize(padded_channels(weights_));
    for (size_t k = 0; k < w_zero.size(); ++k)
        w_zero_[static_cast<size_t>(weights_.lane_of(static_cast<int64_t>(k)))] = w_zero[k];
}

BlockedConvolution::BlockedConvolution(const Geometry& map, const ProductKernels& kernels, const int8_t* w,
                                       const std::vector<int32_t>& w_zero, int x_zero, const std::vector<int32_t>& bias)
    : BlockedConvolution(!any(w_zero) && PairedRows::pay(map, kernels)
                             ? BlockedConvolution(PairedRows::geometry(map), map, kernels,
                                                  PairedRows::weights(map, w).data(), w_zero, x_zero)
                             : BlockedConvolution(map, map, kernels, w, w_zero, x_zero)) {
    if (x_zero != 0 || !bias.empty()) fill_start(map, weights_, w, x_zero, bias, start_);
}

BlockedConvolution::BlockedConvolution(const Geometry& geometry, const ProductKernels& kernels, const float* w)
    : BlockedConvolution(geometry, geometry, kernels, Source::floats, PackedWeights(geometry, kernels, w)) {}

/// Bytes from a window's beginning to each run, for any number of images.
void BlockedConvolution::find_offsets() {
    const BandPlan plan = plan_for(1, 1);
    for (int64_t i = 0; i < runs_.count; ++i)
        offsets_.push_back(runs_.offset(geometry_, i, plan.pitch()) * plan.element_bytes());
}

BandPlan BlockedConvolution::plan_for(int64_t images, int threads) const {
    return {geometry_,        map_, kernels_, source_, images, threads, static_cast<int64_t>(weights_.bytes()),
            weights_.blocks()};
}

size_t BlockedConvolution::workspace_bytes(const Geometry& map, const ProductKernels& kernels, Source source,
                                           int64_t images, int threads) {
    const auto bytes_of = [&](const Geometry& geometry) {
        const PackedLayout weights(geometry, kernels);
        const BandPlan plan(geometry, map, kernels, source, images, threads, static_cast<int64_t>(weights.bytes()),
                            weights.blocks());
        return plan.workspace_bytes() * static_cast<size_t>(threads);
    };
    const size_t bytes = bytes_of(map);
    return PairedRows::pay(map, kernels) ? std::max(bytes, bytes_of(PairedRows::geometry(map))) : bytes;
}

void BlockedConvolution::run(const void* x, int64_t images, const Epilogue& epilogue, const Result& y,
                             unsigned char* workspace, int threads) const {
    const BandPlan plan = plan_for(images, threads);
    const Finish finish = finish_of(epilogue, geometry_.k);
    const auto work = [&](int64_t part, int64_t first, int64_t end, unsigned char* place) {
        const BandPlan::Band band = plan.make(part, x, x_zero_, place);
        int64_t windows_of = -1;  // a group
        for (int64_t block = first; block < end; ++block) {
            const int64_t group = weights_.group_of(block);
            if (!w_zero_.empty() && group != windows_of) fill_windows(plan, band, group);
            windows_of = group;
            run_block(plan, band, block, epilogue, finish, y);
        }
    };
    run_shared(plan.share(), weights_.blocks(), threads, workspace, plan.workspace_bytes(), work);
}

void BlockedConvolution::run_block(const BandPlan& plan, const BandPlan::Band& band, int64_t block,
                                   const Epilogue& epilogue, const Finish& finish, const Result& y) const {
    const int64_t first = weights_.first_channel(block), channels = weights_.channels_of(block),
                  lane = block * weights_.block_channels();
    const BlockEpilogue<kMostChannels> block_epilogue(epilogue, first, channels);
    BlockJob job = block_epilogue.job(finish, y, geometry_.k);
    job.x = band.x + weights_.group_of(block) * geometry_.group_c() * plan.element_bytes();
    job.tiles = band.tiles;
    job.tile_count = band.tile_count;
    job.column_bytes = plan.column_bytes();
    job.runs = offsets_.data();
    job.steps = runs_.steps;
    job.chunk = runs_.chunk;
    job.w = weights_.of(block);
    if (block + 1 < weights_.blocks()) job.next_w = weights_.of(block + 1) - job.w;
    job.vectors = weights_.vectors_of(block);
    job.start = start_.data() + static_cast<size_t>(lane) * sum_bytes(kernels_.element);
    if (!w_zero_.empty()) {
        job.w_zero = w_zero_.data() + lane;
        job.windows = band.windows;
    }
    kernels_.run(job);
}

void BlockedConvolution::fill_windows(const BandPlan& plan, const BandPlan::Band& band, int64_t group) const {
    const unsigned char* const x = band.x + group * geometry_.group_c() * plan.element_bytes();
    const auto sum_of = [&](const unsigned char* at) {
        int64_t sum = 0;
        for (int64_t i = 0; i < runs_.length; ++i)
            sum += plan.element_bytes() == 1 ? int{at[i]} : int{reinterpret_cast<const int16_t*>(at)[i]};
        return sum;
    };
    for (int64_t t = 0; t < band.tile_count; ++t) {
        const TilePlace& tile = band.tiles[t];
        for (int i = 0; i < tile.segments * tile.columns; ++i) {
            const unsigned char* const window = x + tile.x[i / tile.columns] + i % tile.columns * plan.column_bytes();
            int64_t sum = -runs_.length * x_zero_ * (tile.last_run - tile.first_run);
            for (int64_t run = tile.first_run; run < tile.last_run; ++run)
                sum += sum_of(window + offsets_[static_cast<size_t>(run)]);
            band.windows[t * kMostPositions + i] = modulo_2_32(sum);
        }
    }
}

}  // namespace adaq::cpu::integer
