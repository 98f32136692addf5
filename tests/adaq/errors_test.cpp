// What the public interface (adaq/adaq.h) refuses: when, by which field, and what stays as it was.
#include <doctest/doctest.h>

#include <filesystem>
#include <limits>

#include "support/interface.h"

using namespace adaq;
using namespace adaq::test;

TEST_SUITE("errors of the interface") {
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
            {"deploy", [](QuantiseOptions& o) { o.deploy = "tflite"; }},
            {"act_sites", [](QuantiseOptions& o) { o.act_sites = "layer", o.deploy = "tensorrt"; }},
            {"act_sites", [](QuantiseOptions& o) { o.act_sites = "block", o.deploy = "ort"; }},
            {"act_sites", [](QuantiseOptions& o) { o.act_sites = "deploy-ort", o.deploy = "openvino"; }},
            {"input_bits", [](QuantiseOptions& o) { o.input_bits = 32, o.deploy = "adaq"; }},
            {"input_bits", [](QuantiseOptions& o) { o.input_bits = 32, o.act_sites = "deploy-ort"; }},
            {"activation_bits", [](QuantiseOptions& o) { o.activation_bits = 32, o.deploy = "ort"; }},
            {"deploy", [](QuantiseOptions& o) { o.activation_bits = 8, o.deploy = "tensorrt"; }},
            {"head_stem_8bit",
             [](QuantiseOptions& o) { o.activation_bits = 4, o.head_stem_8bit = true, o.deploy = "tensorrt"; }},
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

    TEST_CASE("what is made for a runtime has the sites and input that it needs") {
        const auto settled_for = [](const std::string& target) {
            QuantiseOptions options;
            options.activation_bits = 7;
            options.deploy = target;
            return settled(options);
        };
        for (const auto& [target, sites] : std::map<std::string, std::string>{
                 {"ort", "deploy-ort"}, {"tensorrt", "deploy-tensorrt"}, {"openvino", "block"}, {"adaq", "block"}}) {
            const QuantiseOptions options = settled_for(target);
            CHECK(options.act_sites == sites);
            CHECK(options.input_bits == 8);
            CHECK(settled(options).act_sites == sites);  // settled options stay as they are
        }
        QuantiseOptions sites_alone;
        sites_alone.act_sites = "deploy-ort";
        CHECK(settled(sites_alone).input_bits == 8);
        sites_alone.activation_bits = 32;
        CHECK(settled(sites_alone).input_bits == 32);
        CHECK(settled({}).input_bits == 32);
        CHECK(settled({}).act_sites == "block");
    }

    TEST_CASE("TensorRT's int8 holds no activation of 8 bits without a sign, which is refused by name") {
        const Model model = load(kNetwork);
        QuantiseOptions options;
        options.activation_bits = 4;
        options.deploy = "tensorrt";
        options.images = kOwnImages;
        options.act_bits["conv1"] = 8;
        const ImageSets images = open_images(model, {.own_calib = own_pixels()});
        CHECK(std::string(error_from([&] { quantise(model, images, options, kOneThread); }).what()) ==
              "`act_bits` conv1=8: has no sign, and of such activations TensorRT's int8 holds 7 bits");
        options.act_bits = {{"layer2.0.downsample", 8}};
        CHECK_NOTHROW(quantise(model, images, options, kOneThread));
    }

    TEST_CASE("files, and what a piece of work needs and has not, are errors with a code") {
        const Model model = load(kNetwork);
        CHECK(error_from([] { load("/nowhere/x.pth"); }).code() == ErrorCode::invalid_data);
        CHECK(error_from([&] { save(model, "x.pth"); }).field() == "save");
        CHECK(error_from([&] { save(model, "x.onnx", {.target = "tflite"}); }).field() == "target");
        CHECK(error_from([&] { save(model, "x.onnx", {.encodings = "aimet"}); }).code() == ErrorCode::invalid_data);
        CHECK(error_from([&] { save(model, "x.bin", {.pack = true}); }).field() == "save");
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

    TEST_CASE("options that say nothing of the caller's own images are refused") {
        const Model model = load(kNetwork);
        CHECK(error_from([&] { open_images(model, {.own_val = own_pixels(), .val_labels = "labels.txt"}); }).field() ==
              "val_labels");
        CHECK(error_from([&] { open_images(model, {.val_labels = "labels.txt"}); }).field() == "val_labels");
        CHECK(error_from([&] { open_images(model, {.own_calib = own_pixels(), .class_order = "text"}); }).field() ==
              "class_order");
        OwnImages images = own_pixels();
        images.labels[5] = std::numeric_limits<int>::max();
        CHECK(std::string(error_from([&] { open_images(model, {.own_calib = images, .label_offset = 1}); }).what()) ==
              "`own_calib`: label 2147483647 with `label_offset` added");
    }

    TEST_CASE("seconds of a plan are a finite number that is not negative") {
        const Model model = load(kNetwork);
        const ImageSets images = open_images(model, {.own_calib = own_pixels()});
        const double infinity = std::numeric_limits<double>::infinity();
        for (const double seconds : {-1.0, -infinity, infinity, std::nan(""), 1e7}) {
            CAPTURE(seconds);
            const Error error = error_from([&] { plan(model, images, learning(), kOneThread, seconds); });
            CHECK(error.code() == ErrorCode::invalid_option);
            CHECK(error.field() == "seconds");
        }
        const Plan shortest = plan(model, images, learning(), kOneThread, 0.0);
        CHECK(shortest.timed == 1);
    }

    TEST_CASE("what options, model and images do not allow is told before any work, by quantise() and by plan()") {
        const Model model = load(kNetwork);
        const TemporaryFolder state;
        const ImageSets images = open_images(model, {.own_calib = own_pixels()}),
                        inputs = open_images(model, {.own_calib = own_inputs({})});
        QuantiseOptions kept = learning();
        kept.state = state / "units";
        quantise(model, images, kept, kOneThread);
        using Change = void (*)(QuantiseOptions&);
        struct Fault {
            std::string field;
            Change change;
            bool of_inputs = false;
        };
        const std::vector<Fault> faults{
            {"bits", [](QuantiseOptions& o) { o.bits["head"] = 8; }},
            {"act_bits", [](QuantiseOptions& o) { o.act_bits["conv9"] = 8; }},
            {"images", [](QuantiseOptions& o) { o.images = kOwnImages + 1; }},
            {"minibatch", [](QuantiseOptions& o) { o.learning.minibatch = kOwnImages + 1; }},
            {"act_scheme", [](QuantiseOptions& o) { o.act_scheme = "norm-legacy"; }},
            {"calib_views", [](QuantiseOptions& o) { o.learning.calib_views = 2; }, true},
            {"state", nullptr},
        };
        for (const auto& [field, change, of_inputs] : faults) {
            CAPTURE(field);
            QuantiseOptions options = change ? learning() : kept;
            if (change) change(options);
            Counting observer;
            Context context = kOneThread;
            context.observer = &observer;
            const ImageSets& sets = of_inputs ? inputs : images;
            const Error error = error_from([&] { quantise(model, sets, options, context); });
            CHECK(error.field() == field);
            CHECK(observer.phases.empty());
            CHECK(observer.begun_work == 0);
            CHECK(std::string(error_from([&] { plan(model, sets, options, context); }).what()) == error.what());
        }
        QuantiseOptions unknown = learning();
        unknown.bits["head"] = 8;
        CHECK(error_from([&] { check_work(model, images, unknown); }).field() == "bits");
        CHECK(error_from([&] { quantise(model, images, learning(), {.device = {.batch = 0}}); }).field() == "batch");
    }

    TEST_CASE("an error about an option's file or folder bears its field, whatever its sentence names") {
        const Model model = load(kNetwork);
        const TemporaryFolder folder;
        write_images(folder);
        const std::string images = folder.path().string();
        const auto field = [&](const ImageOptions& options) {
            const Error error = error_from([&] { open_images(model, options); });
            CHECK(error.code() == ErrorCode::invalid_data);
            return error.field();
        };
        CHECK(field({.calib = "/nowhere"}) == "calib");
        CHECK(field({.val = "/nowhere"}) == "val");
        CHECK(field({.calib = images, .val = "/nowhere"}) == "val");
        CHECK(field({.calib = images, .classes = "/nowhere"}) == "classes");
        const TemporaryFolder flat;
        std::filesystem::copy(folder / "0/100.ppm", flat / "100.ppm");
        CHECK(field({.val = flat.path().string(), .val_labels = "/nowhere"}) == "val_labels");
        CHECK(field({.val = flat.path().string()}) == "val");
        CHECK(error_from([] { load("/nowhere/x.pth"); }).field() == "weights");
        CHECK(error_from([] { load(kNetwork, {.checkpoint_key = "ema"}); }).field() == "checkpoint_key");
        CHECK(error_from([] { load(weight_fixture("basic_checkpoint.pth"), {.checkpoint_key = "best"}); }).field() ==
              "checkpoint_key");
        const Error unknown = error_from([] { load(weight_fixture("basic.pth"), {.arch = "mine"}); });
        CHECK(unknown.code() == ErrorCode::invalid_option);
        CHECK(unknown.field() == "arch");
        CHECK(error_from([&] { save(model, "/nowhere/x.bin"); }).field() == "save");

        write_file(folder, "3/100.ppm", "P6 40 40 255\n");  // cut off
        const ImageSets broken = open_images(model, {.calib = images, .val = images, .resize = 40, .crop = 40});
        CHECK(error_from([&] { quantise(model, broken, learning(), kOneThread); }).field() == "calib");
        CHECK(error_from([&] { evaluate(model, broken, {}, kOneThread); }).field() == "val");

        const ImageSets own = open_images(model, {.own_calib = own_pixels()});
        QuantiseOptions options = learning();
        options.state = folder / "file";
        write_file(folder, "file", "no folder");
        CHECK(error_from([&] { quantise(model, own, options, kOneThread); }).field() == "state");
        // Only the image's own values tell that there are no negative ones.
        OwnImages bright = own_inputs({});
        bright.inputs = [](int64_t image, std::span<float> input) {
            for (size_t i = 0; i < input.size(); ++i)
                input[i] = static_cast<float>((i + static_cast<size_t>(image)) % 9);
        };
        const Error one_sided = error_from([&] {
            quantise(model, open_images(model, {.own_calib = bright}),
                     {.activation_bits = 32, .input_bits = 8, .act_scheme = "norm-legacy", .images = kOwnImages},
                     kOneThread);
        });
        CHECK(one_sided.field() == "act_scheme");
        CHECK(std::string(one_sided.what()).find("has no negative values") != std::string::npos);
    }
}
