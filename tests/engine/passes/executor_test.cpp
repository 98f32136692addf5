// Running a network while somebody may want to stop it.
#include "engine/passes/executor.h"

#include <doctest/doctest.h>

#include <stdexcept>
#include <thread>

#include "loaders/weights/weights.h"
#include "support/operations.h"
#include "support/places.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kImages = 200, kEdge = 16;

struct Running {
    Running(const std::string& name, int threads)
        : device(make_device(name, threads)),
          model(load_weights(fixtures_folder() + "/networks/basic.bin")),
          network(make_network(model, true)),
          executor(*device, network, kImages, kEdge, kEdge),
          images(Values(3).reals(kImages * kEdge * kEdge * model.graph.input_channels)) {}

    std::vector<float> logits(const Poll& poll = {}) {
        std::vector<float> logits(static_cast<size_t>(kImages * executor.classes()));
        executor.run(images, logits, poll);
        return logits;
    }

    std::unique_ptr<Device> device;
    StoredModel model;
    Network network;
    Executor executor;
    std::vector<float> images;
};

}  // namespace

TEST_SUITE("executor") {
    TEST_CASE("within a batch somebody is asked whether to go on, in the caller's thread, and no bit depends on it") {
        for (const auto& [name, threads] : {std::pair("cpu", 1), std::pair("cpu", 3), std::pair("reference", 1)}) {
            CAPTURE(name);
            CAPTURE(threads);
            Running running(name, threads);
            const std::vector<float> expected = running.logits();
            int asked = 0;
            const auto here = std::this_thread::get_id();
            bool elsewhere = false;
            const Poll count = [&] {
                ++asked;
                elsewhere = elsewhere || std::this_thread::get_id() != here;
            };
            CHECK(running.logits(count) == expected);
            CHECK(asked >= (threads == 1 ? 4 : 1));
            CHECK_FALSE(elsewhere);
            const Poll stop = [] { throw std::runtime_error("enough"); };
            CHECK_THROWS_WITH_AS(running.logits(stop), "enough", std::runtime_error);
            CHECK(running.logits() == expected);
        }
    }

    TEST_CASE("a device that knows no better asks once a run") {
        struct Plain : CompiledProgram {
            int runs = 0;
            void run(int64_t n) override { runs += static_cast<int>(n); }
        } program;
        int asked = 0;
        program.run_polled([&] { asked += program.runs; });
        CHECK(asked == 1);
        program.run_polled({});
        CHECK(program.runs == 2);
    }
}
