// Execution in integers: the same logits as simulation, to the bit, on every device, and the same codes everywhere.
#include <doctest/doctest.h>

#include "engine/passes/executor.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/random_networks.h"
#include "support/sanitizer.h"

using namespace adaq;
using namespace adaq::test;

namespace {

uint32_t networks() { return kEmulated ? 60 : kAddressSanitizer ? 250 : 1000; }

/// A network, and what devices make of a few images.
struct Case {
    RandomNetwork made;
    int64_t count;
    std::vector<float> images;

    explicit Case(uint32_t seed) : Case(seed, RandomNetwork(seed)) {}
    Case(uint32_t seed, RandomNetwork network)
        : made(std::move(network)), count(1 + seed % 3), images(made.images(count)) {}

    std::vector<float> logits(Device& device, Execution execution) const {
        Executor executor(device, made.network, count, made.height, made.width, execution);
        std::vector<float> logits(static_cast<size_t>(count * executor.classes()));
        executor.run(images, logits);
        return logits;
    }
};

}  // namespace

TEST_SUITE("integer execution") {
    TEST_CASE("of random networks: simulation's logits, and the reference's, to the bit") {
        Bench reference("reference");
        for (const std::string& name : devices_under_test()) {
            Bench bench(name);
            for (uint32_t seed = 0; seed < networks(); ++seed) {
                const Case of(seed);
                INFO(name << ", seed " << seed << ": " << of.made.description);
                const std::vector<float> integers = of.logits(bench.device(), Execution::integer);
                REQUIRE(integers == of.logits(reference.device(), Execution::integer));
                REQUIRE(integers == of.logits(bench.device(), Execution::simulated));
            }
        }
    }

    TEST_CASE("the same with windows of every geometry, groups, average pools and ReLU6") {
        Bench reference("reference");
        for (const std::string& name : devices_under_test()) {
            Bench bench(name);
            for (uint32_t seed = 0; seed < networks(); ++seed) {
                const Case of(seed, RandomNetwork(seed, RandomNetwork::AnyWindows{}));
                INFO(name << ", seed " << seed << ": " << of.made.description);
                const std::vector<float> integers = of.logits(bench.device(), Execution::integer);
                REQUIRE(integers == of.logits(reference.device(), Execution::integer));
                REQUIRE(integers == of.logits(bench.device(), Execution::simulated));
            }
        }
    }

    TEST_CASE("the same with the sites that runtimes need") {
        Bench reference("reference");
        for (const std::string& name : devices_under_test()) {
            Bench bench(name);
            for (uint32_t seed = 0; seed < networks(); ++seed) {
                const ActivationSites sites =
                    seed % 2 == 0 ? ActivationSites::deploy_ort : ActivationSites::deploy_tensorrt;
                const Case of(seed, RandomNetwork(seed, sites));
                INFO(name << ", seed " << seed << ": " << of.made.description);
                const std::vector<float> integers = of.logits(bench.device(), Execution::integer);
                REQUIRE(integers == of.logits(reference.device(), Execution::integer));
                REQUIRE(integers == of.logits(bench.device(), Execution::simulated));
            }
        }
    }

    TEST_CASE("simulation whose products round to bf16 gives the same bits") {
        for (const auto& device : bf16_devices()) {
            for (uint32_t seed = 0; seed < networks() / 2; ++seed) {
                const Case of(seed);
                INFO(device->name() << ", seed " << seed << ": " << of.made.description);
                REQUIRE(of.logits(*device, Execution::integer) == of.logits(*device, Execution::simulated));
            }
        }
    }
}
