// The public interface (adaq/adaq.h), used as a program of somebody else's would use it.
#include "adaq/adaq.h"

#include <doctest/doctest.h>
#include <omp.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "adaq/state/model_state.h"
#include "support/adaq_run.h"
#include "support/weight_files.h"
#include "tools/program/words.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int kEdge = 40, kImages = 24;

/// A smooth pattern, other for each image and channel.
uint8_t pixel(int64_t image, int y, int x, int channel) {
    const double wave = std::sin(0.1 * static_cast<double>(image + 1) * y + 0.3 * x + 2.0 * channel);
    return static_cast<uint8_t>(127.5 + 100.0 * wave);
}

void fill(int64_t image, std::span<uint8_t> pixels) {
    size_t at = 0;
    for (int y = 0; y < kEdge; ++y)
        for (int x = 0; x < kEdge; ++x)
            for (int channel = 0; channel < 3; ++channel) pixels[at++] = pixel(image, y, x, channel);
}

OwnImages own_pixels() {
    std::vector<int> labels;
    for (int i = 0; i < kImages; ++i) labels.push_back(i % 7);
    return {.count = kImages, .height = kEdge, .width = kEdge, .pixels = fill, .labels = labels};
}

/// The same, as the network takes them.
OwnImages own_inputs(const Preprocessing& how) {
    OwnImages images = own_pixels();
    images.pixels = nullptr;
    images.inputs = [how](int64_t image, std::span<float> input) {
        std::vector<uint8_t> pixels(input.size());
        fill(image, pixels);
        for (size_t i = 0; i < input.size(); ++i)
            input[i] = (static_cast<float>(pixels[i]) / 255.0f - how.mean[i % 3]) / how.std[i % 3];
    };
    return images;
}

/// The same as files in class folders.
void write_images(const TemporaryFolder& folder) {
    for (int i = 0; i < kImages; ++i) {
        std::vector<uint8_t> pixels(size_t{kEdge} * kEdge * 3);
        fill(i, pixels);
        write_file(folder, std::to_string(i % 7) + "/" + std::to_string(100 + i) + ".ppm",
                   "P6 40 40 255\n" + std::string(pixels.begin(), pixels.end()));
    }
}

QuantiseOptions learning() {
    return {.method = "adaround",
            .weight_bits = 3,
            .activation_bits = 4,
            .scheme = "minmax",
            .images = kImages,
            .learning = {.iters = 20, .minibatch = 8}};
}

const Context kOneThread{.device = {.device = "cpu", .threads = 1}};

std::string saved(const Model& model) {
    const TemporaryFolder folder;
    save(model, folder / "q.bin");
    return text_of_file(folder / "q.bin");
}

template <typename Work>
Error error_from(Work work) {
    try {
        work();
    } catch (const Error& error) {
        return error;
    }
    FAIL("nothing was thrown");
    return DataError("");
}

struct Counting : Observer {
    std::vector<std::string> phases, said;
    std::map<std::string, int64_t> total;
    std::atomic<int64_t> done = 0;
    int begun_work = 0, asked = 0, stop_after = -1;

    void begin(const std::string& phase, int64_t count, const std::string&) override {
        phases.push_back(phase);
        total[phase] = count;
        done = 0;
    }
    void advance(int64_t n) override { done += n; }
    void end() override { CHECK(done == total[phases.back()]); }
    void say(const std::string& sentence) override { said.push_back(sentence); }
    void work_begins() override { ++begun_work; }
    bool stop() override { return ++asked == stop_after || (begun_work > 0 && stop_after == 0); }
};

}  // namespace

