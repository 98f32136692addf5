#include "loaders/preprocessing_choice.h"

#include <doctest/doctest.h>

#include "support/image_fixtures.h"

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

    TEST_CASE("an image that cannot be read is named") {
        const TemporaryFolder folder;
        copy_fixture(folder, "rgb.png", "a/1.png");
        write_file(folder, "b/2.png", "no image");
        const auto dataset = open_dataset(folder.path().string());
        CHECK(data_error_of([&] { choose_preprocessing({dataset.get()}); }).find(folder / "b/2.png") == 0);
    }
}
