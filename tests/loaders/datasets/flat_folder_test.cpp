#include <doctest/doctest.h>

#include "loaders/datasets/dataset.h"
#include "support/image_fixtures.h"

using namespace adaq;
using namespace adaq::test;

namespace {

using Labels = std::vector<int>;

/// A folder with a.jpg, b.jpg and c d.jpg, and a label file of the given name and content.
struct FlatFixture {
    TemporaryFolder folder;
    DatasetOptions options;

    explicit FlatFixture(std::string_view labels, const std::string& label_name = "labels.txt") {
        for (const char* name : {"b.jpg", "a.jpg", "c d.jpg"}) write_file(folder, name, "");
        write_file(folder, label_name, labels);
    }

    Labels labels() const {
        const auto dataset = open_dataset(folder.path().string(), options);
        Labels labels;
        for (int64_t item = 0; item < dataset->size(); ++item) labels.push_back(dataset->label(item));
        return labels;
    }
    std::string error() const {
        const std::string message = data_error_of([&] { labels(); });
        const std::string prefix = folder.path().string() + "/";
        return message.find(prefix) == 0 ? message.substr(prefix.size()) : message;
    }
};

}  // namespace

TEST_SUITE("flat folder") {
    TEST_CASE("labels are read in each of their forms") {
        CHECK(FlatFixture("3\n1\n4\n").labels() == Labels{3, 1, 4});
        CHECK(FlatFixture("3\r\n1\r\n\r\n4").labels() == Labels{3, 1, 4});
        CHECK(FlatFixture("b.jpg 1\nc d.jpg 4\na.jpg\t3\n").labels() == Labels{3, 1, 4});
        CHECK(FlatFixture("b.jpg,1\n\"c d.jpg\",4\na.jpg, 3\n", "labels.csv").labels() == Labels{3, 1, 4});
        CHECK(FlatFixture("filename,label\nb.jpg,1\nc d.jpg,4\na.jpg,3\n", "labels.csv").labels() == Labels{3, 1, 4});
    }

    TEST_CASE("labels may be the model's class names, with blanks in them") {
        FlatFixture by_name("b.jpg electric ray\na.jpg cock\nc d.jpg 0\n");
        by_name.options.class_names = {"cock", "hen", "electric ray"};
        CHECK(by_name.labels() == Labels{0, 2, 0});
        FlatFixture in_order("electric ray\nhen\ncock\n");
        in_order.options.class_names = by_name.options.class_names;
        CHECK(in_order.labels() == Labels{2, 1, 0});
    }

    TEST_CASE("a label file elsewhere is read where it is given") {
        FlatFixture fixture("0\n0\n0\n");
        fixture.options.label_file = write_file(fixture.folder, "elsewhere/other", "7\n8\n9\n");
        std::filesystem::rename(fixture.folder / "elsewhere/other", fixture.folder / "other");
        std::filesystem::remove(fixture.folder / "elsewhere");
        fixture.options.label_file = fixture.folder / "other";
        CHECK(fixture.labels() == Labels{7, 8, 9});
        fixture.options.label_file = fixture.folder / "none";
        CHECK(fixture.error() == "none: No such file or directory, expected a label file");
    }

    TEST_CASE("labels that do not match the images are refused with the line") {
        CHECK(FlatFixture("1\n2\n").error() == "labels.txt: 2 labels, expected one for each of the 3 images");
        CHECK(FlatFixture("1\n2\n3\n4\n").error() == "labels.txt: 4 labels, expected one for each of the 3 images");
        CHECK(FlatFixture("1\nx\n3\n").error() == "labels.txt, line 2: \"x\", expected a label (a class index)");
        CHECK(FlatFixture("1\n-2\n3\n").error() == "labels.txt, line 2: \"-2\", expected a label (a class index)");
        CHECK(FlatFixture("99999999999999\n2\n3\n")
                  .error()
                  .find("labels.txt, line 1: \"99999999999999\", expected the name") == 0);
        CHECK(FlatFixture("a.jpg 1\nb.jpg 1\n").error() ==
              "labels.txt: no label for c d.jpg, expected one for each of the 3 images");
        CHECK(FlatFixture("a.jpg 1\na.jpg 1\n").error() ==
              "labels.txt, line 2: a second label for a.jpg, expected one");
        CHECK(FlatFixture("a.jpg 1\ne.jpg 1\n")
                  .error()
                  .find("labels.txt, line 2: \"e.jpg 1\", expected the name of an image") == 0);
        CHECK(FlatFixture("\n \n").error() == "labels.txt: nothing in it, expected a label file");
        FlatFixture named("a.jpg 3\nb.jpg 0\nc d.jpg 1\n");
        named.options.class_names = {"x", "y", "z"};
        CHECK(named.error().find("labels.txt, line 1: \"a.jpg 3\"") == 0);
    }

    TEST_CASE("labels beyond the model's classes are refused by image") {
        const FlatFixture fixture("0\n5\n1\n");
        const auto dataset = open_dataset(fixture.folder.path().string());
        CHECK_NOTHROW(check_labels(*dataset, 6));
        CHECK(data_error_of([&] { check_labels(*dataset, 5); }) ==
              fixture.folder / "b.jpg: label 5, expected 0 to 4 (the model has 5 classes)");
    }

    TEST_CASE("validation needs labels, calibration does not and goes by name") {
        FlatFixture fixture("", "readme.txt");
        CHECK(fixture.error().find(": no labels, expected class folders, a labels.txt") != std::string::npos);
        fixture.options.role = DatasetRole::calibration;
        const auto dataset = open_dataset(fixture.folder.path().string(), fixture.options);
        CHECK_FALSE(dataset->has_labels());
        CHECK(dataset->label(0) == Dataset::kNoLabel);
        CHECK(dataset->item_name(2) == fixture.folder / "c d.jpg");
        CHECK(calibration_order(*dataset, 2) == std::vector<int64_t>{0, 1});
        CHECK_NOTHROW(check_labels(*dataset, 2));
    }
}
