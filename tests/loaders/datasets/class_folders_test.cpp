#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>

#include "loaders/datasets/dataset.h"
#include "support/image_fixtures.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// A tree of empty files: opening a data set looks at names only.
std::string tree(const TemporaryFolder& folder, std::initializer_list<const char*> files) {
    for (const char* file : files) write_file(folder, file, "");
    return folder.path().string();
}

std::vector<std::string> names_of(const Dataset& dataset) {
    std::vector<std::string> names;
    for (int64_t item = 0; item < dataset.size(); ++item) {
        const std::filesystem::path path = dataset.item_name(item);
        names.push_back((path.parent_path().filename() / path.filename()).string());
    }
    return names;
}

std::string opening_error(const std::string& path, const DatasetOptions& options = {}) {
    return data_error_of([&] { open_dataset(path, options); });
}

using Names = std::vector<std::string>;

}  // namespace

TEST_SUITE("class folders") {
    TEST_CASE("classes and files come in bytewise order, what is not an image by its extension is passed over") {
        const TemporaryFolder folder;
        const auto dataset = open_dataset(tree(folder, {"b/2.jpg", "b/10.JPEG", "B/x.png", "a/z.webp", "a/notes.txt",
                                                        "a/.hidden.jpg", "readme.txt", ".cache/y.jpg"}));
        CHECK(names_of(*dataset) == Names{"B/x.png", "a/z.webp", "b/10.JPEG", "b/2.jpg"});
        CHECK(dataset->class_names() == Names{"B", "a", "b"});
        CHECK(dataset->has_labels());
        CHECK(dataset->label(0) == 0);
        CHECK(dataset->label(1) == 1);
        CHECK(dataset->label(3) == 2);
        CHECK(dataset->describe() == "4 images in 3 class folders of " + folder.path().string());
    }

    TEST_CASE("folders that are all named like the model's classes get the model's indices") {
        const TemporaryFolder folder;
        DatasetOptions options;
        options.class_names = {"dog", "cat", "bird"};
        const auto dataset = open_dataset(tree(folder, {"cat/1.jpg", "dog/1.jpg"}), options);
        CHECK(dataset->label(0) == 1);
        CHECK(dataset->label(1) == 0);
        CHECK_NOTHROW(check_labels(*dataset, 3));
    }

    TEST_CASE("more or fewer folders than the model has classes are refused") {
        const TemporaryFolder folder;
        const auto dataset = open_dataset(tree(folder, {"a/1.jpg", "b/1.jpg"}));
        CHECK_NOTHROW(check_labels(*dataset, 2));
        CHECK(data_error_of([&] { check_labels(*dataset, 3); }) ==
              dataset->describe() + ": 2 classes, expected 3 (the model's)");
    }

    TEST_CASE("what is no set of class folders is refused by name") {
        const TemporaryFolder folder;
        const std::string root = folder.path().string();
        CHECK(opening_error(root).find(root + ": no images in it, expected class folders") == 0);
        CHECK(opening_error(folder / "none").find(folder / "none" + ": no such file or folder") == 0);
        tree(folder, {"mixed/a/1.jpg", "mixed/2.jpg", "nested/a/b/1.jpg", "nested/a/2.jpg", "hollow/a/1.jpg",
                      "hollow/b/readme.txt"});
        CHECK(opening_error(folder / "mixed").find("mixed: both images (2.jpg) and folders (a)") != std::string::npos);
        CHECK(opening_error(folder / "nested").find("nested/a/b: a folder inside a class folder") != std::string::npos);
        CHECK(opening_error(folder / "hollow").find("hollow/b: no images, expected at least one") != std::string::npos);
        CHECK(opening_error("/dev/null").find("neither a file nor a folder") != std::string::npos);
        CHECK(opening_error(folder / "mixed/2.jpg").find("a single image") != std::string::npos);
        DatasetOptions with_labels;
        with_labels.label_file = folder / "labels.txt";
        tree(folder, {"good/a/1.jpg"});
        CHECK(opening_error(folder / "good", with_labels).find("class folders, which has its own labels") !=
              std::string::npos);
    }

    TEST_CASE("a folder that may not be read is refused by name" * doctest::skip(geteuid() == 0)) {  // root reads all
        namespace fs = std::filesystem;
        const TemporaryFolder folder;
        tree(folder, {"closed/a/1.jpg"});
        fs::permissions(folder / "closed", fs::perms::none);
        CHECK(opening_error(folder / "closed") ==
              folder / "closed" + ": the folder cannot be read (Permission denied)");
        fs::permissions(folder / "closed", fs::perms::owner_all);
    }

    TEST_CASE("calibration takes one image of each class in turn") {
        const TemporaryFolder folder;
        const auto dataset =
            open_dataset(tree(folder, {"a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "c/1.jpg", "c/2.jpg"}));
        CHECK(calibration_order(*dataset, 6) == std::vector<int64_t>{0, 3, 4, 1, 5, 2});
        CHECK(calibration_order(*dataset, 4) == std::vector<int64_t>{0, 3, 4, 1});
        CHECK(data_error_of([&] { calibration_order(*dataset, 7); }) ==
              dataset->describe() + ": too few calibration images, expected 7 (or ask for fewer)");
        CHECK_THROWS_AS(calibration_order(*dataset, 0), UsageError);
        CHECK(validation_order(*dataset, 2) == std::vector<int64_t>{0, 1});
        CHECK(validation_order(*dataset).size() == 6);
    }
}
