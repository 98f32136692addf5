// adaq-run --method brecq, qdrop and pdquant as a user calls them: what they leave behind, what goes on after a stop,
// and what does not go together.
#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "loaders/weights/weights.h"
#include "support/adaq_run.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

const std::vector<std::string> kMethods{"brecq",
                                        "brecq --loss fisher-diag",
                                        "qdrop",
                                        "qdrop --loss fisher-diag",
                                        "pdquant",
                                        "qdrop --lr-channel 1e-2",
                                        "best",
                                        "pdquant --distribution-correction --correction-steps 5",
                                        "brecq --deploy ort",
                                        "qdrop --deploy ort --no-fold",
                                        "pdquant --deploy tensorrt"};

std::string learning(const Data& data, const std::string& method, const std::string& more) {
    const std::string activations = more.find("--a32") == std::string::npos ? "--a4 " : "";
    return quoted_weights() + data.both() + "--w3 --scheme minmax --iters 12 --minibatch 8 --seed 5 --threads 1 " +
           activations + (method.rfind("brecq", 0) == 0 ? "--iters-scale 8 " : "") + "--method " + method + " " + more;
}

nlohmann::json report_of(const std::string& path) { return nlohmann::json::parse(text_of_file(path)); }

std::vector<std::string> units_of(const nlohmann::json& report) {
    std::vector<std::string> names;
    for (const auto& unit : report["learning"])
        names.push_back(unit["name"].get<std::string>() + (unit["phase"] == 0 ? "" : " scales"));
    return names;
}

}  // namespace

