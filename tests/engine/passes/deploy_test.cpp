// What a network made for a runtime becomes: norms in weights' scales, biases on the grid of their layers' sums.
#include "engine/passes/deploy.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/nearest.h"
#include "engine/nodes/kinds.h"
#include "engine/passes/executor.h"
#include "engine/passes/simulate.h"
#include "support/devices.h"
#include "support/random_networks.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// One weight a channel, two channels.
Layer layer_of(Grid grid, std::vector<float> zero_points, std::vector<float> centred, std::vector<float> factors) {
    Layer layer;
    layer.name = "layer1.0.conv1";
    layer.shape = {static_cast<int64_t>(factors.size()), 1, 1, static_cast<int64_t>(centred.size() / factors.size())};
    layer.codes = LayerCodes{grid, "minmax", std::vector<float>(zero_points.size(), 0.5f), std::move(zero_points),
                             std::move(centred)};
    layer.channel_scale = std::move(factors);
    layer.channel_shift.assign(layer.channel_scale.size(), 1.0f);
    return layer;
}

/// Of two images.
std::vector<float> logits_of(Device& device, const RandomNetwork& made, const std::vector<float>& images,
                             Execution execution) {
    Executor executor(device, made.network, 2, made.height, made.width, execution);
    std::vector<float> values(static_cast<size_t>(2 * executor.classes()));
    executor.run(images, values);
    return values;
}

/// That two images' logits in integers are those of the simulation.
void require_bits_of_simulation(Device& device, RandomNetwork& made) {
    const std::vector<float> images = made.images(2);
    REQUIRE(logits_of(device, made, images, Execution::integer) ==
            logits_of(device, made, images, Execution::simulated));
}

/// Of its program in integers.
std::vector<IntegerConvolution> convolutions_of(Device& device, const RandomNetwork& made) {
    const Graph& graph = made.network.graph;
    const Buffer image = device.create({2, made.height, made.width, graph.input_channels});
    const std::map<ValueId, StoredValue> bound{{kImage, {image}}};
    Simulation simulation(device, made.network, bound, KeptValues::quantised, 2,
                          value_shapes(graph, made.height, made.width), Execution::integer);
    const Program program = simulation.of(0, graph.node_count());
    std::vector<IntegerConvolution> found;
    for (const Operation& operation : program.operations())
        if (const auto* op = std::get_if<IntegerConvolution>(&operation)) found.push_back(*op);
    return found;
}

}  // namespace

