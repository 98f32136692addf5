// How adaq-run's images are prepared and its classes named: options, the weights file, and what is saved.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "adaq/data/fingerprints.h"
#include "support/adaq_run.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;

TEST_SUITE("preparation of images") {
    TEST_CASE("--mean, --std and --classes are recorded in the saved file, and go before what a file says") {
        const Data data;
        const TemporaryFolder out;
        std::ofstream(out / "names") << "a\nb\nc\nd\ne\nf\ng\n";
        const std::string how = "--w8 --a8 --scheme minmax --mean 0.5,0.25,0 --std '0.5 0.5 1' --classes " +
                                (out / "names") + " --save " + (out / "q.bin");
        const Outcome outcome = run(quoted_weights() + data.both() + how);
        INFO(outcome.output);
        REQUIRE(outcome.status == 0);
        CHECK(outcome.output.find("all images are 40x40: used as they are") != std::string::npos);
        const StoredModel saved = load_weights(out / "q.bin");
        CHECK(saved.preprocessing->mean == std::vector<float>{0.5f, 0.25f, 0.0f});
        CHECK(saved.preprocessing->std == std::vector<float>{0.5f, 0.5f, 1.0f});
        CHECK(saved.class_names == std::vector<std::string>{"a", "b", "c", "d", "e", "f", "g"});

        // The same images under other numbers are other inputs; the run says which numbers won.
        const std::string val = " --val " + data.folder.path().string() + " ";
        REQUIRE(run("--weights " + (out / "q.bin") + val + "--logits " + (out / "a.npy")).status == 0);
        const Outcome other =
            run("--weights " + (out / "q.bin") + val + "--mean 0.1,0.1,0.1 --logits " + (out / "b.npy"));
        CHECK(other.status == 0);
        CHECK(other.output.find("Options go before the weights file: --mean 0.1 0.1 0.1 (there 0.5 0.25 0).") !=
              std::string::npos);
        CHECK(text_of_file(out / "a.npy") != text_of_file(out / "b.npy"));
        const Outcome same =
            run("--weights " + (out / "q.bin") + val + "--mean 0.5,0.25,0 --logits " + (out / "c.npy"));
        CHECK(same.output.find("Options go before") == std::string::npos);
        CHECK(text_of_file(out / "a.npy") == text_of_file(out / "c.npy"));
    }

    TEST_CASE("without images they are recorded all the same") {
        const TemporaryFolder out;
        REQUIRE(run(quoted_weights() + "--w8 --a32 --mean 0.5,0.5,0.5 --resize 48 --crop 40 --save " + (out / "q.bin"))
                    .status == 0);
        const StoredModel saved = load_weights(out / "q.bin");
        CHECK(saved.preprocessing->mean == std::vector<float>{0.5f, 0.5f, 0.5f});
        CHECK(saved.preprocessing->resize == 48);
        CHECK(saved.preprocessing->crop == 40);
        CHECK(saved.class_names.empty());
        REQUIRE(run(quoted_weights() + "--w8 --a32 --save " + (out / "plain.bin")).status == 0);
        CHECK(load_weights(out / "plain.bin").preprocessing == load_weights(kNetwork).preprocessing);
    }

    TEST_CASE("numbers of pixel values from 0 to 255, and what does not fit the network, are refused") {
        const Data data;
        const std::string usual = quoted_weights() + data.both();
        check_refused(usual + "--mean 123.675,116.28,103.53", 2,
                      "--mean is \"123.675,116.28,103.53\", expected each to be a number from 0 to 1");
        check_refused(usual + "--std 58.395,57.12,57.375", 2, "--std is \"58.395,57.12,57.375\", expected each");
        check_refused(usual + "--std 0,1,1", 2, "--std is \"0,1,1\", expected each to be a number above 0");
        check_refused(usual + "--mean 0.5,0.5", 2, "--mean has 2 numbers, expected 3");
        check_refused(usual + "--mean a,b,c", 2, "--mean is \"a,b,c\", expected numbers");
        check_refused(usual + "--mean 0.5,,0.5", 2, "--mean");
        check_refused(usual + "--class-order size", 2, "--class-order");
        const TemporaryFolder out;
        std::ofstream(out / "names") << "a\nb\n";
        check_refused(usual + "--classes " + (out / "names"), 1, "names: 2 class names, expected 7");
        check_refused(usual + "--classes /nowhere/names", 1, "/nowhere/names: No such file or directory");
    }

    TEST_CASE("a weights file that says such numbers is refused by field") {
        const TemporaryFolder out;
        StoredModel model = load_weights(kNetwork);
        for (const auto& [mean, std, field] :
             {std::tuple{123.675f, 0.2f, "mean[0] is 123.67"}, std::tuple{0.5f, 58.395f, "std[0] is 58.39"},
              std::tuple{-0.5f, 0.2f, "mean[0] is -0.5"}}) {
            model.preprocessing = Preprocessing{0, 0, {mean, 0.5f, 0.5f}, {std, 0.2f, 0.2f}};
            CHECK_THROWS_WITH_AS(save_bin(out / "q.bin", model), doctest::Contains(field), DataError);
        }
    }

    TEST_CASE("calibration images in fewer or more class folders than the network has classes are worth a note") {
        const TemporaryFolder images;
        for (const char* name : {"a/1.ppm", "b/2.ppm", "b/c/3.ppm"})
            write_file(images, name, "P6 40 40 255\n" + std::string(4800, 'x'));
        const Outcome outcome = run(quoted_weights() + "--calib " + images.path().string() +
                                    " --images 3 --a8 --w8 --report " + (images / "r.json"));
        INFO(outcome.output);
        CHECK(outcome.status == 0);
        CHECK(outcome.output.find("The calibration images are in 2 class folders, while the network has 7 classes.") !=
              std::string::npos);
    }

    TEST_CASE("one image of another size among many stops the run until options say what to do") {
        const TemporaryFolder images;
        for (int i = 0; i < 28; ++i) {
            const int side = i == 17 ? 50 : 40;
            write_file(images, std::to_string(i % 7) + "/" + std::to_string(i) + ".ppm",
                       "P6 " + std::to_string(side) + " " + std::to_string(side) + " 255\n" +
                           std::string(static_cast<size_t>(side * side * 3), static_cast<char>(i)));
        }
        const std::string val = "--val " + images.path().string() + " --w8 --a32 ";
        check_refused(quoted_weights() + val, 1, "3/17.ppm: 50x50, while 27 of 28 images are 40x40; say how");
        CHECK(run(quoted_weights() + val + "--resize 40 --crop 40").status == 0);
        CHECK(run(quoted_weights() + val + "--resize 256 --crop 224").status == 0);
    }

    TEST_CASE("a pipe or device in a file's place is refused, wherever a file is opened") {
        const Data data;
        const TemporaryFolder folder, images;
        const std::string pipe = folder / "pipe";
        REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
        for (int i = 0; i < 7; ++i)
            write_file(images, std::to_string(i) + ".ppm", "P6 40 40 255\n" + std::string(4800, 'x'));
        const std::string flat = " --val " + images.path().string() + " --w4 --a32 ";
        check_refused("--weights " + pipe + data.both(), 1, pipe + ": a device or pipe");
        check_refused("--weights /dev/zero" + data.both(), 1, "/dev/zero: a device or pipe");
        check_refused(quoted_weights() + "--calib " + pipe + " --w4", 1, pipe + ": neither a file nor a folder");
        check_refused(quoted_weights() + flat + "--val-labels " + pipe, 1, pipe + ": a device or pipe");
        check_refused(quoted_weights() + flat + "--val-labels /dev/zero", 1, "/dev/zero: a device or pipe");
        check_refused(quoted_weights() + data.both() + "--classes " + pipe, 1, pipe + ": a device or pipe");
        REQUIRE(mkfifo((images / "x.ppm").c_str(), 0600) == 0);
        write_file(images, "labels.txt", "0\n1\n2\n3\n4\n5\n6\n0\n");
        check_refused(quoted_weights() + flat, 1, "x.ppm: ");
        // With sizes that are settled the image is opened when its turn comes, behind the quantising.
        const Outcome late = run(quoted_weights() + flat + "--resize 48 --crop 40 ");
        CHECK(late.status == 1);
        CHECK(late.output.find("x.ppm: not a regular file") != std::string::npos);
        const auto dataset = open_dataset(images.path().string());
        CHECK(data_error_of([&] { crc32_of_images(*dataset, images.path().string()); }) ==
              images / "x.ppm" + ": a device or pipe, expected an image");
        // What is read from a stream, too; a file behind /dev/stdin is a file.
        const Outcome streamed = run_shell("cat '" + kNetwork + "' | timeout 60 '" + program_path("adaq-run") +
                                           "' --weights /dev/stdin --w4 --a32 --save " + (folder / "q.bin") + " 2>&1");
        CHECK(streamed.status == 1);
        CHECK(streamed.output.find("/dev/stdin: a device or pipe") != std::string::npos);
        const Outcome redirected =
            run(quoted_weights() + "--dry-run --w4 --a32 --classes /dev/stdin", "2>&1 < " + kNetwork);
        CHECK(redirected.status == 1);
    }
}
