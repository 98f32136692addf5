// Networks that are no better than guessing: when that is said, and what is found out about their labels.
#include "adaq/data/label_readings.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include "loaders/datasets/dataset.h"

#include "support/adaq_run.h"
#include "support/weight_files.h"
#include "tools/run/run.h"

using namespace adaq;
using namespace adaq::test;

namespace {

const std::string kFashion = "/usr/share/datasets/fashion-mnist";  // the bundled network's
constexpr int64_t kFashionImages = 400;                            // of its test part

struct Fashion {
    std::vector<std::string> pgm;  // each image as a file
    std::string pixels;            // all of them, one behind the other
    std::vector<int> labels;

    Fashion() {
        const auto dataset = open_dataset(kFashion + ":test");
        ImageReader reader;
        Image image;
        for (int64_t item = 0; item < kFashionImages; ++item) {
            dataset->open(item, reader);
            reader.read(1, image);
            const std::string bytes(image.pixels.begin(), image.pixels.end());
            pgm.push_back("P5 28 28 255\n" + bytes);
            pixels += bytes;
            labels.push_back(dataset->label(item));
        }
    }
};

const Fashion& fashion() {
    static const Fashion images;
    return images;
}

/// Class folders of these names, by class.
void write_folders(const TemporaryFolder& folder, const std::vector<std::string>& names) {
    const Fashion& images = fashion();
    for (size_t i = 0; i < images.pgm.size(); ++i)
        write_file(folder, names[static_cast<size_t>(images.labels[i])] + "/" + std::to_string(i) + ".pgm",
                   images.pgm[i]);
}

/// An IDX test part with the labels moved and, at most, the images of classes up to `last`.
void write_idx(const TemporaryFolder& folder, int moved, int last = 9) {
    const Fashion& images = fashion();
    std::string pixels, labels;
    for (size_t i = 0; i < images.labels.size(); ++i) {
        if (images.labels[i] > last) continue;
        pixels += images.pixels.substr(i * 784, 784);
        labels += static_cast<char>(images.labels[i] + moved);
    }
    const auto count = static_cast<uint32_t>(labels.size());
    write_file(folder, "t10k-images-idx3-ubyte",
               big_endian(0x803) + big_endian(count) + big_endian(28) + big_endian(28) + pixels);
    write_file(folder, "t10k-labels-idx1-ubyte", idx_labels(labels));
}

Outcome evaluate(const TemporaryFolder& folder, const std::string& how = "") {
    return run("--float --val " + folder.path().string() + " " + how);
}

bool warns(const Outcome& outcome) {
    return outcome.output.find("Warning: top-1 of the float network") != std::string::npos;
}

}  // namespace

