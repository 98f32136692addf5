// See packing.h.
#include "kernels/cpu/integer/packing.h"

#include <algorithm>

#include "engine/error.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu::integer {

Runs::Runs(const Geometry& g, const ProductKernels& kernels) : depth(kernels.depth) {
    const bool whole_rows = g.s == 1 || (g.dilation_w == 1 && g.groups == 1);
    count = whole_rows ? g.r : g.r * g.s;
    length = whole_rows ? g.s * g.group_c() : g.group_c();
    // As few instructions as possible, each for as many steps.
    const int64_t needed = divided_up(length, depth), chunks = divided_up(needed, kernels.most_chunk);
    chunk = divided_up(needed, chunks);
    steps = chunks * chunk;
}

int64_t Runs::offset(const Geometry& g, int64_t i, int64_t pitch) const {
    if (count == g.r) return i * g.dilation_h * pitch;
    return i / g.s * g.dilation_h * pitch + i % g.s * g.dilation_w * g.c;
}

bool PairedRows::pay(const Geometry& g, const ProductKernels& kernels) {
    if (kernels.most_chunk == 1 || g.stride_h % 2 != 0 || g.dilation_h != 1 || g.dilation_w != 1 || g.groups != 1)
        return false;
    const auto instructions = [&](const Geometry& windows) {
        const Runs runs(windows, kernels);
        return runs.count * runs.steps / runs.chunk;
    };
    return instructions(geometry(g)) < instructions(g);
}

/// Pairs begin at even rows of the map: where padding is odd, a window begins at its first pair's second row.
Geometry PairedRows::geometry(const Geometry& g) {
    Geometry pairs = g;
    const int64_t before = g.top % 2;
    pairs.h = (g.h + 1) / 2;
    pairs.c = 2 * g.c;
    pairs.r = (g.r + before + 1) / 2;
    pairs.stride_h = g.stride_h / 2;
    pairs.top = (g.top + before) / 2;
    pairs.bottom = (g.p() - 1) * pairs.stride_h + pairs.r - pairs.h - pairs.top;
    return pairs;
}

std::vector<int8_t> PairedRows::weights(const Geometry& g, const int8_t* w) {
    const Geometry pairs = geometry(g);
    std::vector<int8_t> result(static_cast<size_t>(pairs.weights()));
    for (int64_t k = 0; k < g.k; ++k) {
        for (int64_t r = 0; r < g.r; ++r) {
            const int64_t row = r + g.top % 2;
            for (int64_t s = 0; s < g.s; ++s) {
                const int64_t to = ((k * pairs.r + row / 2) * g.s + s) * pairs.c + row % 2 * g.c;
                std::copy_n(w + ((k * g.r + r) * g.s + s) * g.c, g.c, result.begin() + to);
            }
        }
    }
    return result;
}

namespace {

ADAQ_VECTORISE int64_t sum_of(const int8_t* w, int64_t count) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += w[i];
    return sum;
}

template <typename Stored, typename Weight>
Stored stored(Weight weight) {
    if constexpr (sizeof(Stored) < sizeof(Weight)) {
        return static_cast<Stored>(weight);
    } else {
        return Stored{weight};
    }
}

/// Of a run, to steps at a distance.
template <int depth, typename Weight, typename Stored>
void spread(const Weight* from, int64_t count, Stored* to, int64_t distance) {
    int64_t i = 0;
    for (; i + depth <= count; i += depth, to += distance)
        for (int j = 0; j < depth; ++j) to[j] = stored<Stored>(from[i + j]);
    for (int j = 0; i + j < count; ++j) to[j] = stored<Stored>(from[i + j]);
}

}  // namespace

bool any(const std::vector<int32_t>& zeros) {
    return std::any_of(zeros.begin(), zeros.end(), [](int32_t zero) { return zero != 0; });
}

int32_t first_sum(const int8_t* w, int64_t count, int x_zero, const std::vector<int32_t>& bias, int64_t k) {
    const int64_t sum = sum_of(w, count);
    return modulo_2_32((bias.empty() ? 0 : bias[static_cast<size_t>(k)]) - x_zero * sum);
}

PackedLayout::PackedLayout(const Geometry& g, const ProductKernels& kernels)
    : groups_(g.groups),
      group_k_(g.k / g.groups),
      block_channels_(int64_t{kernels.vectors} * kernels.lanes),
      lanes_(kernels.lanes),
      group_blocks_(divided_up(group_k_, block_channels_)) {
    const Runs runs(g, kernels);
    const int64_t weight_bytes = kernels.element == Element::byte ? 1 : kernels.element == Element::word ? 2 : 4;
    block_bytes_ = runs.count * runs.steps * block_channels_ * kernels.depth * weight_bytes;
}

PackedWeights::PackedWeights(const Geometry& g, const ProductKernels& kernels, const int8_t* w)
    : PackedLayout(g, kernels), bytes_(bytes()) {
    pack_integers(g, kernels, [&](int64_t k) { return w + k * (g.weights() / g.k); });
}

PackedWeights::PackedWeights(const Geometry& g, const ProductKernels& kernels, const float* w)
    : PackedLayout(g, kernels), bytes_(bytes()) {
    pack<float>(g, kernels, [&](int64_t k) { return w + k * (g.weights() / g.k); });
}

PackedWeights::PackedWeights(const Geometry& g, const ProductKernels& kernels,
                             const std::function<const int16_t*(int64_t k)>& filter_of)
    : PackedLayout(g, kernels), bytes_(bytes()) {
    pack_integers(g, kernels, filter_of);
}

int64_t PackedLayout::first_channel(int64_t block) const {
    return group_of(block) * group_k_ + block % group_blocks_ * block_channels_;
}

int64_t PackedLayout::channels_of(int64_t block) const {
    return std::min(block_channels_, group_k_ - block % group_blocks_ * block_channels_);
}

int PackedLayout::vectors_of(int64_t block) const { return static_cast<int>(divided_up(channels_of(block), lanes_)); }

int64_t PackedLayout::lane_of(int64_t k) const { return k / group_k_ * group_blocks_ * block_channels_ + k % group_k_; }

template <typename FilterOf>
void PackedWeights::pack_integers(const Geometry& g, const ProductKernels& kernels, const FilterOf& filter_of) {
    if (kernels.element == Element::byte) {
        pack<int8_t>(g, kernels, filter_of);
    } else {
        pack<int16_t>(g, kernels, filter_of);
    }
}

template <typename Stored, typename FilterOf>
void PackedWeights::pack(const Geometry& g, const ProductKernels& kernels, const FilterOf& filter_of) {
    require(kernels.depth == 1 || kernels.depth == 2 || kernels.depth == 4, "packing: steps of {}", kernels.depth);
    const Runs runs(g, kernels);
    for (int64_t k = 0; k < channels(); ++k) {
        const int64_t block = lane_of(k) / block_channels(), lane = lane_of(k) % block_channels(),
                      distance = vectors_of(block) * lanes() * kernels.depth;
        auto* const to = reinterpret_cast<Stored*>(bytes_.data() + block * block_bytes()) + lane * kernels.depth;
        const auto* const filter = filter_of(k);
        for (int64_t run = 0; run < runs.count; ++run) {
            const auto* const from = filter + run * runs.length;
            Stored* const first = to + run * runs.steps * distance;
            if (kernels.depth == 4) {
                spread<4>(from, runs.length, first, distance);
            } else if (kernels.depth == 2) {
                spread<2>(from, runs.length, first, distance);
            } else {
                spread<1>(from, runs.length, first, distance);
            }
        }
    }
}

}  // namespace adaq::cpu::integer
