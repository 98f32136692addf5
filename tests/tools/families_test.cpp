// The bundled networks of the families beside ResNet (weights/README.md), through adaq-run as its users run it: every
// method learns them, stops and goes on, and what it saves computes in integers what it reported.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "loaders/datasets/dataset.h"
#include "loaders/weights/weights.h"
#include "support/adaq_run.h"
#include "support/idx_files.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

struct Bundled {
    const char* name;
    int correct;     // of the 10,000 test images, by PyTorch's float network
    size_t units;    // that are learned
    size_t sites;    // where activations are quantised
    double learned;  // top-1 (%) that every method reaches at W2A4
};

constexpr std::array kBundled{
    Bundled{"mobilenet_v2", 9111, 20, 52, 78.0},
    Bundled{"regnet_x", 9177, 9, 22, 83.0},
    Bundled{"resnext", 8994, 9, 22, 80.0},
    Bundled{"mnasnet", 8942, 20, 52, 70.0},
};

const std::vector<std::string> kFamilyMethods{"adaround", "brecq", "qdrop", "pdquant", "best"};

/// What a user may ask of a method besides, each with what it needs.
const std::vector<std::string> kFamilyOptions{
    "adaround --bn batch", "brecq --loss fisher-diag --iters-scale 4", "qdrop --no-fold --granularity layer",
    "pdquant --distribution-correction --correction-steps 3", "best --deploy ort"};

const std::string kFashionMnist = "/usr/share/datasets/fashion-mnist";

/// The first images of both of Fashion-MNIST's parts, which load faster than all 70,000.
class FirstImages {
  public:
    FirstImages(int64_t train, int64_t test) {
        copy("train", "train", train);
        copy("test", "t10k", test);
    }
    std::string both() const { return " --calib " + folder_.path().string() + " --val " + folder_.path().string(); }

  private:
    void copy(const std::string& part, const std::string& name, int64_t count) const {
        const auto dataset = open_dataset(kFashionMnist + ":" + part);
        ImageReader reader;
        Image image;
        std::string pixels, labels;
        for (int64_t item = 0; item < count; ++item) {
            dataset->open(item, reader);
            reader.read(1, image);
            pixels.append(image.pixels.begin(), image.pixels.end());
            labels += static_cast<char>(dataset->label(item));
        }
        const uint32_t side = 28, images = static_cast<uint32_t>(count);
        write(name + "-images-idx3-ubyte",
              big_endian(0x803) + big_endian(images) + big_endian(side) + big_endian(side) + pixels);
        write(name + "-labels-idx1-ubyte", idx_labels(labels));
    }
    void write(const std::string& name, const std::string& content) const {
        std::ofstream(folder_ / name, std::ios::binary) << content;
    }

    TemporaryFolder folder_;
};

std::string bundled_file(const Bundled& network) {
    return source_folder() + "/weights/fashion-" + network.name + ".bin";
}

std::string bundled_weights_of(const Bundled& network) {
    return "--weights '" + bundled_file(network) + "' --threads 1 ";
}

nlohmann::json family_report(const std::string& path) { return nlohmann::json::parse(text_of_file(path)); }

double quantised_top1(const nlohmann::json& report) {
    return 100.0 * report["accuracy"]["quantised"]["top1"]["share"].get<double>();
}

void must_succeed(const std::string& arguments) {
    const Outcome outcome = run(arguments);
    INFO(arguments << "\n" << outcome.output);
    REQUIRE(outcome.status == 0);
    CHECK(outcome.output.find("nan") == std::string::npos);
}

/// Forgets the units learned last: two thirds of the first pass and all of the second.
void forget_units(const std::filesystem::path& state) {
    std::vector<std::filesystem::path> first, second;
    for (const auto& entry : std::filesystem::directory_iterator(state))
        if (entry.path().extension() == ".unit")
            (entry.path().stem().string().ends_with("-1") ? second : first).push_back(entry.path());
    std::sort(first.begin(), first.end());
    REQUIRE(first.size() > 3);
    for (size_t i = first.size() / 3; i < first.size(); ++i) std::filesystem::remove(first[i]);
    for (const auto& path : second) std::filesystem::remove(path);
}

