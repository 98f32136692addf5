// Integer layers by each kind of tensor cores, tile and number of splits: the reference's bits from all of them.
#include <doctest/doctest.h>

#include "emulator/with_settings.h"
#include "engine/error.h"
#include "kernels/cuda/device.h"
#include "support/integer_layers.h"

using namespace adaq;
using namespace adaq::test;
using cuda::Choice;
using cuda::TileSize;

namespace {

emulator::Settings of_capability(int capability) {
    emulator::Settings settings = emulator::settings();
    settings.capability = capability;
    return settings;
}

}  // namespace

TEST_SUITE("cuda: integer products") {
    TEST_CASE("every tile, split and kind of tensor cores gives the same bits") {
        const auto reference = make_device("reference", 1);
        uint64_t number = 0;
        for (IntegerLayer layer : layers_of_all_shapes()) {
            layer.x_zero = number % 2 == 0 ? 12 : 0;
            layer.w_zeros = number % 3 == 0;
            const IntegerInputs inputs(layer, number++);
            const std::vector<float> expected = run_layer(*reference, layer, inputs);
            for (const int capability : {75, 80, 90}) {
                const WithSettings set(of_capability(capability));
                for (const TileSize tile : {TileSize::large, TileSize::tall, TileSize::small}) {
                    for (const int splits : {1, 2, 5}) {
                        INFO("sm_", capability, ", tile ", static_cast<int>(tile), ", splits ", splits, ", ",
                             to_string(layer.x_shape()), " by ", to_string(layer.w_shape()));
                        const auto device = cuda::make_cuda_device(Math::f32, Choice{tile, splits});
                        CHECK(run_layer(*device, layer, inputs) == expected);
                    }
                }
                const auto by_rule = cuda::make_cuda_device();
                CHECK(run_layer(*by_rule, layer, inputs) == expected);
            }
        }
    }

    TEST_CASE("a card of sm_75 gets what fits its shared memory, and refuses arithmetic that it has not") {
        const WithSettings set(of_capability(75));
        CHECK(cuda::make_cuda_device()->description().find("sm_75") != std::string::npos);
        CHECK_THROWS_WITH_AS(cuda::make_cuda_device(Math::tf32), doctest::Contains("no such tensor cores"), UsageError);
    }
}
