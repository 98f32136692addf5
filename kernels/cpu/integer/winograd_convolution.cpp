// See winograd_convolution.h.
#include "kernels/cpu/integer/winograd_convolution.h"

#include <algorithm>

#include "kernels/cpu/integer/block_epilogue.h"

namespace adaq::cpu::integer {
namespace {

constexpr int64_t kEdge = 3;  // of a window
constexpr int64_t kAlignment = 64;
// What a thread transforms at once and the products of a block of channels stay in a second-level cache, beside the
// block's weights.
constexpr int64_t kWorkBytes = 384 * 1024;
// More weights than a second-level cache holds come from further away for every few tiles; many more, which small maps
// have, are not worth the memory either.
constexpr int64_t kLargeWeights = 2 * 1024 * 1024, kMostWeights = 6 * 1024 * 1024;

int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t rounded_up(int64_t a, int64_t to) { return divided_up(a, to) * to; }

int64_t tiles_of_image(const Geometry& g) {
    return divided_up(g.p(), kWinogradOutputs) * divided_up(g.q(), kWinogradOutputs);
}

/// Whether sums of any codes stay below 2^25.
bool is_exact(const Geometry& g, const int8_t* w) {
    constexpr int64_t kMostCode = 255, kBound = int64_t{1} << 25;
    const int64_t row = g.weights() / g.k;
    for (int64_t k = 0; k < g.k; ++k, w += row) {
        int64_t above = 0, below = 0;
        for (int64_t i = 0; i < row; ++i) (w[i] > 0 ? above : below) += w[i];
        if (std::max(above, -below) * kMostCode >= kBound) return false;
    }
    return true;
}

int64_t weight_bytes(const Geometry& g) { return kWinogradPlanes * g.c * g.k * static_cast<int64_t>(sizeof(int16_t)); }

/// G g G^T of all filters: [K, planes, C].
std::vector<int16_t> transformed(const Geometry& g, const int8_t* w) {
    constexpr int kG[kWinogradPixels][kEdge] = {{6, 0, 0}, {1, 1, 1}, {1, -1, 1}, {1, 2, 4}, {1, -2, 4}, {0, 0, 6}};
    std::vector<int16_t> result(static_cast<size_t>(g.k * kWinogradPlanes * g.c));
    for (int64_t k = 0; k < g.k; ++k) {
        const int8_t* const filter = w + k * kEdge * kEdge * g.c;
        for (int64_t plane = 0; plane < kWinogradPlanes; ++plane) {
            int16_t* const to = result.data() + (k * kWinogradPlanes + plane) * g.c;
            for (int64_t r = 0; r < kEdge; ++r) {
                for (int64_t s = 0; s < kEdge; ++s) {
                    const int factor = kG[plane / kWinogradPixels][r] * kG[plane % kWinogradPixels][s];
                    if (factor == 0) continue;
                    const int8_t* const from = filter + (r * kEdge + s) * g.c;
                    for (int64_t c = 0; c < g.c; ++c) to[c] = static_cast<int16_t>(to[c] + factor * from[c]);
                }
            }
        }
    }
    return result;
}

/// The planes as a window's rows.
Geometry planes(const Geometry& g) {
    return {.h = kWinogradPlanes, .w = 1, .c = g.c, .k = g.k, .r = kWinogradPlanes, .s = 1};
}

}  // namespace

/// How a run is cut into pieces: some tiles by some blocks of channels.
struct WinogradConvolution::Plan {
    int64_t tiles, tiles_at_once, pieces, groups;  // groups: of blocks
    int64_t input_bytes, sum_bytes, pixel_bytes, tile_bytes;

    size_t workspace_bytes() const { return static_cast<size_t>(input_bytes + sum_bytes + pixel_bytes + tile_bytes); }
};

/// A thread's workspace.
struct WinogradConvolution::Place {
    int16_t* input;
    int32_t* sums;
    const uint8_t** pixels;
    WinogradTile* tiles;