/// Learns 64 images' rounding at W2A4, and holds what is reported, saved and computed of it to what is known.
void check_learned(const Bundled& network, const FirstImages& images, const std::vector<std::string>& methods) {
    const std::string bits = bundled_weights_of(network) + images.both() + " --images 64 --w2 --a4 --head-stem-8bit ";
    const TemporaryFolder out;
    must_succeed(bits + "--report " + (out / "nearest.json"));
    CHECK(quantised_top1(family_report(out / "nearest.json")) < network.learned - 10.0);
    for (const std::string& method : methods) {
        INFO(std::string(network.name) << " " << method);
        must_succeed(bits + "--lr 1e-2 --iters 60 --method " + method + (method == "brecq" ? " --iters-scale 30" : "") +
                     " --save " + (out / "q.bin") + " --logits " + (out / "a.npy") + " --report " + (out / "r.json") +
                     " --report " + (out / "r.html"));
        const nlohmann::json report = family_report(out / "r.json");
        CHECK(quantised_top1(report) > network.learned);
        CHECK(report["activations"].size() == network.sites);
        std::set<std::string> units;
        for (const auto& unit : report["learning"]) units.insert(unit["name"].get<std::string>());
        if (method != "adaround") CHECK(units.size() == network.units - (method == "brecq" ? 1 : 0));
        CHECK(text_of_file(out / "r.html").find("nan") == std::string::npos);
        for (const std::string how : {"", "--simulate "}) {
            must_succeed("--weights " + (out / "q.bin") + images.both() + " --threads 1 " + how + "--logits " +
                         (out / "b.npy"));
            CHECK(text_of_file(out / "a.npy") == text_of_file(out / "b.npy"));
        }
    }
}

}  // namespace

TEST_SUITE("adaq-run families") {
    TEST_CASE("float networks name the class of as many images as in PyTorch") {
        for (const Bundled& network : kBundled) {
            INFO(std::string(network.name));
            const TemporaryFolder out;
            must_succeed(bundled_weights_of(network) + "--val " + kFashionMnist + " --float --report " +
                         (out / "r.json"));
            const int correct = family_report(out / "r.json")["accuracy"]["float32"]["top1"]["correct"];
            CHECK(std::abs(correct - network.correct) <= 2);  // two logits may be equal but for rounding
        }
    }

    TEST_CASE("their files are what adaq writes, and keep the network when they are written again") {
        for (const Bundled& network : kBundled) {
            INFO(std::string(network.name));
            const TemporaryFolder out;
            REQUIRE(run_program("adaq-convert", "'" + bundled_file(network) + "' " + (out / "again.bin")).status == 0);
            CHECK(text_of_file(out / "again.bin") == text_of_file(bundled_file(network)));
            const StoredModel stored = load_weights(bundled_file(network));
            CHECK(stored.class_names.size() == 10);
            CHECK(stored.graph.units.size() == network.units);
        }
    }

    TEST_CASE("methods win back what two bits lose, and are saved to the same logits, in integers and simulated") {
        const FirstImages images(1000, 1000);
        for (size_t i = 0; i < kBundled.size(); ++i) {  // two methods a network, so that each method has one
            const size_t count = kFamilyMethods.size();
            check_learned(kBundled[i], images, {kFamilyMethods[i % count], kFamilyMethods[(i + 2) % count]});
        }
    }

    TEST_CASE("methods with their options stop and go on to the same bits, which run in integers") {
        const FirstImages images(100, 50);
        for (const Bundled& network : kBundled) {
            for (const std::string& method : kFamilyOptions) {
                INFO(std::string(network.name) << " " << method);
                const TemporaryFolder out;
                const std::string learning = bundled_weights_of(network) + images.both() +
                                             " --images 16 --w3 --a4 --scheme minmax --iters 6 --minibatch 8 --state " +
                                             (out / "state") + " --method " + method;
                must_succeed(learning + " --save " + (out / "a.bin") + " --logits " + (out / "a.npy"));
                forget_units(out / "state");
                must_succeed(learning + " --resume --memory 100K --save " + (out / "b.bin"));
                CHECK(text_of_file(out / "a.bin") == text_of_file(out / "b.bin"));
                must_succeed("--weights " + (out / "b.bin") + images.both() + " --batch 7 --logits " + (out / "b.npy"));
                CHECK(text_of_file(out / "a.npy") == text_of_file(out / "b.npy"));
            }
        }
    }
}

TEST_SUITE("slow: families" * doctest::skip()) {
    TEST_CASE("every method wins back what two bits lose on every network") {
        const FirstImages images(1000, 1000);
        for (const Bundled& network : kBundled) check_learned(network, images, kFamilyMethods);
    }
}