TEST_SUITE("interface") {
    TEST_CASE("what is quantised, saved and evaluated is what adaq-run makes of the same images") {
        const TemporaryFolder images, out;
        write_images(images);
        const std::string folder = images.path().string();
        const Model model = load(kNetwork);
        const ImageSets sets = open_images(model, {.calib = folder, .val = folder});
        CHECK(sets.validation_count() == kImages);
        CHECK(sets.height() == kEdge);
        Quantised quantised = quantise(model, sets, learning(), kOneThread);
        compare_layers(quantised, kOneThread);
        evaluate(quantised, sets, {}, kOneThread);
        const Report report = quantised.report();
        CHECK(report.label == "W3A4");
        CHECK(report.weights.size() == 13);
        CHECK(report.learning.size() == report.weights.size());
        CHECK(report.weights[0].output_sqnr_db.has_value());
        save(quantised.model(), out / "q.bin");

        const Outcome outcome =
            run(quoted_weights() + "--calib " + folder + " --val " + folder +
                " --w3 --a4 --scheme minmax --method adaround --iters 20 --minibatch 8 --images 24 --device cpu "
                "--threads 1 --save " +
                (out / "r.bin") + " --report " + (out / "r.json"));
        REQUIRE(outcome.status == 0);
        CHECK(text_of_file(out / "q.bin") == text_of_file(out / "r.bin"));
        const auto json = nlohmann::json::parse(text_of_file(out / "r.json"));
        CHECK(json["accuracy"]["quantised"]["top1"]["correct"] == report.quantised_network->top1);

        // What was saved is evaluated as it was made.
        const Report again = evaluate(load(out / "q.bin"), sets, {}, kOneThread);
        CHECK(again.quantised_network->top1 == report.quantised_network->top1);
        CHECK_FALSE(again.float_network);
    }

    TEST_CASE("a caller's own images give what the same images on the disk give, pixels and inputs alike") {
        const TemporaryFolder images;
        write_images(images);
        const Model model = load(kNetwork);
        const Preprocessing how;  // the file does not say it: as they are, ImageNet's mean and deviation
        REQUIRE_FALSE(model.preprocessing().has_value());
        const std::string folder = images.path().string();
        const std::string of_files =
            saved(quantise(model, open_images(model, {.calib = folder}), learning(), kOneThread).model());
        const ImageSets pixels = open_images(model, {.own_calib = own_pixels(), .own_val = own_pixels()}),
                        inputs = open_images(model, {.own_calib = own_inputs(how), .own_val = own_inputs(how)});
        // Class folders take one image of each class in turn, as labels do.
        CHECK(saved(quantise(model, pixels, learning(), kOneThread).model()) == of_files);
        // How inputs were prepared nobody knows: the file does not say it.
        const Model of_inputs = quantise(model, inputs, learning(), kOneThread).model();
        CHECK_FALSE(of_inputs.preprocessing().has_value());
        const TemporaryFolder out;
        write_file(out, "files.bin", of_files);
        const Model expected = load(out / "files.bin");
        const auto &codes = of_inputs.state().stored.quantisation->weights,
                   &expected_codes = expected.state().stored.quantisation->weights;
        REQUIRE(codes.size() == expected_codes.size());
        for (const auto& [name, weight] : codes) CHECK(weight.codes == expected_codes.at(name).codes);
        std::vector<float> logits[2];
        for (const auto& [sets, i] : {std::pair(&pixels, 0), std::pair(&inputs, 1)}) {
            EvaluateOptions options;
            options.logits = [&logits, i = i](std::span<const float> rows, int64_t) {
                logits[i].insert(logits[i].end(), rows.begin(), rows.end());
            };
            evaluate(model, *sets, options, kOneThread);
        }
        CHECK(logits[0].size() == size_t{kImages} * 7);
        CHECK(logits[0] == logits[1]);
        CHECK(identity(model, pixels, learning(), kOneThread) == identity(model, pixels, learning(), kOneThread));
        CHECK(identity(model, pixels, learning(), kOneThread) != identity(model, inputs, learning(), kOneThread));
    }

    TEST_CASE("own images that are not whole are refused by their field") {
        const Model model = load(kNetwork);
        const auto refused = [&](const OwnImages& images) {
            const Error error = error_from([&] { open_images(model, {.own_calib = images}); });
            CHECK(error.code() == ErrorCode::invalid_option);
            CHECK(error.field() == "own_calib");
            return std::string(error.what());
        };
        OwnImages images = own_pixels();
        images.labels.pop_back();
        CHECK(refused(images) == "`own_calib`: 23 labels of 24 images");
        images = own_pixels();
        images.width = 0;
        CHECK(refused(images) == "`own_calib`: images of 0x40 pixels");
        images = own_pixels();
        images.pixels = nullptr;
        CHECK(refused(images).find("expected one of `pixels` and `inputs`") != std::string::npos);
        images = own_pixels();
        images.count = -3;
        images.labels.clear();
        CHECK(refused(images) == "`own_calib`: -3 images");
        CHECK(error_from([&] { open_images(model, {.calib = "/nowhere", .own_calib = own_pixels()}); }).field() ==
              "own_calib");
        OwnImages small = own_inputs({});
        small.height = 20;
        CHECK(error_from([&] { open_images(model, {.own_calib = own_inputs({}), .own_val = small}); }).field() ==
              "own_val");
        OwnImages broken = own_inputs({});
        broken.inputs = [](int64_t, std::span<float> input) { std::fill(input.begin(), input.end(), NAN); };
        const ImageSets infinite = open_images(model, {.own_calib = broken});
        CHECK(std::string(error_from([&] { quantise(model, infinite, learning(), kOneThread); }).what()) ==
              "`own_calib`, image 0: a value that is not finite");
        QuantiseOptions views = learning();
        views.learning.calib_views = 2;
        const ImageSets inputs = open_images(model, {.own_calib = own_inputs({})});
        CHECK(error_from([&] { quantise(model, inputs, views, kOneThread); }).field() == "calib_views");
    }

    TEST_CASE("a value out of its bounds, and options that do not go together, are refused by their field") {
        using Change = void (*)(QuantiseOptions&);
        const std::vector<std::pair<std::string, Change>> faults{
            {"method", [](QuantiseOptions& o) { o.method = "magic"; }},
            {"weight_bits", [](QuantiseOptions& o) { o.weight_bits = 9; }},
            {"activation_bits", [](QuantiseOptions& o) { o.activation_bits = 16; }},
            {"input_bits", [](QuantiseOptions& o) { o.input_bits = 1; }},
            {"scheme", [](QuantiseOptions& o) { o.scheme = ""; }},
            {"act_scheme", [](QuantiseOptions& o) { o.act_scheme = "x"; }},
            {"p", [](QuantiseOptions& o) { o.p = std::nan(""); }},
            {"granularity", [](QuantiseOptions& o) { o.granularity = "tensor"; }},
            {"act_sites", [](QuantiseOptions& o) { o.act_sites = "everywhere"; }},
            {"edge_acts", [](QuantiseOptions& o) { o.edge_acts = "fc"; }},
            {"bits", [](QuantiseOptions& o) { o.bits["fc"] = 1; }},
            {"act_bits", [](QuantiseOptions& o) { o.act_bits["fc"] = 33; }},
            {"images", [](QuantiseOptions& o) { o.images = 0; }},
            {"resume", [](QuantiseOptions& o) { o.resume = true; }},
            {"memory", [](QuantiseOptions& o) { o.memory = "much"; }},
            {"iters", [](QuantiseOptions& o) { o.learning.iters = 0; }},
            {"lr", [](QuantiseOptions& o) { o.learning.lr = -1.0; }},
            {"lr_channel", [](QuantiseOptions& o) { o.learning.lr_channel = 1e-3; }},
            {"loss", [](QuantiseOptions& o) { o.learning.loss = "none"; }},
            {"iters_scale", [](QuantiseOptions& o) { o.learning.iters_scale = 5; }},
            {"pd_lambda", [](QuantiseOptions& o) { o.learning.pd_lambda = 1.0; }},
            {"correction_steps", [](QuantiseOptions& o) { o.learning.correction_steps = 5; }},
        };
        for (const auto& [field, change] : faults) {
            QuantiseOptions options = learning();
            change(options);
            const Error error = error_from([&] { settled(options); });
            INFO(error.what());
            CHECK(error.code() == ErrorCode::invalid_option);
            CHECK(error.field() == field);
        }
        QuantiseOptions nearest;
        nearest.learning.warm_up = 0.5;
        CHECK(error_from([&] { settled(nearest); }).field() == "warm_up");
    }

    TEST_CASE("settled options are settled already, whatever the method") {
        for (const std::string& method : method_names()) {
            QuantiseOptions options;
            options.method = method;
            options.head_stem_8bit = true;
            const QuantiseOptions once = settled(options), twice = settled(once);
            CHECK(once.scheme.has_value());
            CHECK(once.act_scheme == once.scheme);
            CHECK(once.fold.has_value());
            CHECK(once.edge_acts.has_value());
            CHECK(settings_json(once, {}, kOneThread) == settings_json(options, {}, kOneThread));
            CHECK(settings_json(twice, {}, kOneThread) == settings_json(once, {}, kOneThread));
        }
    }

    TEST_CASE("files, and what a piece of work needs and has not, are errors with a code") {
        const Model model = load(kNetwork);
        CHECK(error_from([] { load("/nowhere/x.pth"); }).code() == ErrorCode::invalid_data);
        CHECK(error_from([&] { save(model, "x.onnx"); }).field() == "save");
        CHECK(error_from([&] { save(model, "/nowhere/x.bin"); }).code() == ErrorCode::invalid_data);
        CHECK(error_from([&] { open_images(model, {.calib = "/nowhere"}); }).code() == ErrorCode::invalid_data);
        CHECK(error_from([&] { open_images(model, {.resize = 5000}); }).field() == "resize");
        CHECK(error_from([&] { open_images(model, {.mean = {123.7f, 1.0f, 1.0f}}); }).field() == "mean");
        CHECK(error_from([&] { open_images(model, {.class_order = "size"}); }).field() == "class_order");
        const ImageSets none = open_images(model, {});
        CHECK(error_from([&] { quantise(model, none, learning(), kOneThread); }).field() == "method");
        CHECK(error_from([&] { quantise(model, none, {}, kOneThread); }).field() == "calib");
        QuantiseOptions weights_alone;
        weights_alone.activation_bits = 32;
        Quantised quantised = quantise(model, none, weights_alone, kOneThread);
        CHECK(error_from([&] { evaluate(quantised, none, {}, kOneThread); }).field() == "val");
        CHECK(error_from([&] { quantise(quantised.model(), none, weights_alone, kOneThread); }).code() ==
              ErrorCode::invalid_option);
        CHECK(error_from([&] { quantise(model, none, weights_alone, {.device = {.device = "tpu"}}); }).field() ==
              "device");
        CHECK(error_from([&] { quantise(model, none, weights_alone, {.device = {.math = "fp8"}}); }).field() == "math");
        CHECK(error_from([&] { quantise(model, none, weights_alone, {.device = {.threads = -1}}); }).field() ==
              "threads");
    }

    TEST_CASE("an observer is told how far it is, and can stop") {
        const Model model = load(kNetwork);
        const ImageSets images = open_images(model, {.own_calib = own_pixels(), .own_val = own_pixels()});
        Counting observer;
        Context context = kOneThread;
        context.observer = &observer;
        Quantised quantised = quantise(model, images, learning(), context);
        evaluate(quantised, images, {}, context);
        CHECK(observer.phases == std::vector<std::string>{"weights", "reconstruct", "evaluate"});
        CHECK(observer.begun_work == 1);
        CHECK(observer.asked > 20);

        const TemporaryFolder state;
        QuantiseOptions options = learning();
        Counting stopping;
        stopping.stop_after = 0;  // as soon as something would be lost
        context.observer = &stopping;
        const Error lost = error_from([&] { quantise(model, images, options, context); });
        CHECK(lost.code() == ErrorCode::stopped);
        CHECK(std::string(lost.what()).find("nothing was saved") != std::string::npos);
        options.state = state / "units";
        stopping.stop_after = observer.asked / 2;
        stopping.begun_work = stopping.asked = 0;
        const Error kept = error_from([&] { quantise(model, images, options, context); });
        CHECK(std::string(kept.what()).find(" of 13 layers are kept in " + options.state) != std::string::npos);
        CHECK(error_from([&] { check_state(options); }).field() == "state");
        options.resume = true;
        context.observer = nullptr;
        CHECK(saved(quantise(model, images, options, context).model()) == saved(quantised.model()));
    }

    TEST_CASE("several pieces of work that share a workspace come to what each comes to alone") {
        const Model model = load(kNetwork);
        const ImageSets images = open_images(model, {.own_calib = own_pixels(), .own_val = own_pixels()});
        Workspace workspace;
        Context shared = kOneThread;
        shared.workspace = &workspace;
        for (const char* method : {"adaround", "brecq", "nearest"}) {
            QuantiseOptions options = learning();
            options.method = method;
            if (!options.learns()) options.learning = {};
            Quantised together = quantise(model, images, options, shared),
                      alone = quantise(model, images, options, kOneThread);
            CHECK(saved(together.model()) == saved(alone.model()));
            evaluate(together, images, {}, shared);
            evaluate(alone, images, {}, kOneThread);
            CHECK(together.report().float_network->top1 == alone.report().float_network->top1);
            CHECK(together.report().quantised_network->top1 == alone.report().quantised_network->top1);
            CHECK(together.report().agreement == alone.report().agreement);
        }
    }

    TEST_CASE("a handle that was moved from holds what it held") {
        // NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move): it is what is tested
        Model model = load(kNetwork);
        const Model moved = std::move(model);
        CHECK(model.classes() == moved.classes());
        ImageSets images = open_images(model, {.own_calib = own_pixels()});
        const ImageSets gone = std::move(images);
        CHECK(images.calibration_count() == gone.calibration_count());
        // NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
    }

    TEST_CASE("nothing outside is changed: signals, environment, OpenMP's settings") {
        const int threads_before = omp_get_max_threads(), dynamic_before = omp_get_dynamic();
        omp_set_num_threads(7);
        omp_set_dynamic(1);
        struct sigaction before[2], after[2];
        sigaction(SIGINT, nullptr, &before[0]);
        sigaction(SIGPIPE, nullptr, &before[1]);
        std::vector<std::string> variables;
        for (char** variable = environ; *variable; ++variable) variables.emplace_back(*variable);
        const Model model = load(kNetwork);
        const ImageSets images = open_images(model, {.own_calib = own_pixels(), .own_val = own_pixels()});
        Quantised quantised = quantise(model, images, learning(), {.device = {.device = "cpu", .threads = 2}});
        evaluate(quantised, images, {}, {.device = {.device = "cpu", .threads = 2}});
        CHECK(omp_get_max_threads() == 7);
        CHECK(omp_get_dynamic() == 1);
        omp_set_num_threads(threads_before);
        omp_set_dynamic(dynamic_before);
        sigaction(SIGINT, nullptr, &after[0]);
        sigaction(SIGPIPE, nullptr, &after[1]);
        for (int i = 0; i < 2; ++i) CHECK((before[i].sa_handler == after[i].sa_handler));
        std::vector<std::string> left;
        for (char** variable = environ; *variable; ++variable) left.emplace_back(*variable);
        CHECK(left == variables);
    }

    TEST_CASE("threads may work at once") {
        const Model model = load(kNetwork);
        const ImageSets images = open_images(model, {.own_calib = own_pixels()});
        const std::string expected = saved(quantise(model, images, learning(), kOneThread).model());
        std::string made[2];
        std::vector<std::thread> threads;
        for (std::string& file : made)
            threads.emplace_back([&] { file = saved(quantise(model, images, learning(), kOneThread).model()); });
        for (std::thread& thread : threads) thread.join();
        for (const std::string& file : made) CHECK(file == expected);
    }

    TEST_CASE("a plan tells what quantising will do, and changes nothing") {
        const Model model = load(kNetwork);
        const ImageSets images = open_images(model, {.own_calib = own_pixels(), .own_val = own_pixels()});
        const Plan made = plan(model, images, learning(), kOneThread, 0.1);
        CHECK(made.learns);
        CHECK(made.units.size() == 13);
        CHECK(made.units[0].bits == std::vector<int>{3});
        CHECK(made.units[0].reads == std::vector<int64_t>{kEdge, kEdge, 3});
        CHECK(made.calibration_images == kImages);
        CHECK(made.validation_images == kImages);
        CHECK(made.cached_bytes > 0);
        CHECK(made.turns == 13);
        CHECK(made.times.total() > 0.0);
        const Plan evaluation = plan_evaluation(model, images, {}, kOneThread);
        CHECK(evaluation.method.empty());
        CHECK(evaluation.units[0].bits.empty());
    }

    TEST_CASE("programs put their options' names in the place of fields") {
        CHECK(with_option_names("`lr_scale` -1: expected `weight_bits`") == "--lr-scale -1: expected --w");
        CHECK(with_option_names("give `fold = false` too") == "give --no-fold too");
        CHECK(with_option_names("a `b` c ` `images`") == "a `b` c ` --images");
        CHECK(with_option_names("`nothing` that is known") == "`nothing` that is known");
        CHECK(with_option_names("").empty());
    }
}