    Place(const Plan& plan, unsigned char* at)
        : input(reinterpret_cast<int16_t*>(at)),
          sums(reinterpret_cast<int32_t*>(at + plan.input_bytes)),
          pixels(reinterpret_cast<const uint8_t**>(at + plan.input_bytes + plan.sum_bytes)),
          tiles(reinterpret_cast<WinogradTile*>(at + plan.input_bytes + plan.sum_bytes + plan.pixel_bytes)) {}
};

bool WinogradConvolution::can(const Geometry& g, const Instructions& instructions, const int8_t* w,
                              const std::vector<int32_t>& w_zero) {
    return instructions.winograd.run != nullptr && g.r == kEdge && g.s == kEdge && g.stride_h == 1 && g.stride_w == 1 &&
           g.dilation_h == 1 && g.dilation_w == 1 && g.groups == 1 &&
           std::all_of(w_zero.begin(), w_zero.end(), [](int32_t zero) { return zero == 0; }) && is_exact(g, w);
}

/// By the instructions that an image and a vector of output channels take.
bool WinogradConvolution::pays(const Geometry& g, const Instructions& set) {
    const int64_t weight_bytes = kWinogradPlanes * g.c * g.k * static_cast<int64_t>(sizeof(int16_t));
    if (weight_bytes > kMostWeights) return false;
    constexpr int64_t kOfInput = 350, kOfSums = 280;  // instructions of a tile and a vector
    const int64_t words = 2 * set.winograd.words.lanes, outputs = divided_up(g.k, set.winograd.words.lanes);
    const Runs runs(g, set.integers);
    const int64_t directly = g.p() * g.q() * runs.count * runs.steps,
                  by_winograd = tiles_of_image(g) * (kWinogradPlanes * divided_up(g.c, set.winograd.words.depth) +
                                                     kOfSums + kOfInput * divided_up(g.c, words) / outputs);
    // As measured. Directly, more multiplications overlap.
    return directly * 100 > by_winograd * (weight_bytes > kLargeWeights ? 150 : 117);
}

WinogradConvolution::WinogradConvolution(const Geometry& geometry, const WinogradKernels& kernels, const int8_t* w,
                                         int x_zero, const std::vector<int32_t>& bias)
    : geometry_(geometry),
      kernels_(kernels),
      weights_(planes(geometry), kernels.words, transformed(geometry, w).data()),
      pitch_(rounded_up(geometry.c, 2 * kernels.words.lanes)),
      start_(static_cast<size_t>(weights_.blocks() * weights_.block_channels())),
      zero_(static_cast<size_t>(geometry.c), static_cast<uint8_t>(x_zero)) {
    const int64_t row = kEdge * kEdge * geometry.c;
    for (int64_t k = 0; k < geometry.k; ++k)
        start_[static_cast<size_t>(k)] = first_sum(w + k * row, row, x_zero, bias, k);
}

WinogradConvolution::Plan WinogradConvolution::plan_for(int64_t images, int threads) const {
    Plan plan{};
    plan.tiles = images * tiles_of_image(geometry_);
    const int64_t together = 2 * kernels_.words.columns, tile_words = kWinogradPlanes * pitch_,
                  tile_sums = kWinogradPlanes * weights_.block_channels(),
                  tile_bytes = tile_words * static_cast<int64_t>(sizeof(int16_t)) +
                               tile_sums * static_cast<int64_t>(sizeof(int32_t)),
                  most = std::max(kWorkBytes / tile_bytes / together, int64_t{1}) * together;
    plan.pieces = divided_up(plan.tiles, most);
    plan.groups = 1;
    if (plan.pieces < threads) {
        const int64_t map_bytes = images * geometry_.h * geometry_.w * geometry_.c;
        if (static_cast<int64_t>(weights_.bytes()) > map_bytes) {
            plan.groups = std::min(weights_.blocks(), divided_up(threads, plan.pieces));
        } else {
            plan.pieces = threads;
        }
    }
    if (plan.groups == 1) plan.pieces = rounded_up(plan.pieces, threads);
    plan.pieces = std::min(plan.pieces, plan.tiles);
    plan.tiles_at_once = divided_up(plan.tiles, plan.pieces);
    plan.pieces = divided_up(plan.tiles, plan.tiles_at_once);
    const int64_t room = rounded_up(plan.tiles_at_once, together), lanes = weights_.block_channels();
    plan.input_bytes = rounded_up(room * tile_words * static_cast<int64_t>(sizeof(int16_t)), kAlignment);
    plan.sum_bytes = room * kWinogradPlanes * lanes * static_cast<int64_t>(sizeof(int32_t));
    plan.pixel_bytes = plan.tiles_at_once * kWinogradPlanes * static_cast<int64_t>(sizeof(const uint8_t*));
    plan.tile_bytes = rounded_up(plan.tiles_at_once * static_cast<int64_t>(sizeof(WinogradTile)), kAlignment);
    return plan;
}

size_t WinogradConvolution::workspace_bytes(int64_t images, int threads) const {
    return plan_for(images, threads).workspace_bytes() * static_cast<size_t>(threads);
}

void WinogradConvolution::find_tiles(int64_t first, int64_t count, const uint8_t* x, const Place& place) const {
    const Geometry& g = geometry_;
    const int64_t columns = divided_up(g.q(), kWinogradOutputs), of_image = tiles_of_image(g);
    const uint8_t** to = place.pixels;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t image = (first + i) / of_image, of_map = (first + i) % of_image,
                      p = of_map / columns * kWinogradOutputs, q = of_map % columns * kWinogradOutputs;
        place.tiles[i] = {(image * g.p() + p) * g.q() + q,
                          static_cast<int>(std::min<int64_t>(kWinogradOutputs, g.p() - p)),
                          static_cast<int>(std::min<int64_t>(kWinogradOutputs, g.q() - q))};
        const int64_t first_column = q - g.left;
        const bool whole = first_column >= 0 && first_column + kWinogradPixels <= g.w;
        for (int64_t row = p - g.top; row < p - g.top + kWinogradPixels; ++row, to += kWinogradPixels) {
            if (row < 0 || row >= g.h) {
                std::fill_n(to, kWinogradPixels, zero_.data());
                continue;
            }
            const uint8_t* const of_row = x + ((image * g.h + row) * g.w + first_column) * g.c;
            for (int64_t column = 0; column < kWinogradPixels; ++column) {
                const bool inside = whole || (first_column + column >= 0 && first_column + column < g.w);
                to[column] = inside ? of_row + column * g.c : zero_.data();
            }
        }
    }
}

