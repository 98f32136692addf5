// See blocked.h.
#include "kernels/cpu/integer/blocked.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/integer/reciprocal.h"

namespace adaq::cpu::integer {
namespace {

size_t padded_channels(const PackedWeights& weights) {
    return static_cast<size_t>(weights.blocks() * weights.block_channels());
}

size_t sum_bytes(Element element) { return element == Element::real ? sizeof(double) : sizeof(float); }

/// Sums of x * w lack the bias and -x_zero * (sum of w), modulo 2^32.
void fill_start(const Geometry& g, const PackedWeights& weights, const int8_t* w, int x_zero,
                const std::vector<int32_t>& bias, AlignedBytes& start) {
    auto* const sums = reinterpret_cast<int32_t*>(start.data());
    const int64_t row = g.weights() / g.k;
    for (int64_t k = 0; k < g.k; ++k) {
        int64_t sum = 0;
        for (int64_t i = 0; i < row; ++i) sum += w[k * row + i];
        sums[weights.lane_of(k)] = static_cast<int32_t>(
            static_cast<uint32_t>((bias.empty() ? 0 : bias[static_cast<size_t>(k)]) - x_zero * sum));
    }
}

/// Where v * (1 / s) is so near to a tie, v / s may be on the other side. Both are within 3 * 2^-24 * 256 of the
/// quotient wherever it is not clamped.
constexpr float kNearTie = 0.5f - 1.0f / 16384, kNoTie = 1.0f;

/// Whether v * (1 / s) is as near to v / s as that.
bool has_reciprocal(const Finish& f) {
    constexpr float kMostCode = 256.0f;
    return std::isnormal(f.scale) && std::isnormal(1.0f / f.scale) && f.low >= -kMostCode && f.high <= kMostCode;
}

bool any(const std::vector<int32_t>& zeros) {
    return std::any_of(zeros.begin(), zeros.end(), [](int32_t zero) { return zero != 0; });
}

float largest(const float* values, int64_t count) {
    float most = 0.0f;
    for (int64_t i = 0; i < count; ++i) most = std::max(most, std::fabs(values[i]));
    return most;
}

/// Whether a product, or two, give codes, and no quotient of a sum of 32 bits reaches 2^30.
bool is_bounded(const Finish& f, const Epilogue& e, int64_t channels) {
    constexpr float kMostScale = 0.25f, kMostTerm = 65536.0f, kLargestCode = 255.0f;
    const bool products = e.quantiser->factor != 0.0f || e.quantiser->products;
    if (!products || f.reciprocal == 0.0f || e.residual.values != nullptr) return false;
    const float size = std::fabs(e.factor * f.reciprocal),
                scale = (e.scale != nullptr ? largest(e.scale, channels) : 1.0f) * size,
                shift = (e.shift != nullptr ? largest(e.shift, channels) : 0.0f) * size,
                term = std::fabs(e.residual.scale * f.reciprocal) * kLargestCode;
    return scale <= kMostScale && shift <= kMostTerm && (e.residual.codes == nullptr || term <= kMostTerm);
}

}  // namespace

Finish finish_of(const Epilogue& e, int64_t channels) {
    Finish f{e.lowest, e.highest, e.quantiser.has_value(), 1.0f, 0.0f, 0.0f, kNearTie, false, 0.0f, 0.0f, 0, e.factor};
    if (!e.quantiser) return f;
    f.scale = e.quantiser->scale;
    const float factor = e.quantiser->factor;
    // The clamp before the quantiser is one of codes, too: quantising keeps the order.
    const auto low = static_cast<float>(e.quantiser->qmin - e.quantiser->zero_point),
               high = static_cast<float>(e.quantiser->qmax - e.quantiser->zero_point);
    const auto steps = [&](float bound) { return factor != 0.0f ? bound * factor : bound / f.scale; };
    f.low = std::clamp(std::rint(steps(e.lowest)), low, high);
    f.high = std::clamp(std::rint(steps(e.highest)), low, high);
    f.offset = e.quantiser->zero_point - e.quantiser->qmin;
    if (factor != 0.0f) {
        f.reciprocal = factor;
        f.near_tie = kNoTie;
    } else if (has_reciprocal(f)) {
        const Reciprocal by = reciprocal_of(f.scale);
        f.reciprocal = by.nearest;
        f.rest = by.rest;
    }
    f.bounded = is_bounded(f, e, channels);
    return f;
}

OperandRow row_of(const Operand& operand, int64_t first) {
    return {operand.values != nullptr ? operand.values + first : nullptr,
            operand.codes != nullptr ? operand.codes + first : nullptr, static_cast<float>(operand.zero),
            operand.scale};
}

BlockedConvolution::BlockedConvolution(const Geometry& geometry, const Geometry& map, const ProductKernels& kernels,
                                       const int8_t* w, const std::vector<int32_t>& w_zero, int x_zero)
    : geometry_(geometry),
      map_(map),
      kernels_(kernels),
      source_(Source::codes),
      runs_(geometry, kernels),
      weights_(geometry, kernels, w),
      x_zero_(x_zero),
      start_(padded_channels(weights_) * sum_bytes(kernels.element)),
      w_zero_(any(w_zero) ? padded_channels(weights_) : 0) {
    for (size_t k = 0; k < w_zero.size() && !w_zero_.empty(); ++k)
        w_zero_[static_cast<size_t>(weights_.lane_of(static_cast<int64_t>(k)))] = w_zero[k];
    find_offsets();
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
    : geometry_(geometry),
      map_(geometry),
      kernels_(kernels),
      source_(Source::floats),
      runs_(geometry, kernels),
      weights_(geometry, kernels, w),
      start_(padded_channels(weights_) * sum_bytes(kernels.element)) {
    find_offsets();
}

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

size_t BlockedConvolution::workspace_bytes(int64_t images, int threads) const {
    return plan_for(images, threads).workspace_bytes() * static_cast<size_t>(threads);
}

void BlockedConvolution::run(const void* x, int64_t images, const Epilogue& epilogue, const Result& y,
                             unsigned char* workspace, int threads) const {
    const BandPlan plan = plan_for(images, threads);
    const Finish finish = finish_of(epilogue, geometry_.k);
    const int64_t groups = plan.groups(), blocks = weights_.blocks(), items = plan.bands() * groups;
    const auto work = [&](int64_t item, unsigned char* place) {
        const BandPlan::Band band = plan.make(item / groups, x, x_zero_, place);
        const int64_t part = item % groups;
        int64_t windows_of = -1;  // a group
        for (int64_t block = blocks * part / groups; block < blocks * (part + 1) / groups; ++block) {
            const int64_t group = weights_.group_of(block);
            if (!w_zero_.empty() && group != windows_of) fill_windows(plan, band, group);
            windows_of = group;
            run_block(plan, band, block, epilogue, finish, y);
        }
    };
    if (threads == 1 || items == 1) {
        for (int64_t item = 0; item < items; ++item) work(item, workspace);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int thread = 0; thread < threads; ++thread) {
        unsigned char* const place = workspace + static_cast<size_t>(thread) * plan.workspace_bytes();
        for (int64_t item = items * thread / threads; item < items * (thread + 1) / threads; ++item) work(item, place);
    }
}

void BlockedConvolution::run_block(const BandPlan& plan, const BandPlan::Band& band, int64_t block,
                                   const Epilogue& epilogue, const Finish& finish, const Result& y) const {
    const int64_t first = weights_.first_channel(block), channels = weights_.channels_of(block),
                  lane = block * weights_.block_channels();
    // What multiplies and adds nothing where there is none: v + -0 is v, of either zero, too.
    alignas(64) float scale[kMostChannels], shift[kMostChannels];
    std::fill_n(scale, kMostChannels, 1.0f);
    std::fill_n(shift, kMostChannels, -0.0f);
    if (epilogue.scale != nullptr) std::copy_n(epilogue.scale + first, channels, scale);
    if (epilogue.shift != nullptr) std::copy_n(epilogue.shift + first, channels, shift);
    BlockJob job{};
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
    job.channels = static_cast<int>(channels);
    job.start = start_.data() + static_cast<size_t>(lane) * sum_bytes(kernels_.element);
    job.scale = scale;
    job.shift = shift;
    if (!w_zero_.empty()) {
        job.w_zero = w_zero_.data() + lane;
        job.windows = band.windows;
    }
    job.residual = row_of(epilogue.residual, first);
    job.finish = finish;
    job.values = y.values != nullptr ? y.values + first : nullptr;
    job.codes = y.codes != nullptr ? y.codes + first : nullptr;
    job.row = geometry_.k;
    job.column_rows = 1;
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
            band.windows[t * kMostPositions + i] = static_cast<int32_t>(static_cast<uint32_t>(sum));
        }
    }
}

}  // namespace adaq::cpu::integer