TEST_SUITE("label readings") {
    TEST_CASE("near chance is what guessing could give, whatever the number of classes and images") {
        // 202 classes: 25 of 5,050 by guessing.
        CHECK(is_near_chance(25, 5050, 202));
        CHECK(is_near_chance(0, 5050, 202));
        CHECK(is_near_chance(50, 5050, 202));
        CHECK_FALSE(is_near_chance(101, 5050, 202));   // 2 %: bad, and no accident
        CHECK_FALSE(is_near_chance(2860, 5050, 202));  // what it is
        CHECK(is_near_chance(50, 50000, 1000));
        CHECK_FALSE(is_near_chance(35000, 50000, 1000));
        // Few classes: twice the chance would be nearly everything.
        CHECK(is_near_chance(500, 1000, 2));
        CHECK(is_near_chance(100, 1000, 2));  // swapped
        CHECK_FALSE(is_near_chance(750, 1000, 2));
        CHECK(is_near_chance(100, 1000, 10));
        CHECK_FALSE(is_near_chance(300, 1000, 10));
        // Few images tell little.
        CHECK_FALSE(is_near_chance(0, 2, 1000));
        CHECK(is_near_chance(0, 20, 1000));
        CHECK_FALSE(is_near_chance(1, 20, 1000));
        CHECK_FALSE(is_near_chance(0, 0, 10));
        CHECK_FALSE(is_near_chance(5, 5, 1));
    }

    TEST_CASE("a reading maps each class, and counts what the network would get right") {
        const TemporaryFolder folder;
        for (const char* file : {"0/a.jpg", "2/a.jpg", "10/a.jpg"}) write_file(folder, file, "");
        write_file(folder, "wnids.txt", "10\n2\n0\n");
        const auto dataset = open_dataset(folder.path().string());
        ImageOptions options;
        options.val = folder.path().string();
        const auto readings = other_readings(*dataset, options, 3);
        REQUIRE(readings.size() == 4);
        CHECK(readings[0].how == "`class_order` numeric");
        CHECK(readings[0].classes == std::vector<int>{0, 2, 1});
        CHECK(readings[1].how == "`classes` " + (folder / "wnids.txt"));
        CHECK(readings[1].classes == std::vector<int>{2, 0, 1});
        CHECK(readings[2].how == "`label_offset` -1");
        CHECK(readings[2].classes == std::vector<int>{Dataset::kNoLabel, 0, 1});
        CHECK(readings[3].how == "`label_offset` 1");
        CHECK(readings[3].classes == std::vector<int>{1, 2, Dataset::kNoLabel});
        CHECK(right_under(readings[0], {1, 2, 2, 0}, {2, 1, 2, 0}) == 3);
    }

    TEST_CASE("the warning names the option that makes it right, else what usually is the reason") {
        const Evaluation evaluation{5050, true, 25, 126, 1.0};
        const std::vector<LabelReading> readings{{"`class_order` numeric", {}}, {"`label_offset` -1", {}}};
        CHECK(
            chance_warning("the float network", evaluation, 202, readings, {2861, 30}) ==
            "Warning: top-1 of the float network, 0.50 %, is about what guessing among 202 classes gives, 0.50 %: with "
            "`class_order` numeric it would be 56.65 %.");
        const std::string reasons = chance_warning("the float network", evaluation, 202, readings, {49, 30});
        CHECK(reasons.find("0.50 %. The usual reasons: classes in another order") != std::string::npos);
        CHECK(chance_warning("the float network", {5050, true, 2861, 4000, 1.0}, 202, readings, {0, 0}).empty());
    }

    TEST_CASE("class folders whose names are numbers: numeric order is found out, and chosen by --class-order") {
        const TemporaryFolder folder, out;
        write_folders(folder, {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"});
        const Outcome outcome = evaluate(folder, "--report " + (out / "r.json"));
        INFO(outcome.output);
        REQUIRE(outcome.status == 0);
        CHECK(warns(outcome));
        const size_t at = outcome.output.find("with --class-order numeric it would be 9");
        CHECK(at != std::string::npos);
        const auto notes = nlohmann::json::parse(text_of_file(out / "r.json"))["notes"];
        CHECK(notes[0].get<std::string>().find("Warning: top-1 of the float network") == 0);
        const Outcome numeric = evaluate(folder, "--class-order numeric");
        CHECK_FALSE(warns(numeric));
        // What the warning promised.
        const std::string promised = outcome.output.substr(at + 39, 5);
        CHECK(numeric.output.find(promised + " %") != std::string::npos);
    }

    TEST_CASE("labels that count from 1 are found out, and moved by --label-offset") {
        const TemporaryFolder folder;
        write_idx(folder, 1, 8);
        const Outcome outcome = evaluate(folder);
        INFO(outcome.output);
        CHECK(warns(outcome));
        CHECK(outcome.output.find("with --label-offset -1 it would be 9") != std::string::npos);
        CHECK_FALSE(warns(evaluate(folder, "--label-offset -1")));

        // All ten: the last label is none of the network's.
        write_idx(folder, 1);
        const Outcome refused = evaluate(folder);
        CHECK(refused.status == 1);
        CHECK(refused.output.find("label 10, expected 0 to 9") != std::string::npos);
        CHECK(refused.output.find("--label-offset -1") != std::string::npos);
        const Outcome moved = evaluate(folder, "--label-offset -1");
        CHECK(moved.status == 0);
        CHECK_FALSE(warns(moved));
        CHECK(evaluate(folder, "--label-offset -2").status == 1);
        write_idx(folder, 2);  // two beyond the last: no offset is the usual reason
        CHECK(evaluate(folder).output.find("--label-offset") == std::string::npos);
    }

    TEST_CASE("right labels get no warning, labels that nothing makes right get the usual reasons") {
        const TemporaryFolder right, wrong;
        write_folders(right, {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
        CHECK_FALSE(warns(evaluate(right)));
        write_folders(wrong, {"f", "g", "h", "i", "j", "a", "b", "c", "d", "e"});
        const Outcome outcome = evaluate(wrong);
        CHECK(warns(outcome));
        CHECK(outcome.output.find("The usual reasons") != std::string::npos);
        // A list of classes beside them makes these right.
        write_file(wrong, "classes.txt", "f\ng\nh\ni\nj\na\nb\nc\nd\ne\n");
        CHECK(evaluate(wrong).output.find("with --classes " + (wrong / "classes.txt") + " it would be 9") !=
              std::string::npos);
        CHECK_FALSE(warns(evaluate(wrong, "--classes " + (wrong / "classes.txt"))));
    }

    TEST_CASE("runs that share an evaluation share its warning") {
        const TemporaryFolder folder;
        write_idx(folder, 1, 8);
        RunOptions options;
        options.images.val = folder.path().string();
        options.quantise.activation_bits = 32;
        options.quantise.accuracy_alone = true;
        options.device.threads = 1;
        Workspace workspace;
        Observer nobody;
        for (const int bits : {8, 7}) {
            options.quantise.weight_bits = bits;
            const Report report = adaq::run(options, nobody, &workspace).report;
            REQUIRE_FALSE(report.notes.empty());
            CHECK(report.notes[0].find("with --label-offset -1 it would be 9") != std::string::npos);
        }
    }

    TEST_CASE("--class-order decides which calibration images are taken, and nothing does by default") {
        const TemporaryFolder folder;
        write_folders(folder, {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"});
        const TemporaryFolder out;
        const std::string how = "--calib " + folder.path().string() + " --w4 --a8 --images 7 --scheme minmax --save ";
        REQUIRE(run(how + (out / "a.bin")).status == 0);
        REQUIRE(run(how + (out / "text.bin") + " --class-order text").status == 0);
        REQUIRE(run(how + (out / "numeric.bin") + " --class-order numeric").status == 0);
        const auto quantisation = [&](const std::string& name) { return *load_weights(out / name).quantisation; };
        const auto scales = [&](const std::string& name) {
            std::vector<float> all;
            for (const auto& [site, activation] : quantisation(name).activations) all.push_back(activation.scale);
            return all;
        };
        CHECK(scales("a.bin") == scales("text.bin"));
        CHECK(scales("a.bin") != scales("numeric.bin"));
        CHECK(nlohmann::json::parse(quantisation("numeric.bin").settings)["class_order"] == "numeric");
        CHECK_FALSE(nlohmann::json::parse(quantisation("a.bin").settings).contains("class_order"));
    }
}