void WinogradConvolution::run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y,
                              unsigned char* workspace, int threads) const {
    const Plan plan = plan_for(images, threads);
    const Finish finish = finish_of(epilogue, geometry_.k);
    const int64_t blocks = weights_.blocks(), items = plan.pieces * plan.groups;
    const auto work = [&](int64_t item, const Place& place) {
        const int64_t first = item / plan.groups * plan.tiles_at_once,
                      count = std::min(plan.tiles_at_once, plan.tiles - first), part = item % plan.groups;
        find_tiles(first, count, x, place);
        WinogradInputJob input{};
        input.pixels = place.pixels;
        input.tiles = count;
        input.channels = geometry_.c;
        input.v = place.input;
        input.pitch = pitch_;
        input.plane = rounded_up(count, 2 * kernels_.words.columns) * pitch_;
        kernels_.transform(input);
        WinogradBlockJob job{};
        job.v = place.input;
        job.plane = input.plane;
        job.pitch = pitch_;
        job.tiles = place.tiles;
        job.tile_count = count;
        job.steps = divided_up(geometry_.c, kernels_.words.depth);
        job.sums = place.sums;
        job.row_positions = geometry_.q();
        for (int64_t block = blocks * part / plan.groups; block < blocks * (part + 1) / plan.groups; ++block) {
            const BlockEpilogue<kMostChannels> block_epilogue(epilogue, weights_.first_channel(block),
                                                              weights_.channels_of(block));
            BlockJob of_block = block_epilogue.job(finish, y, geometry_.k);
            of_block.vectors = weights_.vectors_of(block);
            job.w = weights_.of(block);
            job.start = start_.data() + block * weights_.block_channels();
            kernels_.run(job, of_block);
        }
    };
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1 && items > 1)
    for (int thread = 0; thread < threads; ++thread) {
        const Place place(plan, workspace + static_cast<size_t>(thread) * plan.workspace_bytes());
        for (int64_t item = items * thread / threads; item < items * (thread + 1) / threads; ++item) work(item, place);
    }
}

}  // namespace adaq::cpu::integer
