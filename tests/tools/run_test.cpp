// adaq-run as its users run it: what it prints, what it writes, and what bad input gets.
#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/resource.h>

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "loaders/onnx/onnx.h"
#include "loaders/weights/weights.h"
#include "support/adaq_run.h"
#include "support/sanitizer.h"
#include "support/torch_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

nlohmann::json json_of(const std::string& path) { return nlohmann::json::parse(text_of_file(path)); }

/// Peak resident memory of a whole run, bytes.
int64_t peak_memory(const std::vector<std::string>& arguments) {
    std::vector<std::string> words{program_path("adaq-run")};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
    pid_t child = 0;
    REQUIRE(posix_spawn(&child, argv[0], &quiet, nullptr, argv.data(), environ) == 0);
    posix_spawn_file_actions_destroy(&quiet);
    int status = -1;
    rusage usage{};
    REQUIRE(wait4(child, &status, 0, &usage) == child);
    REQUIRE(status == 0);
    return usage.ru_maxrss * 1024;
}

}  // namespace

TEST_SUITE("adaq-run") {
    TEST_CASE("quantises, evaluates, saves and reports, the table goes to stdout, progress to stderr") {
        const Data data;
        const TemporaryFolder out;
        const Outcome table =
            run(quoted_weights() + data.both() + "--w4 --a8 --scheme lp --save " + (out / "q.bin") + " --report " +
                    (out / "r.html") + " --report " + (out / "r.json") + " --logits " + (out / "l.npy"),
                "2>" + (out / "progress"));
        INFO(table.output << text_of_file(out / "progress"));
        REQUIRE(table.status == 0);
        CHECK(table.output.find("W4A8") != std::string::npos);
        CHECK(table.output.find("top-5") != std::string::npos);
        CHECK(text_of_file(out / "progress").find("evaluate: 24 images") != std::string::npos);
        CHECK(out.count() == 5);
        const auto report = json_of(out / "r.json");
        CHECK(report["weights"].size() == 13);
        CHECK(report["activations"].size() == 9);
        CHECK(text_of_file(out / "r.html").rfind("<!DOCTYPE html>", 0) == 0);
        CHECK(text_of_file(out / "l.npy").size() == 128 + 24 * 7 * 4);
    }

    TEST_CASE("a saved model is evaluated as it is: the same logits, to the bit") {
        const Data data;
        const TemporaryFolder out;
        for (const std::string how :
             {"--w4 --a8", "--w3 --a32 --granularity layer", "--w2 --a4 --fold --head-stem-8bit --symmetric",
              "--w8 --a8 --act-sites layer --input-bits 8", "--w4 --a8 --act-sites deploy-ort",
              "--w4 --a4 --act-sites deploy-tensorrt", "--w8 --a8 --deploy ort", "--w4 --a8 --deploy ort --fold",
              "--w4 --a4 --deploy ort --head-stem-8bit --granularity layer", "--w4 --a8 --deploy openvino",
              "--w8 --a7 --deploy tensorrt", "--w8 --a8 --deploy adaq"}) {
            INFO(how);
            REQUIRE(run(quoted_weights() + data.both() + how + " --scheme minmax --save " + (out / "q.bin") +
                        " --logits " + (out / "a.npy"))
                        .status == 0);
            const Outcome again = run("--weights " + (out / "q.bin") + " --val " + data.folder.path().string() +
                                      " --logits " + (out / "b.npy"));
            INFO(again.output);
            REQUIRE(again.status == 0);
            CHECK(text_of_file(out / "a.npy") == text_of_file(out / "b.npy"));
        }
    }

    TEST_CASE("a network made for onnxruntime holds symmetric weights of 8 bits, integer biases, and no norms") {
        const Data data;
        const TemporaryFolder out;
        for (const std::string how : {"--w8", "--w4 --head-stem-8bit --method adaround --iters 10 --minibatch 8",
                                      "--w8 --method brecq --iters 10 --iters-scale 10 --minibatch 8"}) {
            INFO(how);
            REQUIRE(run(quoted_weights() + data.both() + how + " --a8 --deploy ort --scheme minmax --save " +
                        (out / "q.bin") + " --logits " + (out / "a.npy") + " --report " + (out / "r.json"))
                        .status == 0);
            const Outcome simulated = run("--weights " + (out / "q.bin") + " --val " + data.folder.path().string() +
                                          " --simulate --logits " + (out / "b.npy"));
            REQUIRE(simulated.status == 0);
            CHECK(text_of_file(out / "a.npy") == text_of_file(out / "b.npy"));
            CHECK(json_of(out / "r.json")["settings"]["deploy"] == "ort");
            const StoredModel model = load_weights(out / "q.bin");
            REQUIRE(model.quantisation);
            CHECK(model.quantisation->folded);
            CHECK(model.quantisation->biases.size() == model.quantisation->weights.size());
            for (const auto& [name, weight] : model.quantisation->weights) {
                CHECK(weight.grid.narrow == (weight.grid.bits == 8));
                if (!weight.grid.narrow) continue;
                for (float zero_point : weight.zero_point) CHECK(zero_point == 0.0f);
            }
            for (const char* site : {"input", "avgpool", "layer1.0.conv2", "layer2.0.downsample"})
                CHECK(model.quantisation->activations.contains(site));
            const onnx::Exported exported = onnx::export_network("q.onnx", model, {OnnxTarget::ort});
            for (const std::string& note : exported.notes) CHECK(note.find("can saturate") != std::string::npos);
            size_t integers = 0;
            for (const auto& tensor : exported.model.graph.initializers)
                integers += tensor.name.ends_with(".bias.codes") && tensor.type == onnx::DataType::int32;
            CHECK(integers == model.quantisation->biases.size());
        }
    }

    TEST_CASE("an .onnx file of a network that is made for a runtime is for that one") {
        const Data data;
        const TemporaryFolder out;
        const std::string how = quoted_weights() + data.calib() + "--w4 --a8 --deploy ort --save ";
        REQUIRE(run(how + (out / "q.bin")).status == 0);
        REQUIRE(run(how + (out / "a.onnx")).status == 0);
        REQUIRE(run_program("adaq-convert", (out / "q.bin") + " " + (out / "b.onnx") + " --for ort").status == 0);
        const auto graph = [&](const std::string& name) {
            return onnx::parse(name, bytes_of_text(text_of_file(out / name))).graph;
        };
        CHECK(graph("a.onnx") == graph("b.onnx"));
        check_refused(how + (out / "c.onnx") + " --for tensorrt", 2,
                      "--for tensorrt: --deploy ort makes a network for another runtime");
        REQUIRE(run(how + (out / "d.onnx") + " --for any").status == 0);
        CHECK(!(graph("d.onnx") == graph("a.onnx")));
    }

    TEST_CASE("bicubic resizing is kept in the saved model, which is evaluated with it again") {
        const Data data;
        const TemporaryFolder out;
        const auto logits = [&](const std::string& arguments) {
            const Outcome outcome = run(arguments + " --logits " + (out / "l.npy"));
            INFO(outcome.output);
            REQUIRE(outcome.status == 0);
            return text_of_file(out / "l.npy");
        };
        const std::string usual = quoted_weights() + data.both() + "--w4 --a32 --resize 30 --crop 28 ";
        const std::string bilinear = logits(usual + "--interpolation bilinear");
        const std::string bicubic = logits(usual + "--interpolation bicubic --save " + (out / "q.bin"));
        const std::string val = " --val " + data.folder.path().string();
        CHECK(bicubic != bilinear);
        CHECK(logits(usual) == bilinear);
        CHECK(logits("--weights " + (out / "q.bin") + val) == bicubic);
        CHECK(logits("--weights " + (out / "q.bin") + val + " --interpolation bilinear") != bicubic);
        REQUIRE(run("--weights " + (out / "q.bin") + val + " --report " + (out / "r.json")).status == 0);
        CHECK(text_of_file(out / "r.json").find("resized to 30 (bicubic)") != std::string::npos);
    }

    TEST_CASE("a saved model's report says what it holds, and leaves out what only calibration images tell") {
        const Data data;
        const TemporaryFolder out;
        REQUIRE(run(quoted_weights() + data.both() + "--w4 --a6 --scheme minmax --save " + (out / "q.bin")).status ==
                0);
        const Outcome again = run("--weights " + (out / "q.bin") + " --val " + data.folder.path().string() +
                                  " --report " + (out / "r.json") + " --report " + (out / "r.html"));
        INFO(again.output);
        REQUIRE(again.status == 0);
        CHECK(again.output.find("activation bits   32        6\n") != std::string::npos);
        CHECK(again.output.find("SQNR") == std::string::npos);
        const auto report = nlohmann::json::parse(text_of_file(out / "r.json"));
        REQUIRE(report["activations"].size() == 9);
        for (const auto& site : report["activations"]) {
            CHECK(site["bits"] == 6);
            CHECK(site["range"]["max"].get<double>() > 0.0);
            CHECK(site["observed"].is_null());
            CHECK(site["sqnr_db"].is_null());
        }
        for (const auto& layer : report["weights"]) CHECK(layer["weight_sqnr_db"].is_null());
    }

    TEST_CASE("AdaRound learns, is the same for the same seed, and its saved model gives the run's logits to the bit") {
        const Data data;
        const TemporaryFolder out;
        for (const std::string how :
             {"--w3 --a32", "--w4 --a8", "--w3 --a4 --fold --head-stem-8bit",
              "--w4 --a4 --act-sites layer --input-bits 8 --rounding-init nearest", "--w4 --a8 --bn batch",
              "--w8 --a8 --deploy ort", "--w4 --a8 --deploy ort --bn batch", "--w4 --a7 --deploy tensorrt"}) {
            INFO(how);
            const std::string command =
                quoted_weights() + data.both() + how +
                " --scheme minmax --method adaround --iters 30 --minibatch 8 --seed 3 --logits " + (out / "a.npy") +
                " --report " + (out / "r.json") + " --save ";
            const Outcome outcome = run(command + (out / "q.bin"));
            INFO(outcome.output);
            REQUIRE(outcome.status == 0);
            CHECK(outcome.output.find("adaround rounding") != std::string::npos);
            CHECK(outcome.output.find("reconstruct: 390 iterations") != std::string::npos);
            REQUIRE(run("--weights " + (out / "q.bin") + " --val " + data.folder.path().string() + " --logits " +
                        (out / "b.npy"))
                        .status == 0);
            CHECK(text_of_file(out / "a.npy") == text_of_file(out / "b.npy"));
            REQUIRE(run(command + (out / "again.bin")).status == 0);
            CHECK(text_of_file(out / "q.bin") == text_of_file(out / "again.bin"));
            const auto settings = nlohmann::json::parse(text_of_file(out / "r.json"))["settings"];
            CHECK(settings["method"] == "adaround");
            CHECK(settings["iters"] == 30);
            CHECK(settings["minibatch"] == 8);
            CHECK(json_of(out / "r.json")["accuracy"]["nearest"].is_null());
            CHECK(settings["bn"] == (how.find("--bn") == std::string::npos ? "fixed" : "batch"));
        }
    }

    TEST_CASE("--compare-nearest evaluates what a run without learning gives") {
        const Data data;
        const TemporaryFolder out;
        const std::string how =
            quoted_weights() + data.both() + "--w2 --a3 --scheme minmax --report " + (out / "r.json");
        REQUIRE(run(how).status == 0);
        const auto nearest = json_of(out / "r.json")["accuracy"]["quantised"];
        std::filesystem::remove(out / "r.json");
        const Outcome outcome = run(how + " --method adaround --iters 5 --minibatch 8 --compare-nearest");
        INFO(outcome.output);
        REQUIRE(outcome.status == 0);
        CHECK(outcome.output.find("nearest rounding of the same bits reaches") != std::string::npos);
        const auto beside = json_of(out / "r.json")["accuracy"]["nearest"];
        CHECK(beside["top1"] == nearest["top1"]);
        CHECK(beside["top5"] == nearest["top5"]);
    }

    TEST_CASE("options of learning without a method that learns, and too few images, are refused") {
        const Data data;
        check_refused(quoted_weights() + data.both() + "--compare-nearest", 2,
                      "--compare-nearest: only with a --method that learns");
        check_refused(quoted_weights() + data.both() + "--lr 0.1", 2, "--lr: only with a --method that learns");
        check_refused(quoted_weights() + data.both() + "--bn batch", 2, "--bn: only with a --method that learns");
        check_refused(quoted_weights() + data.both() + "--method adaround --fold --bn batch", 2,
                      "--bn batch: with --fold no batch norm is left");
        check_refused(quoted_weights() + "--w4 --a32 --method adaround --val " + data.folder.path().string(), 2,
                      "--calib is needed to learn from");
        check_refused(quoted_weights() + data.both() + "--method adaround --minibatch 17", 1,
                      "conv1: 16 calibration images are fewer than a batch of 17");
    }

    TEST_CASE("on integers the logits do not depend on batch or threads") {
        const Data data;
        const TemporaryFolder out;
        REQUIRE(
            run(quoted_weights() + data.both() + "--w4 --a4 --input-bits 8 --scheme minmax --save " + (out / "q.bin"))
                .status == 0);
        std::string first;
        for (const std::string how :
             {"--batch 1 --threads 1", "--batch 5 --threads 2", "--batch 24", "--batch 64 --threads 1"}) {
            REQUIRE(run("--weights " + (out / "q.bin") + " --val " + data.folder.path().string() + " --logits " +
                        (out / "l.npy ") + how)
                        .status == 0);
            const std::string logits = text_of_file(out / "l.npy");
            if (first.empty()) first = logits;
            CHECK(logits == first);
        }
    }

    TEST_CASE("the same command writes the same file, byte for byte") {
        const Data data;
        const TemporaryFolder out;
        const std::string how = quoted_weights() + data.calib() + "--w3 --a5 --calib-augment --seed 7 --save ";
        REQUIRE(run(how + (out / "a.bin")).status == 0);
        REQUIRE(run(how + (out / "b.bin")).status == 0);
        CHECK(text_of_file(out / "a.bin") == text_of_file(out / "b.bin"));
        REQUIRE(run(quoted_weights() + data.calib() + "--w3 --a5 --calib-augment --seed 8 --save " + (out / "c.bin"))
                    .status == 0);
        CHECK(text_of_file(out / "a.bin") != text_of_file(out / "c.bin"));
    }

    TEST_CASE("weights alone need no images") {
        const TemporaryFolder out;
        const Outcome outcome =
            run(quoted_weights() + "--w4 --a32 --save " + (out / "q.bin") + " --report " + (out / "r.html"));
        INFO(outcome.output);
        CHECK(outcome.status == 0);
        CHECK(load_weights(out / "q.bin").quantisation->weights.size() == 13);
    }

    TEST_CASE("of a checkpoint's networks --checkpoint-key takes one, and a note tells where it was not given") {
        const TemporaryFolder folder;
        const std::string checkpoint = folder / "c.pth";
        write_bytes(checkpoint, checkpoint_of_two());
        const auto saved = [&](const std::string& options) {
            const Outcome outcome =
                run("--weights " + checkpoint + " --w8 --a32 --save " + (folder / "q.bin") + options);
            CHECK(outcome.status == 0);
            return std::pair(outcome.output, load_weights(folder / "q.bin").tensors.at("fc.bias").values[0]);
        };
        const float bias = tiny_tensors().at("fc.bias").values[0];
        const auto [noted, usual] = saved("");
        CHECK(usual == bias);
        CHECK(noted.find("others under model_ema (--checkpoint-key model_ema).") != std::string::npos);
        const auto [quiet, averaged] = saved(" --checkpoint-key model_ema");
        CHECK(averaged == 2.0f * bias);
        CHECK(quiet.find("--checkpoint-key") == std::string::npos);
        const Outcome alone = run("--checkpoint-key ema");
        CHECK(alone.status == 2);
        CHECK(alone.output == "adaq-run: --checkpoint-key: only with --weights\n");
        CHECK(run("--arch resnet18").output == "adaq-run: --arch: only with --weights\n");
    }

    TEST_CASE("--float evaluates the float network alone: PyTorch's accuracy, nothing quantised") {
        const Data data;
        const TemporaryFolder out;
        const Outcome outcome = run(quoted_weights() + data.both() + "--float --report " + (out / "r.json") +
                                    " --logits " + (out / "l.npy"));
        INFO(outcome.output);
        REQUIRE(outcome.status == 0);
        const auto report = json_of(out / "r.json");
        CHECK(report["accuracy"].contains("float32"));
        CHECK(report["accuracy"]["quantised"].is_null());
        CHECK(report["weights"].empty());
        CHECK(text_of_file(out / "l.npy").size() == 128 + 24 * 7 * 4);
        check_refused(quoted_weights() + data.both() + "--float --w4", 2, "--float");
        check_refused(quoted_weights() + data.both() + "--float --simulate", 2, "--simulate: of a quantised network");
        const std::string quantised = out / "q.bin";
        REQUIRE(run(quoted_weights() + data.calib() + "--w8 --a8 --save " + quantised).status == 0);
        check_refused("--weights " + quantised + data.both() + "--float", 2,
                      "is quantised already, and holds no float");
        check_refused(quoted_weights() + "--deploy ort --save " + quantised, 2, "give --calib DIR\n");
    }

    TEST_CASE("every scheme, granularity and device works from the command line") {
        const Data data;
        for (const std::string how : {"--scheme absmax", "--scheme norm-legacy --act-scheme norm", "--scheme orgnorm",
                                      "--scheme norm --p 2", "--granularity layer", "--device reference --val-images 4",
                                      "--act-scheme lp", "--edge-acts both --head-stem-8bit"}) {
            const Outcome outcome = run(quoted_weights() + data.both() + "--w4 --a4 " + how);
            INFO(how << "\n" << outcome.output);
            CHECK(outcome.status == 0);
        }
    }

    TEST_CASE("--head-stem-8bit and --granularity are what the saved file holds") {
        const TemporaryFolder out;
        REQUIRE(run(quoted_weights() + "--w3 --a32 --head-stem-8bit --granularity layer --save " + (out / "q.bin"))
                    .status == 0);
        const StoredModel model = load_weights(out / "q.bin");
        const auto& weights = model.quantisation->weights;
        CHECK(weights.at("conv1.weight").grid.bits == 8);
        CHECK(weights.at("fc.weight").grid.bits == 8);
        CHECK(weights.at("layer2.0.conv1.weight").grid.bits == 3);
        CHECK(weights.at("layer2.0.conv1.weight").scale.size() == 1);
    }

    TEST_CASE("without options: nearest rounding loses at least three points, AdaRound wins back at least half") {
        const TemporaryFolder out;
        const std::string shorter = kAddressSanitizer ? "--iters 40 " : "";  // instrumented code takes its time
        const Outcome outcome = run(shorter + "--report " + (out / "r.json"));
        INFO(outcome.output);
        REQUIRE(outcome.status == 0);
        CHECK(outcome.output.find("--weights resnet18.pth") != std::string::npos);
        CHECK(outcome.output.find("learning wins back") != std::string::npos);
        const auto accuracy = json_of(out / "r.json")["accuracy"];
        const auto top1 = [&](const char* network) { return accuracy[network]["top1"]["share"].get<double>(); };
        CHECK(top1("float32") > 0.92);
        CHECK(top1("nearest") > 0.6);
        CHECK(top1("float32") - top1("nearest") >= 0.03);
        CHECK(top1("quantised") - top1("nearest") >= 0.5 * (top1("float32") - top1("nearest")));
    }

    TEST_CASE("help and version") {
        CHECK(run("--version").output.find("adaq 0.") == 0);
        const Outcome help = run("--help", "2>/dev/null");
        CHECK(help.status == 0);
        CHECK(help.output.find("--head-stem-8bit") != std::string::npos);
    }

    TEST_CASE("usage errors: one line that names the option, status 2") {
        const Data data;
        const std::string usual = quoted_weights() + data.both();
        check_refused("--nonsense", 2, "--nonsense");
        check_refused(usual + "--w 9", 2, "--w");
        check_refused(usual + "--a 9", 2, "--a 9");
        check_refused(usual + "--input-bits 1", 2, "--input-bits 1");
        check_refused(usual + "--scheme median", 2, "--scheme");
        check_refused(usual + "--batch 0", 2, "--batch");
        check_refused(usual + "--interpolation lanczos", 2, "--interpolation");
        check_refused(usual + "--device abacus", 2, "abacus");
        check_refused(usual + "--device cuda", 2, "cuda");
        check_refused(usual + "--edge-acts both", 2, "--head-stem-8bit");
        check_refused(usual + "--logits l.txt", 2, "l.txt");
        check_refused(usual + "--save q.pth", 2, "q.pth");
        check_refused(usual + "--report r.pdf", 2, "r.pdf");
        check_refused(quoted_weights() + "--a8", 2, "--calib");
        check_refused(usual + "--w4 --a4 --act-scheme norm-legacy", 2, "norm-legacy");
        const TemporaryFolder out;
        REQUIRE(run(quoted_weights() + "--w4 --a32 --save " + (out / "q.bin")).status == 0);
        check_refused("--weights " + (out / "q.bin") + data.both() + "--w4", 2, "quantised already");
        check_refused("--weights " + (out / "q.bin"), 2, "--val");
    }

    TEST_CASE("data errors: one line that names the file, status 1, nothing written") {
        const Data data;
        check_refused("--weights /nowhere/x.pth" + data.both(), 1, "/nowhere/x.pth");
        check_refused(quoted_weights() + "--calib /nowhere/calib --a8", 1, "/nowhere/calib");
        check_refused(quoted_weights() + "--calib " + data.folder.path().string() + " --images 500", 1, "500");
        const TemporaryFolder empty;
        check_refused(quoted_weights() + "--calib " + empty.path().string(), 1, empty.path().string());
        std::string labels(24, '\x09');
        data.write("t10k-labels-idx1-ubyte", idx_labels(labels));  // class 9 of 7
        check_refused(quoted_weights() + data.both(), 1, "9");
        data.write("t10k-labels-idx1-ubyte", idx_labels("\x01\x02"));
        check_refused(quoted_weights() + data.both(), 1, "t10k");
        data.write("train-images-idx3-ubyte", idx_images(24, kSide, kSide).substr(0, 5000));
        check_refused(quoted_weights() + data.both(), 1, "train-images");
        const TemporaryFolder out;
        std::ofstream(out / "torn.bin") << text_of_file(kNetwork).substr(0, 100000);
        check_refused("--weights " + (out / "torn.bin") + " --w4 --a32", 1, "torn.bin");
    }

    TEST_CASE("a corrupt image in the middle stops the run by its name") {
        const TemporaryFolder images, out;
        for (int i = 0; i < 20; ++i)
            std::ofstream(images / fmt::format("{:02}.ppm", i)) << "P6 40 40 255\n"
                                                                << std::string(4800, static_cast<char>(i));
        std::ofstream(images / "12.ppm") << "P6 40 40 255\n" << std::string(100, 'x');
        check_refused(quoted_weights() + "--calib " + images.path().string() + " --images 20 --a8", 1, "12.ppm");
    }

    TEST_CASE("images that do not fit the network are refused") {
        const TemporaryFolder images;
        for (int i = 0; i < 4; ++i)
            std::ofstream(images / fmt::format("{}.ppm", i)) << "P6 40 " << 40 + i % 2 << " 255\n"
                                                             << std::string(40 * (40 + i % 2) * 3, 'a');
        check_refused(quoted_weights() + "--calib " + images.path().string() + " --images 4 --a8 --resize 0 --crop 0",
                      1, ".ppm");
    }

    TEST_CASE("a full disk leaves no partial file, and what was there before stays") {
        const Data data;
        const TemporaryFolder out;
        std::ofstream(out / "q.bin") << "precious";
        const Outcome outcome = run(quoted_weights() + "--w8 --a32 --save " + (out / "q.bin"), "2>&1", "ulimit -f 8; ");
        CHECK(outcome.status == 1);
        CHECK(outcome.output.find("q.bin") != std::string::npos);
        CHECK(text_of_file(out / "q.bin") == "precious");
        CHECK(out.count() == 1);
    }

    TEST_CASE("peak memory does not grow with the number of validation images") {
        const TemporaryFolder images;
        for (int c = 0; c < 7; ++c) std::filesystem::create_directory(images / std::to_string(c));
        for (int i = 0; i < 1400; ++i)
            std::ofstream(images / fmt::format("{}/{}.ppm", i % 7, i)) << "P6 40 40 255\n"
                                                                       << std::string(4800, static_cast<char>(i));
        const auto peak = [&](const std::string& count) {
            return peak_memory({"--weights", kNetwork, "--val", images.path().string(), "--w4", "--a32", "--batch", "8",
                                "--threads", "2", "--val-images", count});
        };
        const int64_t few = peak("100"), many = peak("1400");
        CHECK(many < few + (4 << 20));  // 1,300 more images are 25 MB as floats
    }
}
