// See winograd_convolution.h.
#include "kernels/cpu/integer/winograd_convolution.h"

#include <algorithm>

#include "kernels/cpu/integer/block_epilogue.h"
#include "kernels/cpu/integer/work_share.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu::integer {
namespace {

constexpr int64_t kEdge = 3;  // of a window
constexpr int64_t kAlignment = 64;
// What a thread transforms at once and the products of a block of channels stay in a second-level cache, beside the
// block's weights.
constexpr int64_t kWorkBytes = int64_t{384} * 1024;
// Weights so much larger come from beyond a second-level cache for every few tiles, and have to be worth it; much
// larger ones, which small maps have, are not worth the memory either.
constexpr int64_t kFarWeights = int64_t{2} * 1024 * 1024, kMostWeights = int64_t{6} * 1024 * 1024;
constexpr double kLeastGain = 1.05, kLeastGainOfFarWeights = 1.5;

int64_t planes_of(const WinogradKernels& kernels) { return int64_t{kernels.pixels} * kernels.pixels; }
int64_t element_bytes(const WinogradKernels& kernels) { return kernels.products.element == Element::byte ? 1 : 2; }
/// Elements of a vector.
int64_t vector_elements(const WinogradKernels& kernels) {
    return int64_t{kernels.products.lanes} * kernels.products.depth;
}
/// Bytes of a tile in a plane: whole vectors.
int64_t pitch_of(const Geometry& g, const WinogradKernels& kernels) {
    return rounded_up(g.c, vector_elements(kernels)) * element_bytes(kernels);
}
int64_t tiles_of_image(const Geometry& g, const WinogradKernels& kernels) {
    return divided_up(g.p(), kernels.outputs) * divided_up(g.q(), kernels.outputs);
}

/// The planes as a window's rows.
Geometry planes_as_rows(const Geometry& g, const WinogradKernels& kernels) {
    const int64_t planes = planes_of(kernels);
    return {.h = planes, .w = 1, .c = g.c, .k = g.k, .r = planes, .s = 1};
}

ADAQ_VECTORISE void add_scaled(const int8_t* from, int factor, int64_t count, int16_t* to) {
    for (int64_t i = 0; i < count; ++i) to[i] = static_cast<int16_t>(to[i] + factor * from[i]);
}

/// G g G^T of a filter: [planes, C].
void transform(const Geometry& g, const WinogradKernels& kernels, const int8_t* filter, int16_t* to) {
    std::fill_n(to, planes_of(kernels) * g.c, int16_t{0});
    for (int row = 0; row < kernels.pixels; ++row) {
        for (int column = 0; column < kernels.pixels; ++column, to += g.c) {
            for (int64_t tap = 0; tap < kEdge * kEdge; ++tap) {
                const int factor = kernels.g[row * kEdge + tap / kEdge] * kernels.g[column * kEdge + tap % kEdge];
                if (factor != 0) add_scaled(filter + tap * g.c, factor, g.c, to);
            }
        }
    }
}

ADAQ_VECTORISE int64_t sum_of(const int16_t* values, int64_t count) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += values[i];
    return sum;
}

/// The largest in size.
ADAQ_VECTORISE int largest(const int8_t* w, int64_t count) {
    int most = 0;
    for (int64_t i = 0; i < count; ++i) most = std::max(most, w[i] < 0 ? -w[i] : w[i]);
    return most;
}

/// Whether the weights of all planes are bytes. Most that are so are found to be without looking at each.
bool weights_are_bytes(const Geometry& g, const WinogradKernels& kernels, const int8_t* w) {
    if (kEdge * kEdge * largest(w, g.weights()) <= INT8_MAX) return true;  // no row of bytes' G has larger numbers
    std::vector<int16_t> filter(static_cast<size_t>(planes_of(kernels) * g.c));
    for (int64_t k = 0; k < g.k; ++k) {
        transform(g, kernels, w + k * kEdge * kEdge * g.c, filter.data());
        const auto [least, most] = std::minmax_element(filter.begin(), filter.end());
        if (*least < INT8_MIN || *most > INT8_MAX) return false;
    }
    return true;
}

bool sums_are_small(const Geometry& g, const int8_t* w, int x_most, int bits) {
    const int64_t row = kEdge * kEdge * g.c, bound = int64_t{1} << bits;
    if (row * largest(w, g.weights()) * x_most < bound) return true;
    for (int64_t k = 0; k < g.k; ++k, w += row) {
        int64_t above = 0, below = 0;
        for (int64_t i = 0; i < row; ++i) (w[i] > 0 ? above : below) += w[i];
        if (std::max(above, -below) * x_most >= bound) return false;
    }
    return true;
}

}  // namespace

/// How a run is cut into parts, and what a thread needs for one.
struct WinogradConvolution::Plan {
    int64_t tiles, tiles_at_once;
    WorkShare share;  // its parts are tiles
    int64_t input_bytes, sum_bytes, pixel_bytes, tile_bytes;

