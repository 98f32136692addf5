#include "loaders/preprocessing_choice.h"

#include <doctest/doctest.h>

#include "support/idx_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

void copy_fixture(const TemporaryFolder& folder, const std::string& fixture, const std::string& name) {
    write_file(folder, name, text_of(file_bytes(image_fixture(fixture))));
}

}  // namespace

TEST_SUITE("preprocessing choice") {
    TEST_CASE("images of one size are used as they are, one that differs makes it resize and crop") {
        const TemporaryFolder folder;
        copy_fixture(folder, "rgb.png", "a/1.png");
        copy_fixture(folder, "rgb.bmp", "b/1.bmp");
        copy_fixture(folder, "palette.gif", "b/2.gif");
        const auto equal = open_dataset(folder.path().string());
        Preprocessing base;
        base.mean = {0.5f, 0.5f, 0.5f};
        base.resize = 99;
        const PreprocessingChoice as_they_are = choose_preprocessing({equal.get()}, base);
        CHECK(as_they_are.preprocessing.resize == 0);
        CHECK(as_they_are.preprocessing.crop == 0);
        CHECK(as_they_are.preprocessing.mean == base.mean);
        CHECK(as_they_are.sentence == "all images are 41x33: used as they are");

        copy_fixture(folder, "420.jpg", "b/3.jpg");
        const auto different = open_dataset(folder.path().string());
        for (const auto& choice :
             {choose_preprocessing({different.get()}), choose_preprocessing({equal.get(), different.get()})}) {
            CHECK(choice.preprocessing.resize == 256);
            CHECK(choice.preprocessing.crop == 224);
            CHECK(choice.sentence ==
                  "images differ in size (" + folder / "b/3.jpg" +
                      " is 97x61, the first 41x33): resized to 256 at the shorter edge, 224x224 cut from the centre");
        }
    }

    TEST_CASE("a few images of another size among many are refused by name, with what settles it") {
        const TemporaryFolder folder;
        const auto square = [&](const std::string& name, int width, int height) {
            write_file(folder, name,
                       "P6 " + std::to_string(width) + " " + std::to_string(height) + " 255\n" +
                           std::string(static_cast<size_t>(width * height * 3), 'x'));
        };
        for (int i = 0; i < 94; ++i) square("a/" + std::to_string(100 + i) + ".ppm", 4, 4);
        square("b/z.ppm", 8, 4);
        square("b/y.ppm", 4, 8);
        const auto chosen = [&] { return choose_preprocessing({open_dataset(folder.path().string()).get()}); };
        // 94 of 96 are 97.9 %.
        CHECK(data_error_of(chosen) ==
              folder / "b/y.ppm" +
                  ": 4x8, while 94 of 96 images are 4x4; say how to prepare them all: `resize` 256 `crop` 224 is "
                  "usual, `resize` 4 `crop` 4 brings all to the size that most have");
        for (const char* name : {"b/v.ppm", "b/w.ppm", "b/x.ppm"}) square(name, 5, 5);
        // 94 of 99 are 94.9 %.
        CHECK(chosen().preprocessing.resize == 256);
        CHECK(chosen().preprocessing.crop == 224);
        square("a/0.ppm", 4, 4);
        // 95 of 100 are 95 %.
        CHECK(data_error_of(chosen).find("b/v.ppm: 5x5, while 95 of 100 images are 4x4") != std::string::npos);
    }

    TEST_CASE("all data sets count together, whichever of them holds the other sizes") {
        const TemporaryFolder folder;
        write_file(folder, "t10k-images-idx3-ubyte", idx_images(30, 4, 6));
        write_file(folder, "t10k-labels-idx1-ubyte", idx_labels(std::string(30, '\0')));
        write_file(folder, "one/0/a.pgm", "P5 4 4 255\n" + std::string(16, 'x'));
        const auto many = open_dataset(folder / "t10k-images-idx3-ubyte"), one = open_dataset(folder / "one");
        using Sets = std::vector<const Dataset*>;
        for (const Sets& sets : {Sets{many.get(), one.get()}, Sets{one.get(), many.get()}}) {
            CHECK(data_error_of([&] { choose_preprocessing(sets); }) ==
                  folder / "one/0/a.pgm" +
                      ": 4x4, while 30 of 31 images are 6x4; say how to prepare them all: `resize` 256 `crop` 224 is "
                      "usual, an image less decides");
        }
        CHECK(choose_preprocessing(Sets{many.get()}).sentence == "all images are 6x4: used as they are");
    }

    TEST_CASE("where sizes differ widely most headers are never read") {
        // Every image has a size of its own; items count how often they are asked.
        struct Varied final : Dataset {
            int64_t size() const override { return 100000; }
            int label(int64_t) const override { return 0; }
            LabelSource label_source() const override { return LabelSource::numbers; }
            const std::vector<std::string>& class_names() const override { return names; }
            std::string item_name(int64_t item) const override { return "image " + std::to_string(item); }
            std::string describe() const override { return "varied"; }
            void open(int64_t, ImageReader&) const override {}
            ImageSize image_size(int64_t item) const override {
                ++asked;
                return {static_cast<int>(item) + 1, 1};
            }
            std::vector<std::string> names;
            mutable int64_t asked = 0;
        } varied;
        CHECK(choose_preprocessing({&varied}).preprocessing.resize == 256);
        CHECK(varied.asked < 1000);
    }

    TEST_CASE("an image that cannot be read is named") {
        const TemporaryFolder folder;
        copy_fixture(folder, "rgb.png", "a/1.png");
        write_file(folder, "b/2.png", "no image");
        const auto dataset = open_dataset(folder.path().string());
        CHECK(data_error_of([&] { choose_preprocessing({dataset.get()}); }).find(folder / "b/2.png") == 0);
    }
}
