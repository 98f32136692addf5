#include "tools/bench/cuda/choices.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "kernels/cuda/convolution/choice.h"
#include "kernels/cuda/convolution/sizes.h"
#include "tools/bench/convolution_cases.h"
#include "tools/bench/direction.h"
#include "tools/program/streams.h"

namespace adaq::cuda {
namespace {

Shape batched(Shape shape, int batch) {
    shape.insert(shape.begin(), batch);
    return shape;
}

Product product_of(const ConvolutionSizes& sizes, Direction direction) {
    if (direction == Direction::forward) return forward_product(sizes);
    return direction == Direction::data ? to_data_product(sizes) : to_weights_product(sizes);
}

const char* name_of(TileSize tile) {
    return tile == TileSize::large ? "large" : tile == TileSize::tall ? "tall" : "small";
}

}  // namespace

int print_choices(const ChoicesOf& of) {
    const Card card{of.multiprocessors, 90, size_t{1024} * of.shared_kib};
    nlohmann::json rows = nlohmann::json::array();
    for (int batch : of.batches) {
        for (const ConvolutionCase& shape : resnet18_convolutions(of.image, "")) {
            const ConvolutionSizes sizes =
                convolution_sizes(batched(shape.x, batch), shape.w, batched(shape.y, batch), shape.window);
            for (Direction direction : {Direction::forward, Direction::data, Direction::weights}) {
                const Product product = product_of(sizes, direction);
                const bool vectors = in_vectors(sizes.c, sizes.k, of.math);
                const Choice choice = choose(product, k_tile(of.math, vectors), card);
                rows.push_back({{"batch", batch},
                                {"layer", shape.layer},
                                {"count", shape.count},
                                {"direction", to_string(direction)},
                                {"x", shape.x},
                                {"w", shape.w},
                                {"y", shape.y},
                                {"stride", shape.window.stride_h},
                                {"rows", product.rows},
                                {"columns", product.columns},
                                {"total", product.total},
                                {"planes", product.planes},
                                {"tile", name_of(choice.tile)},
                                {"splits", choice.splits},
                                {"vectors", vectors},
                                {"flops", shape.flops() * batch}});
            }
        }
    }
    print("{}\n", rows.dump());
    return 0;
}

}  // namespace adaq::cuda
