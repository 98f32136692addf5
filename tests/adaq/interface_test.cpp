// The public interface (adaq/adaq.h), used as a program of somebody else's would use it.
#include "adaq/adaq.h"

#include <doctest/doctest.h>
#include <omp.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "adaq/state/model_state.h"
#include "loaders/weights/weights.h"
#include "support/interface.h"
#include "tools/program/words.h"

using namespace adaq;
using namespace adaq::test;

TEST_SUITE("interface") {
    TEST_CASE("what is quantised, saved and evaluated is what adaq-run makes of the same images") {
        const TemporaryFolder images, out;
        write_images(images);
        const std::string folder = images.path().string();
        const Model model = load(kNetwork);
        const ImageSets sets = open_images(model, {.calib = folder, .val = folder});
        CHECK(sets.validation_count() == kOwnImages);
        CHECK(sets.height() == kOwnEdge);
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
        const ImageSets pixels = own_image_sets(model),
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
        CHECK(logits[0].size() == size_t{kOwnImages} * 7);
        CHECK(logits[0] == logits[1]);
        CHECK(identity(model, pixels, learning(), kOneThread) == identity(model, pixels, learning(), kOneThread));
        CHECK(identity(model, pixels, learning(), kOneThread) != identity(model, inputs, learning(), kOneThread));
    }

    TEST_CASE("images of another size than the network was made for are told of") {
        const auto sentence = [](const Model& model) -> std::string {
            OwnImages images = own_pixels();
            images.labels.clear();
            const ImageSets sets = open_images(model, {.own_calib = images});
            for (const std::string& note : sets.notes())
                if (note.starts_with("Images come to")) return note;
            return "";
        };
        CHECK(sentence(load(fixtures_folder() + "/import/chain_traced.onnx")) ==
              "Images come to 40x40 pixels, while the weights file is of a network for 24x24; `resize` and `crop` say "
              "how images are prepared.");
        const Model any_size = load(kNetwork);
        CHECK(sentence(any_size).empty());
        CHECK(sentence(quantise(any_size, own_image_sets(any_size), learning(), kOneThread).model()).empty());
    }

    TEST_CASE("label_offset is added to the labels of the caller's own images") {
        const Model model = load(kNetwork);
        OwnImages from_one = own_pixels();
        for (int& label : from_one.labels) ++label;
        CHECK(error_from([&] { open_images(model, {.own_val = from_one}); }).field() == "own_val");
        const ImageSets expected = open_images(model, {.own_val = own_pixels()}),
                        moved = open_images(model, {.own_val = from_one, .label_offset = -1});
        CHECK(evaluate(model, moved, {}, kOneThread).float_network->top1 ==
              evaluate(model, expected, {}, kOneThread).float_network->top1);
    }

    TEST_CASE("a network that is evaluated again is told of once, and keeps its results where that is stopped") {
        const Model model = load(kNetwork);
        const ImageSets images = own_image_sets(model);
        Quantised quantised = quantise(model, images, learning(), kOneThread);
        evaluate(quantised, images, {}, kOneThread);
        const Report once = quantised.report();
        REQUIRE(std::any_of(once.notes.begin(), once.notes.end(),
                            [](const std::string& note) { return note.starts_with("Warning: top-1"); }));
        const auto told = [](const Report& report) {
            std::vector<std::string> all = report.notes;
            for (const auto& [phase, seconds] : report.seconds) all.push_back(phase);
            return all;
        };
        evaluate(quantised, images, {}, kOneThread);
        CHECK(told(quantised.report()) == told(once));
        CHECK(quantised.report().total_seconds > once.total_seconds);

        OwnImages fewer = own_pixels();
        fewer.count = 8;
        fewer.labels.resize(8);
        const ImageSets others = open_images(model, {.own_val = fewer});
        Counting stopping;
        stopping.stop_after = 2;
        Context context = kOneThread;
        context.observer = &stopping;
        CHECK(error_from([&] { evaluate(quantised, others, {}, context); }).code() == ErrorCode::stopped);
        const Report kept = quantised.report();
        CHECK(told(kept) == told(once));
        CHECK(kept.validation->images == kOwnImages);
        CHECK(kept.quantised_network->images == kOwnImages);
        CHECK(kept.agreement == once.agreement);
        evaluate(quantised, others, {}, context);
        CHECK(quantised.report().validation->images == 8);
    }

    TEST_CASE("a method's sentence tells the exponent of the schemes that take one, and of no other") {
        const Model model = load(kNetwork);
        const ImageSets none = open_images(model, {});
        for (const std::string& scheme : words_of("scheme")) {
            CAPTURE(scheme);
            std::string saved_with[2];
            Report report;
            for (const int i : {0, 1}) {
                const QuantiseOptions options{
                    .weight_bits = 2, .activation_bits = 32, .scheme = scheme, .p = i == 0 ? 0.5 : 8.0};
                const Quantised quantised = quantise(model, none, options, kOneThread);
                report = quantised.report();
                for (const WeightReport& weight : report.weights)
                    saved_with[i] += std::to_string(weight.scale.median) + " ";
            }
            const bool takes_p = report.method.find("(p = 8)") != std::string::npos;
            CHECK(takes_p == (saved_with[0] != saved_with[1]));
        }
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

    TEST_CASE("an observer is told how far it is, and can stop") {
        const Model model = load(kNetwork);
        const ImageSets images = own_image_sets(model);
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

    TEST_CASE("an observer can stop while the images of a batch are made, however many they are") {
        struct Stopping : Observer {
            std::atomic<bool> wants = false, stopped = false;
            bool stop() override {
                if (wants) stopped = true;
                return stopped;
            }
        };
        const Model model = load(kNetwork);
        for (const bool validating : {false, true}) {
            CAPTURE(validating);
            Stopping observer;
            OwnImages slow = own_pixels();
            slow.pixels = [&](int64_t image, std::span<uint8_t> pixels) {
                // The last but one is ready once somebody has asked, or after a minute.
                observer.wants = observer.wants || image == kOwnImages - 2;
                for (int i = 0; image == kOwnImages - 2 && !observer.stopped && i < 6000; ++i)
                    std::this_thread::sleep_for(std::chrono::milliseconds(10));
                CHECK((image != kOwnImages - 2 || observer.stopped));
                fill(image, pixels);
            };
            const ImageSets images = open_images(model, {.own_calib = slow, .own_val = slow});
            Context context{.device = {.device = "cpu", .threads = 1, .batch = 4096}, .observer = &observer};
            const Error error = error_from([&] {
                if (validating)
                    evaluate(model, images, {}, context);
                else
                    quantise(model, images, learning(), context);
            });
            CHECK(error.code() == ErrorCode::stopped);
        }
    }

    TEST_CASE("several pieces of work that share a workspace come to what each comes to alone") {
        const Model model = load(kNetwork);
        const ImageSets images = own_image_sets(model);
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

    TEST_CASE("networks that share a workspace are told apart by their tensors, whatever file they came from") {
        const TemporaryFolder folder;
        const std::string path = folder / "n.bin";
        StoredModel stored = load(kNetwork).state().stored;
        Workspace workspace;
        Context shared = kOneThread;
        shared.workspace = &workspace;
        std::set<std::string> files;
        std::set<std::string> sums;
        for (const float factor : {1.0f, -1.0f}) {
            for (float& weight : stored.tensors.at("fc.weight").values) weight *= factor;
            save_bin(path, stored);
            const auto made = std::make_shared<Model::State>();
            made->stored = stored;
            const Model model = load(path), own(made), opened = load(path, {}, &workspace);
            sums.insert(opened.state().crc32());
            const ImageSets images = own_image_sets(model);
            Quantised alone = quantise(model, images, learning(), kOneThread);
            evaluate(alone, images, {}, kOneThread);
            files.insert(saved(alone.model()));
            for (const Model* network : {&model, &own, &opened}) {
                Quantised together = quantise(*network, images, learning(), shared);
                CHECK(saved(together.model()) == saved(alone.model()));
                evaluate(together, images, {}, shared);
                CHECK(together.report().float_network->top1 == alone.report().float_network->top1);
                CHECK(together.report().agreement == alone.report().agreement);
            }
        }
        CHECK(files.size() == 2);
        CHECK(sums.size() == 2);
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
        const ImageSets images = own_image_sets(model);
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
        const ImageSets images = own_image_sets(model);
        const Plan made = plan(model, images, learning(), kOneThread, 0.1);
        CHECK(made.learns);
        CHECK(made.units.size() == 13);
        CHECK(made.units[0].bits == std::vector<int>{3});
        CHECK(made.units[0].reads == std::vector<int64_t>{kOwnEdge, kOwnEdge, 3});
        CHECK(made.calibration_images == kOwnImages);
        CHECK(made.validation_images == kOwnImages);
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