TEST_SUITE("deployment") {
    TEST_CASE("a norm's factor is in the scale, its sign in codes that stay on their grid") {
        for (const Grid grid : {Grid{4, false}, Grid{4, true}, Grid{8, false, true}}) {
            CAPTURE(grid.bits);
            CAPTURE(grid.one_sided);
            const float lowest = grid.qmin(), highest = grid.qmax(), z = grid.narrow ? 0.0f : lowest + 3.0f;
            Layer layer = layer_of(grid, {z, z, z}, {lowest - z, highest - z, lowest - z, highest - z, 1.0f, 2.0f},
                                   {2.0f, -0.25f, 0.0f});
            layer.weight = Tensor(layer.shape, {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f});
            fuse_norm(layer);
            CHECK(layer.channel_scale.empty());
            CHECK(layer.codes->scale == std::vector<float>{1.0f, 0.125f, 1.0f});
            CHECK(layer.codes->centred ==
                  std::vector<float>{lowest - z, highest - z, z - lowest, z - highest, 0.0f, 0.0f});
            CHECK(layer.weight.values == std::vector<float>{2.0f, 4.0f, -0.75f, -1.0f, 0.0f, 0.0f});
            for (size_t i = 0; i < 6; ++i) {
                const float q = layer.codes->centred[i] + layer.codes->zero_point[i / 2];
                CHECK(q >= lowest);
                CHECK(q <= highest);
            }
        }
    }

    TEST_CASE("one scale a layer becomes one a channel behind a norm, and stays one without") {
        Layer layer = layer_of({4, false}, {1.0f}, {1.0f, 2.0f}, {3.0f, -1.0f});
        fuse_norm(layer);
        CHECK(layer.codes->scale == std::vector<float>{1.5f, 0.5f});
        CHECK(layer.codes->zero_point == std::vector<float>{1.0f, -2.0f});
        Layer plain = layer_of({4, false}, {1.0f}, {1.0f, 2.0f}, {1.0f, 1.0f});
        plain.channel_scale.clear();
        fuse_norm(plain);
        CHECK(plain.codes->scale.size() == 1);
    }

    TEST_CASE("a bias is snapped to the nearest multiple of input scale times weight scale, to even from a tie") {
        Layer layer = layer_of({4, false}, {0.0f}, {1.0f, 2.0f, 3.0f}, {1.0f, 1.0f, 1.0f});
        layer.channel_scale.clear();
        layer.channel_shift = {0.3f, -0.375f, 1e6f};
        snap_bias(layer, 0.5f);  // the weight's scale is a half, too
        CHECK(layer.bias_codes->codes == std::vector<int32_t>{1, -2, 4000000});
        CHECK(layer.bias_codes->scale == std::vector<float>{0.25f, 0.25f, 0.25f});
        CHECK(layer.channel_shift == std::vector<float>{0.25f, -0.5f, 1e6f});
    }

    TEST_CASE("beside a bias beyond int32 a channel's weights get coarser, until it fits") {
        Layer layer = layer_of({4, false}, {0.0f}, {7.0f, -8.0f, 7.0f, -8.0f}, {1.0f, 1.0f});
        layer.channel_scale.clear();
        layer.channel_shift = {1.0f, -2e9f};
        snap_bias(layer, 0.5f);
        CHECK(layer.codes->scale[0] == 0.5f);
        CHECK(layer.codes->centred[0] == 7.0f);
        CHECK(layer.bias_codes->codes[0] == 4);
        CHECK(layer.bias_codes->codes[1] == -(1 << 29));
        CHECK(layer.channel_shift[1] == -2e9f);
        const float coarser = layer.codes->scale[1];
        CHECK(coarser == doctest::Approx(2e9 / (1 << 29) / 0.5));
        CHECK(layer.codes->centred[2] == std::rint(7.0f * 0.5f / coarser));
        CHECK(layer.codes->centred[3] == std::rint(-8.0f * 0.5f / coarser));
        // Weights too small for float32 to scale their sums.
        layer = layer_of({4, false}, {0.0f}, {7.0f}, {1.0f});
        layer.channel_scale.clear();
        layer.codes->scale[0] = 1e-38f;
        layer.channel_shift = {0.0f};
        snap_bias(layer, 0.5f);
        CHECK(layer.codes->centred[0] == 0.0f);
        CHECK(layer.channel_shift[0] == 0.0f);
    }

    TEST_CASE("a bias that no integer holds is refused, with its layer and channel") {
        Layer layer = layer_of({4, false}, {0.0f}, {1.0f, 2.0f}, {1.0f, 1.0f});
        layer.channel_scale.clear();
        layer.channel_shift = {1.0f, -INFINITY};
        std::string refusal;
        try {
            snap_bias(layer, 0.5f);
        } catch (const DataError& error) {
            refusal = error.what();
        }
        CHECK(refusal.find("layer1.0.conv1: the bias -inf of channel 1 is beyond the int32") == 0);
        CHECK(!layer.bias_codes);
    }

    TEST_CASE("networks that are finished for onnxruntime have integer biases, and run as integers to the same bits") {
        Bench bench("cpu");
        int pools = 0;
        for (uint32_t seed = 0; seed < 200; ++seed) {
            CAPTURE(seed);
            RandomNetwork made = seed < 100
                                     ? RandomNetwork(seed, ActivationSites::deploy_ort)
                                     : RandomNetwork(seed, ActivationSites::deploy_ort, RandomNetwork::AnyWindows{});
            for (int i = 0; i < made.network.graph.node_count(); ++i) {
                const Node& node = made.network.graph.node(i);
                if (node.kind != &average_pool_kind()) continue;
                ++pools;
                CHECK(made.network.values[source_of_codes(made.network.graph, node.inputs[0])]);
                CHECK(made.network.values[Graph::output_of(i)]);
            }
            finish_layers(made.network, 0, made.network.graph.node_count(), Deployment::ort);
            CHECK(made.network.folded);
            for (const Layer& layer : made.network.layers) {
                CHECK(layer.channel_scale.empty());
                REQUIRE(layer.bias_codes);
                CHECK(layer.channel_shift == layer.bias_codes->values().values);
            }
            require_bits_of_simulation(bench.device(), made);
        }
        CHECK(pools > 20);
    }

    TEST_CASE("networks that are finished for OpenVINO run as integers to the bits of a simulation") {
        Bench bench("cpu");
        struct Found {
            int layers = 0, beside_codes = 0, beside_values = 0;
        };
        Found from_zero, with_zeros;  // in OpenVINO's arithmetic
        for (uint32_t seed = 0; seed < 100; ++seed) {
            CAPTURE(seed);
            RandomNetwork made(seed, ActivationSites::block);
            finish_layers(made.network, 0, made.network.graph.node_count(), Deployment::openvino);
            CHECK(made.network.arithmetic == Arithmetic::openvino);
            require_bits_of_simulation(bench.device(), made);
            for (const IntegerConvolution& op : convolutions_of(bench.device(), made)) {
                const IntegerEpilogue& epilogue = op.epilogue;
                if (!epilogue.quantiser || epilogue.quantiser->factor == 0.0f) continue;
                const bool shifts = epilogue.quantiser->shift != 0.0f;
                CHECK(shifts == (epilogue.quantiser->zero() != 0));
                Found& found = shifts || epilogue.summand != 0.0f ? with_zeros : from_zero;
                found.layers += epilogue.residual == kNone;
                found.beside_codes += epilogue.factor != 1.0f;
                found.beside_values += epilogue.residual != kNone && epilogue.factor == 1.0f;
            }
        }
        for (const Found& found : {from_zero, with_zeros}) {
            CHECK(found.layers > 20);
            CHECK(found.beside_codes > 5);
            CHECK(found.beside_values > 5);
        }
    }

    TEST_CASE("biases stay as they are where the runtime has them as floats, and networks where none is named") {
        for (const Deployment target : {Deployment::openvino, Deployment::tensorrt, Deployment::adaq}) {
            RandomNetwork made(7, ActivationSites::deploy_ort);
            const std::vector<float> bias = made.network.layers[0].channel_shift;
            finish_layers(made.network, 0, made.network.graph.node_count(), target);
            CHECK(made.network.layers[0].channel_shift == bias);
            CHECK(!made.network.layers[0].bias_codes);
            CHECK(made.network.folded);
        }
        RandomNetwork made(7, ActivationSites::deploy_ort);
        finish_layers(made.network, 0, made.network.graph.node_count(), Deployment::none);
        CHECK(!made.network.folded);
    }

    TEST_CASE("a layer knows the largest code of its input, which the reference holds against the codes") {
        Bench bench("reference");
        for (int bits = 2; bits <= 8; ++bits) {
            int layers = 0;
            for (uint32_t seed = 900; seed < 910; ++seed) {
                RandomNetwork made(seed, ActivationSites::deploy_ort);
                for (auto& value : made.network.values)
                    if (value) value->grid.bits = bits, value->zero_point = value->grid.qmin();
                finish_layers(made.network, 0, made.network.graph.node_count(), Deployment::adaq);
                logits_of(bench.device(), made, made.images(2), Execution::integer);  // throws where one is larger
                for (const IntegerConvolution& op : convolutions_of(bench.device(), made)) {
                    CHECK(op.x_most == (1 << bits) - 1);
                    ++layers;
                }
            }
            CHECK(layers > 10);
        }
    }
}
