// adaq-run --method adaround on what learning does not like.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "loaders/weights/weights.h"
#include "support/adaq_run.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

const std::string kLearn = " --w3 --a4 --scheme minmax --method adaround --iters 30 --minibatch 8 --threads 1 ";

}  // namespace

TEST_SUITE("adaq-run learning") {
    TEST_CASE("a layer whose weights are all zero stays zero, and is counted") {
        const Data data;
        const TemporaryFolder out;
        StoredModel model = load_weights(kNetwork);
        auto& zeros = model.tensors.at("layer1.0.conv2.weight").values;
        std::fill(zeros.begin(), zeros.end(), 0.0f);
        save_bin(out / "zero.bin", model);
        const Outcome outcome = run("--weights " + (out / "zero.bin") + data.both() + kLearn + "--save " +
                                    (out / "q.bin") + " --report " + (out / "r.json"));
        INFO(outcome.output);
        REQUIRE(outcome.status == 0);
        const StoredModel saved = load_weights(out / "q.bin");
        for (int16_t code : saved.quantisation->weights.at("layer1.0.conv2.weight").codes) CHECK(code == 0);
        const auto report = nlohmann::json::parse(text_of_file(out / "r.json"));
        for (const auto& layer : report["weights"])
            CHECK((layer["empty_groups"] > 0) == (layer["name"] == "layer1.0.conv2"));
        CHECK(outcome.output.find("nan") == std::string::npos);
    }

    TEST_CASE("identical images teach nothing new, but nothing breaks") {
        const TemporaryFolder images, out;
        for (int i = 0; i < 16; ++i)
            std::ofstream(images / fmt::format("{:02}.ppm", i)) << "P6 40 40 255\n" << std::string(4800, '\x50');
        const Outcome outcome = run(quoted_weights() + "--calib " + images.path().string() + " --images 16" + kLearn +
                                    "--save " + (out / "q.bin"));
        INFO(outcome.output);
        CHECK(outcome.status == 0);
        CHECK(load_weights(out / "q.bin").quantisation->weights.size() == 13);
    }

    TEST_CASE("a batch that overflows stops the run: the layer, the iteration, the option to lower, nothing saved") {
        const Data data;
        const TemporaryFolder out;
        StoredModel model = load_weights(kNetwork);
        for (float& w : model.tensors.at("layer1.0.conv1.weight").values) w *= 1e30f;
        save_bin(out / "large.bin", model);
        const Outcome outcome =
            run("--weights " + (out / "large.bin") + data.both() +
                    "--w3 --a32 --scheme minmax --method adaround --iters 30 --minibatch 8 --save " + (out / "q.bin"),
                "2>&1 >/dev/null");
        INFO(outcome.output);
        CHECK(outcome.status == 1);
        CHECK(outcome.output.find("layer1.0.conv1: the loss is not finite at iteration 1; give a smaller --lr") !=
              std::string::npos);
        CHECK(!std::filesystem::exists(out / "q.bin"));
    }

    TEST_CASE("a silly learning rate stops the run: the layer, the iteration, the options to lower") {
        const Data data;
        const Outcome outcome = run(quoted_weights() + data.both() + kLearn + "--lr 1e38", "2>&1 >/dev/null");
        INFO(outcome.output);
        CHECK(outcome.status == 1);
        // Which iteration it is depends on how a device computes a sigmoid of infinity.
        CHECK(outcome.output.find("conv1: the loss is not finite at iteration ") != std::string::npos);
        CHECK(outcome.output.find("give a smaller --lr or --lr-scale") != std::string::npos);
    }

    TEST_CASE("a silly learning rate of the scales leaves a network of finite numbers") {
        const Data data;
        const Outcome outcome = run(quoted_weights() + data.both() + kLearn + "--lr-scale 1e30");
        INFO(outcome.output);
        CHECK(outcome.status == 0);
        CHECK(outcome.output.find("nan") == std::string::npos);
    }

    TEST_CASE("a full disk at --save leaves no partial file behind what was learned") {
        const Data data;
        const TemporaryFolder out;
        std::ofstream(out / "q.bin") << "precious";
        const Outcome outcome = run(quoted_weights() + data.both() + kLearn + "--memory 100% --save " + (out / "q.bin"),
                                    "2>&1", "ulimit -f 8; ");
        CHECK(outcome.status == 1);
        CHECK(outcome.output.find("q.bin") != std::string::npos);
        CHECK(text_of_file(out / "q.bin") == "precious");
        CHECK(out.count() == 1);
    }
}