    Plan(const Geometry& g, const WinogradKernels& kernels, int64_t images, int threads);

    size_t workspace_bytes() const { return static_cast<size_t>(input_bytes + sum_bytes + pixel_bytes + tile_bytes); }
};

WinogradConvolution::Plan::Plan(const Geometry& g, const WinogradKernels& kernels, int64_t images, int threads)
    : tiles(images * tiles_of_image(g, kernels)) {
    const PackedLayout weights(planes_as_rows(g, kernels), kernels.products);
    const int64_t together = int64_t{2} * kernels.products.columns, planes = planes_of(kernels),
                  input = planes * pitch_of(g, kernels),  // bytes of a tile
        sums = planes * weights.block_channels() * static_cast<int64_t>(sizeof(int32_t));
    const int64_t parts = divided_up(tiles, std::max(kWorkBytes / (input + sums) / together, int64_t{1}) * together);
    share = WorkShare::among(threads, parts, tiles, images * g.h * g.w * g.c, static_cast<int64_t>(weights.bytes()),
                             weights.blocks());
    tiles_at_once = divided_up(tiles, share.parts);
    share.parts = divided_up(tiles, tiles_at_once);
    const int64_t room = rounded_up(tiles_at_once, together);
    input_bytes = rounded_up(room * input, kAlignment);
    sum_bytes = rounded_up(room * sums, kAlignment);
    pixel_bytes = rounded_up(tiles_at_once * planes * static_cast<int64_t>(sizeof(const uint8_t*)), kAlignment);
    tile_bytes = rounded_up(tiles_at_once * static_cast<int64_t>(sizeof(WinogradTile)), kAlignment);
}

/// A thread's workspace.
struct WinogradConvolution::Place {
    unsigned char* input;
    int32_t* sums;
    const uint8_t** pixels;
    WinogradTile* tiles;

    Place(const Plan& plan, unsigned char* at)
        : input(at),
          sums(reinterpret_cast<int32_t*>(at + plan.input_bytes)),
          pixels(reinterpret_cast<const uint8_t**>(at + plan.input_bytes + plan.sum_bytes)),
          tiles(reinterpret_cast<WinogradTile*>(at + plan.input_bytes + plan.sum_bytes + plan.pixel_bytes)) {}
};

/// In hundredths of a multiplication of 16 lanes, fitted to measurements. What is done beside multiplications costs in
/// proportion to a vector's lanes.
double WinogradConvolution::gain(const Geometry& g, int x_most, const WinogradKernels& kernels,
                                 const ProductKernels& integers) {
    if (kernels.run == nullptr || x_most > kernels.most_code) return 0.0;
    if (g.r != kEdge || g.s != kEdge || g.stride_h != 1 || g.stride_w != 1 || g.dilation_h != 1 || g.dilation_w != 1 ||
        g.groups != 1)
        return 0.0;
    const int64_t planes = planes_of(kernels), weight_bytes = planes * g.c * g.k * element_bytes(kernels);
    if (weight_bytes > kMostWeights) return 0.0;
    constexpr int64_t kProduct = 110, kDirectProduct = 100, kOutput = 1800;
    const int64_t inputs = divided_up(g.c, vector_elements(kernels)), outputs = divided_up(g.k, kernels.products.lanes);
    const Runs runs(g, integers);
    const int64_t beside = kernels.sum_cost + kernels.input_cost * inputs / outputs,
                  directly = g.p() * g.q() * (kDirectProduct * runs.count * runs.steps + kOutput),
                  by_winograd =
                      tiles_of_image(g, kernels) * (kProduct * planes * divided_up(g.c, kernels.products.depth) +
                                                    100 * beside * kernels.products.lanes / 16);
    const double gain = static_cast<double>(directly) / static_cast<double>(by_winograd);
    const bool far = weight_bytes - g.weights() > kFarWeights;
    return gain > (far ? kLeastGainOfFarWeights : kLeastGain) ? gain : 0.0;
}

bool WinogradConvolution::is_exact(const WinogradLayer& layer, const WinogradKernels& kernels) {
    return layer.x_most <= kernels.most_code && !any(layer.w_zero) &&
           sums_are_small(layer.geometry, layer.w, layer.x_most, kernels.sum_bits) &&
           (element_bytes(kernels) > 1 || weights_are_bytes(layer.geometry, kernels, layer.w));
}

WinogradConvolution::WinogradConvolution(const WinogradLayer& layer, const WinogradKernels& kernels, int x_zero,
                                         const std::vector<int32_t>& bias)
    : geometry_(layer.geometry),
      kernels_(kernels),
      zero_(static_cast<size_t>(geometry_.c), static_cast<uint8_t>(x_zero)),
      weights_(pack(layer, x_zero, bias)) {}