TEST_SUITE("adaq-run methods") {
    TEST_CASE("the saved model gives the run's logits, whatever the batch, and a second run the same file") {
        const Data data;
        for (const std::string& method : kMethods) {
            INFO(method);
            const TemporaryFolder out;
            const Outcome first = run(learning(
                data, method,
                "--logits " + (out / "a.npy") + " --save " + (out / "a.bin") + " --report " + (out / "r.json")));
            INFO(first.output);
            REQUIRE(first.status == 0);
            REQUIRE(run(learning(data, method, "--save " + (out / "b.bin"))).status == 0);
            CHECK(text_of_file(out / "a.bin") == text_of_file(out / "b.bin"));
            for (const std::string batch : {"1", "7", "64"}) {
                REQUIRE(run("--weights " + (out / "a.bin") + data.both() + "--batch " + batch + " --logits " +
                            (out / "c.npy"))
                            .status == 0);
                CHECK(text_of_file(out / "c.npy") == text_of_file(out / "a.npy"));
            }
            CHECK(first.output.find("nan") == std::string::npos);
        }
    }

    TEST_CASE("blocks learn in network order, and brecq goes over them again for the scales, where there are some") {
        const Data data;
        const TemporaryFolder out;
        const std::vector<std::string> blocks{"stem", "layer1.0", "layer2.0", "layer3.0", "layer4.0", "head"};
        const auto learned = [&](const std::string& method, const std::string& more) {
            REQUIRE(run(learning(data, method, more + " --report " + (out / "r.json"))).status == 0);
            return units_of(report_of(out / "r.json"));
        };
        CHECK(learned("qdrop", "") == blocks);
        CHECK(learned("pdquant", "--a32") == blocks);
        CHECK(learned("brecq", "--a32") == blocks);
        std::vector<std::string> twice = blocks;
        for (size_t i = 0; i + 1 < blocks.size(); ++i) twice.push_back(blocks[i] + " scales");  // the head has none
        CHECK(learned("brecq", "") == twice);
        CHECK(learned("adaround", "--unit block") == blocks);
    }

    TEST_CASE("the prediction's term of the loss is in the report with pdquant alone") {
        const Data data;
        const TemporaryFolder out;
        for (const std::string method : {"qdrop", "pdquant"}) {
            REQUIRE(run(learning(data, method, "--report " + (out / "r.json"))).status == 0);
            const nlohmann::json report = report_of(out / "r.json");
            for (const auto& unit : report["learning"])
                for (const auto& prediction : unit["curve"]["prediction"])
                    CHECK((prediction > 0.0) == (method == "pdquant"));
        }
    }

    TEST_CASE("brecq's scales learn with the exponent 2.4, with the Fisher diagonal squares, or with what is given") {
        const Data data;
        const TemporaryFolder out;
        const auto exponent = [&](const std::string& more) {
            REQUIRE(run(learning(data, "brecq", more + " --report " + (out / "r.json"))).status == 0);
            return report_of(out / "r.json")["settings"]["scale_exponent"].get<double>();
        };
        CHECK(exponent("") == 2.4);
        CHECK(exponent("--loss fisher-diag") == 2.0);
        CHECK(exponent("--loss fisher-diag --scale-exponent 3") == 3.0);
    }

    TEST_CASE("with 8 bits for head and stem, brecq leaves the stem at the nearest integers, which qdrop does not") {
        const Data data;
        const TemporaryFolder out;
        const auto stem = [&](const std::string& method) {
            REQUIRE(run(learning(data, method, "--head-stem-8bit --lr 0.3 --save " + (out / "q.bin"))).status == 0);
            return load_weights(out / "q.bin").quantisation->weights.at("conv1.weight").codes;
        };
        REQUIRE(run(quoted_weights() + data.both() + "--w3 --a4 --scheme minmax --fold --head-stem-8bit --save " +
                    (out / "n.bin"))
                    .status == 0);
        const auto nearest = load_weights(out / "n.bin").quantisation->weights.at("conv1.weight").codes;
        CHECK(stem("brecq") == nearest);
        CHECK(stem("qdrop") != nearest);
    }

    TEST_CASE("single layers and activations have bits of their own") {
        const Data data;
        const TemporaryFolder out;
        REQUIRE(run(quoted_weights() + data.both() + "--w3 --a4 --bits layer1.0.conv1=8,fc=5 --act-bits layer2.0=7 " +
                    "--save " + (out / "q.bin"))
                    .status == 0);
        const StoredModel saved = load_weights(out / "q.bin");
        for (const auto& [name, weight] : saved.quantisation->weights)
            CHECK(weight.grid.bits == (name == "layer1.0.conv1.weight" ? 8 : name == "fc.weight" ? 5 : 3));
        for (const auto& [name, site] : saved.quantisation->activations)
            CHECK(site.grid.bits == (name == "layer2.0" ? 7 : 4));
        check_refused(quoted_weights() + data.both() + "--bits conv9=8", 2,
                      "--bits conv9=8: no such layer; there are conv1, ");
        check_refused(quoted_weights() + data.both() + "--act-bits fc=8", 2,
                      "--act-bits fc=8: no such activation is quantised; there are conv1, ");
        for (const std::string wrong : {"conv1=9", "conv1=1", "conv1", "=4", "conv1=x"})
            check_refused(quoted_weights() + data.both() + "--bits " + wrong, 2,
                          "--bits " + wrong + ": expected NAME=BITS with 2 to 8 bits");
        check_refused(quoted_weights() + data.both() + "--bits conv1=4,conv1=5", 2, "conv1 is named twice");
    }

    TEST_CASE("with --lr-channel every channel's weight scale and bias are learned, without it none") {
        const Data data;
        const TemporaryFolder out;
        const auto saved = [&](const std::string& more) {
            REQUIRE(run(learning(data, "qdrop", more + " --save " + (out / "q.bin"))).status == 0);
            return load_weights(out / "q.bin");
        };
        const StoredModel still = saved(""), moved = saved("--lr-channel 1e-2");
        const StoredModel nearest = [&] {
            REQUIRE(run(quoted_weights() + data.both() + "--w3 --a4 --scheme minmax --fold --save " + (out / "n.bin"))
                        .status == 0);
            return load_weights(out / "n.bin");
        }();
        for (const auto& [name, weight] : moved.quantisation->weights) {
            CAPTURE(name);
            CHECK(still.quantisation->weights.at(name).scale == nearest.quantisation->weights.at(name).scale);
            CHECK(weight.scale != nearest.quantisation->weights.at(name).scale);
        }
        size_t biases = 0;
        for (const auto& [name, tensor] : moved.tensors) {
            if (name.size() < 5 || name.substr(name.size() - 5) != ".bias") continue;
            CAPTURE(name);
            ++biases;
            CHECK(still.tensors.at(name).values == nearest.tensors.at(name).values);
            CHECK(tensor.values != nearest.tensors.at(name).values);
        }
        CHECK(biases == moved.quantisation->weights.size());
    }

    TEST_CASE("best learns channels where it can, and goes on without where norms are kept or a layer has one scale") {
        const Data data;
        const TemporaryFolder out;
        const auto rate = [&](const std::string& more) {
            REQUIRE(run(learning(data, "best", more + " --report " + (out / "r.json"))).status == 0);
            return report_of(out / "r.json")["settings"]["lr_channel"].get<double>();
        };
        CHECK(rate("") == doctest::Approx(4e-3));
        CHECK(rate("--lr-channel 1e-3") == doctest::Approx(1e-3));
        CHECK(rate("--no-fold") == 0.0);
        CHECK(rate("--granularity layer") == 0.0);
        check_refused(learning(data, "best", "--no-fold --lr-channel 1e-3"), 2, "--lr-channel: learns biases");
    }

    TEST_CASE("--calib-views learns from each image so often, and only learns so") {
        const Data data;
        const TemporaryFolder out;
        const auto learned = [&](const std::string& more) {
            REQUIRE(run(learning(data, "qdrop", more + " --report " + (out / "r.json") + " --save " + (out / "q.bin")))
                        .status == 0);
            return text_of_file(out / "q.bin");
        };
        const std::string once = learned("--calib-views 1"), thrice = learned("--calib-views 3");
        const auto report = report_of(out / "r.json");
        CHECK(report["settings"]["calib_views"] == 3);
        CHECK(report["calibration"]["preprocessing"].get<std::string>().find("each in 3 views") != std::string::npos);
        const auto scales = [&](const std::string& views) {  // where nothing moves them, they start from the images
            REQUIRE(
                run(learning(data, "qdrop", "--lr-scale 0 --calib-views " + views + " --report " + (out / "s.json")))
                    .status == 0);
            std::vector<double> all;
            const auto activations = report_of(out / "s.json")["activations"];
            for (const auto& activation : activations) all.push_back(activation["scale"]);
            return all;
        };
        CHECK(once != thrice);
        CHECK(thrice == learned("--calib-views 3"));
        CHECK(scales("1") == scales("3"));
        const auto views = [&](const std::string& options) {
            REQUIRE(run(learning(data, "best", options + " --report " + (out / "r.json"))).status == 0);
            return report_of(out / "r.json")["settings"]["calib_views"].get<int>();
        };
        CHECK(views("") == 4);
        CHECK(views("--calib-views 2") == 2);
        CHECK(views("--calib-augment") == 1);
        const Outcome plan = run(learning(data, "qdrop", "--calib-views 3 --dry-run"));
        CHECK(plan.output.find("for calibration in 3 views each") != std::string::npos);
    }

    TEST_CASE("what does not go together is refused, saying what to change") {
        const Data data;
        const auto refuse = [&](const std::string& method, const std::string& more, const std::string& text) {
            check_refused(learning(data, method, more), 2, text);
        };
        refuse("pdquant", "--unit layer", "--unit layer: --method pdquant looks from a unit's output to the network's");
        refuse("brecq", "--unit layer --loss fisher-diag", "--unit layer: --loss fisher-diag looks from");
        refuse("qdrop", "--iters-scale 9", "--iters-scale: only with --method brecq");
        refuse("qdrop", "--pd-lambda 1", "--pd-lambda: only with --method pdquant, not with --method qdrop as it is");
        refuse("pdquant", "--correction-steps 9", "--correction-steps: only with --distribution-correction, not with");
        refuse("brecq", "--distribution-correction",
               "--distribution-correction: nudges the float part of a unit's input, and with --method brecq");
        refuse("pdquant", "--distribution-correction --keep-input 1", "with --keep-input 1 there is none");
        refuse("brecq", "--bn batch", "--bn batch: with --method brecq no batch norm is left; give --no-fold too");
        refuse("adaround", "--lr-channel 1e-3",
               "--lr-channel: learns biases, and kept batch norms have none; give --fold");
        refuse("qdrop", "--lr-channel 1e-3 --granularity layer", "--lr-channel: learns a scale of each channel; leave");
        refuse("best", "--calib-augment --calib-views 2", "--calib-augment: each image is a random part of itself");
        check_refused(quoted_weights() + data.both() + "--calib-views 2", 2,
                      "--calib-views: only with a --method that learns");
        check_refused(quoted_weights() + data.both() + "--keep-input 0.5", 2,
                      "--keep-input: only with a --method that learns");
        check_refused(quoted_weights() + data.both() + "--no-lsq-grad-scale", 2, "only with a --method that learns");
    }

    TEST_CASE("a run that stopped anywhere in either pass goes on to the same bits, and with less memory too") {
        const Data data;
        for (const std::string& method : kMethods) {
            INFO(method);
            const TemporaryFolder out;
            const std::string state = "--state " + (out / "state") + " ";
            REQUIRE(run(learning(data, method, "--save " + (out / "a.bin"))).status == 0);
            REQUIRE(run(learning(data, method, state + "--save " + (out / "b.bin"))).status == 0);
            CHECK(text_of_file(out / "a.bin") == text_of_file(out / "b.bin"));
            std::vector<std::filesystem::path> units;  // in the order of learning
            for (const auto& entry : std::filesystem::directory_iterator(out / "state"))
                if (entry.path().extension() == ".unit") units.push_back(entry.path());
            std::sort(units.begin(), units.end(), [](const auto& a, const auto& b) {
                const auto second = [](const auto& p) { return p.stem().string().ends_with("-1"); };
                return std::pair(second(a), a) < std::pair(second(b), b);
            });
            // For onnxruntime the head has an activation, too, whose scale is learned.
            const size_t scales = method.rfind("brecq", 0) != 0 ? 0 : method.find("ort") == std::string::npos ? 5 : 6;
            CHECK(units.size() == 6 + scales);
            while (!units.empty()) {
                for (int i = 0; i < 3 && !units.empty(); ++i) {
                    std::filesystem::remove(units.back());
                    units.pop_back();
                }
                const Outcome resumed =
                    run(learning(data, method, state + "--resume --memory 100K --save " + (out / "c.bin")));
                INFO(resumed.output);
                REQUIRE(resumed.status == 0);
                CHECK(text_of_file(out / "a.bin") == text_of_file(out / "c.bin"));
            }
        }
    }

    TEST_CASE("the plan has a row a unit, the time of both passes, and the memory that the run needs") {
        const Data data;
        const TemporaryFolder out;
        for (const std::string& method : kMethods) {
            INFO(method);
            const std::string command = learning(data, method, "--save " + (out / "q.bin"));
            const Outcome plan = run(command + " --dry-run", "2>/dev/null");
            INFO(plan.output);
            REQUIRE(plan.status == 0);
            CHECK(plan.output.find("\nlayer2.0 ") != std::string::npos);
            CHECK(plan.output.find("\n6 units ") != std::string::npos);
            const size_t at = plan.output.find("memory     ") + 11;
            const double bytes = std::stod(plan.output.substr(at)) * 1e6;
            const auto spills = [&](double memory) {
                const Outcome outcome = run(command + " --memory " + std::to_string(static_cast<int64_t>(memory)));
                REQUIRE(outcome.status == 0);
                return outcome.output.find("is spilled") != std::string::npos;
            };
            CHECK_FALSE(spills(1.05 * bytes));
            CHECK(spills(0.9 * bytes));
        }
    }
}
