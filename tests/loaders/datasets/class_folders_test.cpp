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

    TEST_CASE("folders in class folders are walked as torchvision walks them: by their paths, files in each") {
        const TemporaryFolder folder;
        // What torchvision's make_dataset() gives: sorted(os.walk(...)), then sorted(files). '-' sorts before '/'.
        tree(folder, {"c/z.jpg", "c/images/b.jpg", "c/images/a.jpg", "c/images-more/d.jpg", "c/images/deep/e.jpg",
                      "c/Y/f.jpg", "d/images/1.jpg", "d/boxes.txt", "c/.hidden/g.jpg"});
        const auto dataset = open_dataset(folder.path().string());
        std::vector<std::string> names;
        for (int64_t item = 0; item < dataset->size(); ++item)
            names.push_back(dataset->item_name(item).substr(folder.path().string().size() + 1));
        CHECK(names == Names{"c/z.jpg", "c/Y/f.jpg", "c/images/a.jpg", "c/images/b.jpg", "c/images-more/d.jpg",
                             "c/images/deep/e.jpg", "d/images/1.jpg"});
        CHECK(dataset->label(5) == 0);
        CHECK(dataset->label(6) == 1);
    }

    TEST_CASE("a link that leads back up is refused, one to images elsewhere is followed") {
        namespace fs = std::filesystem;
        const TemporaryFolder folder;
        tree(folder, {"elsewhere/1.jpg", "good/a/2.jpg", "round/a/3.jpg"});
        fs::create_directory_symlink(folder / "elsewhere", folder / "good/a/more");
        CHECK(names_of(*open_dataset(folder / "good")) == Names{"a/2.jpg", "more/1.jpg"});
        fs::create_directory_symlink(folder / "round", folder / "round/a/up");
        CHECK(opening_error(folder / "round").find("round/a/up/a: a link to a folder above it") != std::string::npos);
    }

    TEST_CASE("numeric order: numbers in names count as numbers, files stay where they are") {
        const TemporaryFolder folder;
        const std::string root = tree(folder, {"0/1.jpg", "10/1.jpg", "2/10.jpg", "2/9.jpg"});
        CHECK(names_of(*open_dataset(root)) == Names{"0/1.jpg", "10/1.jpg", "2/10.jpg", "2/9.jpg"});
        DatasetOptions options;
        options.class_order = ClassOrder::numeric;
        const auto numeric = open_dataset(root, options);
        CHECK(names_of(*numeric) == Names{"0/1.jpg", "2/10.jpg", "2/9.jpg", "10/1.jpg"});
        CHECK(numeric->class_names() == Names{"0", "2", "10"});
        CHECK(numeric->label(3) == 2);
        CHECK(calibration_order(*numeric, 4) == std::vector<int64_t>{0, 1, 3, 2});
    }

    TEST_CASE("an order that is given goes before the model's class names") {
        const TemporaryFolder folder;
        const std::string root = tree(folder, {"a/1.jpg", "b/1.jpg"});
        DatasetOptions options;
        options.class_names = {"b", "a"};
        CHECK(open_dataset(root, options)->label(0) == 1);
        CHECK(open_dataset(root, options)->label_source() == LabelSource::model_names);
        options.class_order = ClassOrder::text;
        CHECK(open_dataset(root, options)->label(0) == 0);
        CHECK(open_dataset(root, options)->label_source() == LabelSource::places);
    }

    TEST_CASE("an offset moves places, for networks with a class that no folder stands for") {
        const TemporaryFolder folder;
        DatasetOptions options;
        options.label_offset = 1;
        const auto dataset = open_dataset(tree(folder, {"a/1.jpg", "b/1.jpg"}), options);
        CHECK(dataset->label(0) == 1);
        CHECK(dataset->label(1) == 2);
        CHECK_NOTHROW(check_labels(*dataset, 3));
        CHECK_THROWS_AS(check_labels(*dataset, 2), DataError);
    }

    TEST_CASE("folders that are fewer than the model's classes go by another data set's folders") {
        const TemporaryFolder folder;
        const std::string root = tree(folder, {"b/1.jpg", "d/1.jpg"});
        DatasetOptions options;
        options.classes = 4;
        options.other_class_names = {"a", "b", "c", "d"};
        const auto dataset = open_dataset(root, options);
        CHECK(dataset->label(0) == 1);
        CHECK(dataset->label(1) == 3);
        CHECK_NOTHROW(check_labels(*dataset, 4));
        options.other_class_names = {"a", "b", "c", "e"};
        CHECK_THROWS_AS(check_labels(*open_dataset(root, options), 4), DataError);
    }

    TEST_CASE("class names that begin with WordNet IDs are found by these alone") {
        const TemporaryFolder folder;
        DatasetOptions options;
        options.class_names = {"n02000000 crane, bird", "n01440764 tench, Tinca tinca"};
        const auto dataset = open_dataset(tree(folder, {"n01440764/1.jpg", "n02000000/1.jpg"}), options);
        CHECK(dataset->label(0) == 1);
        CHECK(dataset->label(1) == 0);
    }

    TEST_CASE("of a folder of parts, calibration takes train and validation val, else test") {
        const TemporaryFolder folder;
        const std::string root =
            tree(folder, {"train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "val/b/4.jpg", "test/c/5.jpg", "words.txt"});
        DatasetOptions calibration;
        calibration.role = DatasetRole::calibration;
        CHECK(names_of(*open_dataset(root, calibration)) == Names{"a/1.jpg", "b/2.jpg"});
        CHECK(names_of(*open_dataset(root)) == Names{"a/3.jpg", "b/4.jpg"});
        CHECK(class_folder_names(root, calibration) == Names{"a", "b"});
        std::filesystem::remove_all(folder / "val");
        CHECK(names_of(*open_dataset(root)) == Names{"c/5.jpg"});
        // Toys: classes that happen to be called so.
        DatasetOptions toys;
        toys.class_names = {"test", "train"};
        CHECK(open_dataset(root, toys)->size() == 3);
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
        tree(folder, {"mixed/a/1.jpg", "mixed/2.jpg", "hollow/a/1.jpg", "hollow/b/c/readme.txt"});
        CHECK(opening_error(folder / "mixed").find("mixed: both images (2.jpg) and folders (a)") != std::string::npos);
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
              dataset->describe() + ": too few calibration images, expected 7 (or ask for fewer `images`)");
        CHECK_THROWS_AS(calibration_order(*dataset, 0), UsageError);
        CHECK(validation_order(*dataset, 2) == std::vector<int64_t>{0, 1});
        CHECK(validation_order(*dataset).size() == 6);
    }
}