PackedWeights WinogradConvolution::pack(const WinogradLayer& layer, int x_zero, const std::vector<int32_t>& bias) {
    const Geometry &g = geometry_, rows = planes_as_rows(g, kernels_);
    const PackedLayout layout(rows, kernels_.products);
    const int64_t row = kEdge * kEdge * g.c, planes = planes_of(kernels_), channels = layout.block_channels();
    start_.resize(static_cast<size_t>(layout.blocks() * channels));
    plane_start_.resize(start_.size() * static_cast<size_t>(planes));
    std::vector<int16_t> filter(static_cast<size_t>(planes * g.c));
    const auto filter_of = [&](int64_t k) {
        transform(g, kernels_, layer.w + k * row, filter.data());
        start_[static_cast<size_t>(k)] = first_sum(layer.w + k * row, row, x_zero, bias, k);
        int32_t* const of_planes = plane_start_.data() + k / channels * planes * channels + k % channels;
        for (int64_t plane = 0; plane < planes; ++plane)
            if (kernels_.offset != 0 && plane != kernels_.plain_plane)
                of_planes[plane * channels] =
                    modulo_2_32(-int64_t{kernels_.offset} * sum_of(filter.data() + plane * g.c, g.c));
        return filter.data();
    };
    return {rows, kernels_.products, filter_of};
}

size_t WinogradConvolution::workspace_bytes(const Geometry& geometry, const WinogradKernels& kernels, int64_t images,
                                            int threads) {
    return Plan(geometry, kernels, images, threads).workspace_bytes() * static_cast<size_t>(threads);
}

void WinogradConvolution::find_tiles(int64_t first, int64_t count, const uint8_t* x, const Place& place) const {
    const Geometry& g = geometry_;
    const int64_t edge = kernels_.outputs, pixels = kernels_.pixels, columns = divided_up(g.q(), edge),
                  of_image = tiles_of_image(g, kernels_);
    const uint8_t** to = place.pixels;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t image = (first + i) / of_image, of_map = (first + i) % of_image, p = of_map / columns * edge,
                      q = of_map % columns * edge;
        place.tiles[i] = {(image * g.p() + p) * g.q() + q, static_cast<int>(std::min(edge, g.p() - p)),
                          static_cast<int>(std::min(edge, g.q() - q))};
        const int64_t first_column = q - g.left;
        const bool whole = first_column >= 0 && first_column + pixels <= g.w;
        for (int64_t row = p - g.top; row < p - g.top + pixels; ++row, to += pixels) {
            if (row < 0 || row >= g.h) {
                std::fill_n(to, pixels, zero_.data());
                continue;
            }
            const uint8_t* const of_row = x + ((image * g.h + row) * g.w + first_column) * g.c;
            for (int64_t column = 0; column < pixels; ++column) {
                const bool inside = whole || (first_column + column >= 0 && first_column + column < g.w);
                to[column] = inside ? of_row + column * g.c : zero_.data();
            }
        }
    }
}

void WinogradConvolution::run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y,
                              unsigned char* workspace, int threads) const {
    const Plan plan(geometry_, kernels_, images, threads);
    const Finish finish = finish_of(epilogue, geometry_.k);
    const int64_t pitch = pitch_of(geometry_, kernels_), channels = weights_.block_channels();
    const auto work = [&](int64_t part, int64_t first_block, int64_t end, unsigned char* at) {
        const Place place(plan, at);
        const int64_t first = part * plan.tiles_at_once, count = std::min(plan.tiles_at_once, plan.tiles - first);
        find_tiles(first, count, x, place);
        WinogradInputJob input{};
        input.pixels = place.pixels;
        input.tiles = count;
        input.channels = geometry_.c;
        input.v = place.input;
        input.pitch = pitch;
        input.plane = rounded_up(count, int64_t{2} * kernels_.products.columns) * pitch;
        kernels_.transform(input);
        WinogradBlockJob job{};
        job.v = place.input;
        job.plane = input.plane;
        job.pitch = pitch;
        job.tiles = place.tiles;
        job.tile_count = count;
        job.steps = divided_up(geometry_.c, kernels_.products.depth);
        job.sums = place.sums;
        job.row_positions = geometry_.q();
        for (int64_t block = first_block; block < end; ++block) {
            const BlockEpilogue<kMostChannels> block_epilogue(epilogue, weights_.first_channel(block),
                                                              weights_.channels_of(block));
            BlockJob of_block = block_epilogue.job(finish, y, geometry_.k);
            of_block.vectors = weights_.vectors_of(block);
            job.w = weights_.of(block);
            job.start = start_.data() + block * channels;
            job.plane_start = plane_start_.data() + block * planes_of(kernels_) * channels;
            kernels_.run(job, of_block);
        }
    };
    run_shared(plan.share, weights_.blocks(), threads, workspace, plan.workspace_bytes(), work);
}

}  // namespace adaq::cpu::integer
