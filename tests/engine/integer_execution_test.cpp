// Execution in integers: the same logits as simulation, to the bit, on every device, and the same codes everywhere.
#include <doctest/doctest.h>

#include "engine/passes/executor.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/random_networks.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// Fewer where kernels are emulated.
#if !defined(ADAQ_TEST_NETWORKS)
#define ADAQ_TEST_NETWORKS 1000
#endif
constexpr uint32_t kNetworks = ADAQ_TEST_NETWORKS;

std::vector<float> logits_of(Device& device, const Network& network, const std::vector<float>& images, int64_t count,
                             int64_t height, int64_t width, Execution execution) {
    Executor executor(device, network, count, height, width, execution);
    std::vector<float> logits(static_cast<size_t>(count * executor.classes()));
    executor.run(images, logits);
    return logits;
}

}  // namespace

TEST_SUITE("integer execution") {
    TEST_CASE("of random networks: simulation's logits, and the reference's, to the bit") {
        Bench reference("reference");
        for (const std::string& name : devices_under_test()) {
            Bench bench(name);
            for (uint32_t seed = 0; seed < kNetworks; ++seed) {
                RandomNetwork made(seed);
                INFO(name << ", seed " << seed << ": " << made.description);
                const int64_t count = 1 + seed % 3;
                const std::vector<float> images = made.images(count);
                const auto run = [&](Device& device, Execution execution) {
                    return logits_of(device, made.network, images, count, made.height, made.width, execution);
                };
                const std::vector<float> integers = run(bench.device(), Execution::integer);
                const std::vector<float> expected = run(reference.device(), Execution::integer);
                for (size_t i = 0; i < integers.size(); ++i)
                    if (integers[i] != expected[i])
                        MESSAGE(seed << " " << i << " of " << integers.size() << ": " << integers[i] << " "
                                     << expected[i]);
                for (const auto& n : made.network.graph.nodes)
                    if (n.layer >= 0 && integers != expected)
                        MESSAGE(n.name << " layer zero " << made.network.layers[n.layer].codes->zero_point[0]
                                       << " bits " << made.network.layers[n.layer].codes->grid.bits << " act "
                                       << (bool)n.activation);
                for (size_t v = 0; v < made.network.values.size(); ++v)
                    if (integers != expected && made.network.values[v])
                        MESSAGE(v << " site z " << made.network.values[v]->zero_point << " bits "
                                  << made.network.values[v]->grid.bits << " one "
                                  << made.network.values[v]->grid.one_sided);
                REQUIRE(integers == expected);
                REQUIRE(integers == run(bench.device(), Execution::simulated));
            }
        }
    }
}
