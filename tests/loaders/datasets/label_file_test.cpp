// Label files as they come: with data sets, from spreadsheets, from other systems, and broken.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "loaders/datasets/dataset.h"
#include "support/image_fixtures.h"

using namespace adaq;
using namespace adaq::test;

namespace {

using Labels = std::vector<int>;
using Names = std::vector<std::string>;

/// A data set of empty files and its labels, read by every test in the same way.
struct Set {
    TemporaryFolder folder;
    DatasetOptions options;

    explicit Set(const Names& files = {"a.jpg", "b.jpg", "c d.jpg"}) {
        for (const std::string& file : files) write_file(folder, file, "");
    }
    Set& with(const std::string& name, std::string_view content) {
        write_file(folder, name, content);
        return *this;
    }
    Labels labels(const std::string& below = "") const {
        const auto dataset = open_dataset(below.empty() ? folder.path().string() : folder / below, options);
        Labels labels;
        for (int64_t item = 0; item < dataset->size(); ++item) labels.push_back(dataset->label(item));
        return labels;
    }
    std::string error() const {
        const std::string message = data_error_of([&] { labels(); }), prefix = folder.path().string() + "/";
        return message.find(prefix) == 0 ? message.substr(prefix.size()) : message;
    }
};

Labels read(std::string_view labels, const std::string& name = "labels.txt") {
    return Set().with(name, labels).labels();
}

}  // namespace

TEST_SUITE("label file") {
    TEST_CASE("lines may end as on any system, and a byte order mark may stand before them") {
        CHECK(read("3\r1\r4\r") == Labels{3, 1, 4});
        CHECK(read("a.jpg 3\rb.jpg 1\rc d.jpg 4") == Labels{3, 1, 4});
        CHECK(read("a.jpg,3\r\nb.jpg,1\r\nc d.jpg,4\r\n", "labels.csv") == Labels{3, 1, 4});
        CHECK(read("file,label\ra.jpg,3\rb.jpg,1\rc d.jpg,4\r", "labels.csv") == Labels{3, 1, 4});
        CHECK(read("3\r\n1\r4\n") == Labels{3, 1, 4});
        CHECK(read("3\r\n1\r\n4\r\n\x1A") == Labels{3, 1, 4});
        CHECK(read("\xEF\xBB\xBF"
                   "3\n1\n4\n") == Labels{3, 1, 4});
        CHECK(Set()
                  .with("labels.txt", std::string("\xFF\xFE"
                                                  "3\0\n\0",
                                                  6))
                  .error() == "labels.txt: UTF-16 text, expected a label file in UTF-8");
    }

    TEST_CASE("whatever becomes of a label file's bytes, labels or one sentence come of it") {
        const std::string whole =
            "\xEF\xBB\xBFImageId,PredictionString\r\na.jpg,n01 1 2 3 4\r\n\"b.jpg\";2\rc d.jpg\tn02\t0\t1\t2\t3\n\x1A";
        std::mt19937 random(7);
        Set set;
        set.options.classes = 2;
        int read = 0;
        for (int round = 0; round < 3000; ++round) {
            std::string bytes = whole;
            for (uint32_t change = random() % 6; change > 0; --change) {
                const size_t at = random() % bytes.size(), length = random() % 9;
                if (random() % 3 == 0)
                    bytes[at] = static_cast<char>(random());
                else if (random() % 2 == 0)
                    bytes.erase(at, length);
                else
                    bytes.insert(random() % bytes.size(), bytes.substr(at, length));
                if (bytes.empty()) bytes = "x";
            }
            set.with("labels.txt", bytes);
            const std::string error = data_error_of([&] { set.labels(); });
            read += error == "no error";
            CHECK(error.size() < 500);
            CHECK(error.find_first_of("\r\n") == std::string::npos);
        }
        CHECK(read < 3000);
    }

    TEST_CASE("names need no extension and may have folders before them") {
        CHECK(read("a 3\nb 1\nc d 4\n") == Labels{3, 1, 4});
        CHECK(read("val/a.jpg 3\n./b 1\nC:\\data\\c d.jpg 4\n") == Labels{3, 1, 4});
        Set imagenet({"ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG"});
        CHECK(imagenet.with("labels.txt", "ILSVRC2012_val_00000002 970\nILSVRC2012_val_00000001 65\n").labels() ==
              Labels{65, 970});
        Set twins({"a.jpg", "a.png"});
        CHECK(twins.with("labels.txt", "a.jpg 1\na.png 2\n").labels() == Labels{1, 2});
        CHECK(twins.with("labels.txt", "a 1\na 2\n").error().find("labels.txt, line 1: \"a 1\", expected the name") ==
              0);
    }

    TEST_CASE("fields may stand between tabs, commas, semicolons and blanks") {
        CHECK(read("a.jpg\t3\nb.jpg\t1\nc d.jpg\t4\n") == Labels{3, 1, 4});
        CHECK(read("a.jpg;3\nb.jpg;1\nc d.jpg;4\n") == Labels{3, 1, 4});
        CHECK(read("\"a.jpg\";\"3\"\n\"b.jpg\";\"1\"\n\"c d.jpg\";\"4\"\n") == Labels{3, 1, 4});
        Set commas({"a,b.jpg", "c.jpg"});
        commas.options.class_names = {"tench, Tinca tinca", "cock"};
        CHECK(commas.with("labels.txt", "a,b.jpg,cock\nc.jpg,tench, Tinca tinca\n").labels() == Labels{1, 0});
        CHECK(commas.with("labels.txt", "a,b.jpg\tcock\nc.jpg\ttench, Tinca tinca\n").labels() == Labels{1, 0});
        CHECK(commas.with("labels.txt", "\"a,b.jpg\",cock\nc.jpg,\"tench, Tinca tinca\"\n").labels() == Labels{1, 0});
    }

    TEST_CASE("a header line is known by its words, and says which column is which") {
        for (const char* header : {"filename,label", "Image_ID,Class", "img,target", "picture,kind", "file name;label",
                                   "image\tclass", "name label", "ImageId,PredictionString"}) {
            INFO(header);
            std::string body = "a.jpg,3\nb.jpg,1\nc d.jpg,4\n";
            if (std::string_view(header).find(',') == std::string_view::npos)
                std::replace(body.begin(), body.end(), ',',
                             std::string_view(header).find('\t') != std::string_view::npos ? '\t' : ';');
            CHECK(read(std::string(header) + "\n" + body, "labels.csv") == Labels{3, 1, 4});
        }
        CHECK(read("label,filename\n3,a.jpg\n1,b.jpg\n4,c d.jpg\n", "labels.csv") == Labels{3, 1, 4});
        CHECK(read(",filename,label\n0,a.jpg,3\n1,b.jpg,1\n2,c d.jpg,4\n", "labels.csv") == Labels{3, 1, 4});
        CHECK(read("id,path,width,class\n7,x/a.jpg,64,3\n8,x/b.jpg,64,1\n9,\"x/c d.jpg\",64,4\n", "labels.csv") ==
              Labels{3, 1, 4});
        CHECK(read("label\n3\n1\n4\n") == Labels{3, 1, 4});
        CHECK(Set().with("labels.csv", "alpha,beta,gamma\n1,2,3\n").error() ==
              "labels.csv, line 1: \"alpha,beta,gamma\", expected the name of an image in the folder and its label (a "
              "class index)");
        CHECK(Set().with("labels.csv", "filename,label\na.jpg\n").error().find("labels.csv, line 2: \"a.jpg\"") == 0);
    }

    TEST_CASE("labels are shifted by the offset, names are not") {
        Set set;
        set.options.label_offset = -1;
        CHECK(set.with("labels.txt", "1\n2\n3\n").labels() == Labels{0, 1, 2});
        CHECK(set.with("labels.txt", "a.jpg 3\nb.jpg 1\nc d.jpg 2\n").labels() == Labels{2, 0, 1});
        CHECK(set.with("labels.txt", "1\n0\n3\n").error() ==
              "labels.txt, line 2: \"0\", expected a label (a class index)");
        set.options.class_names = {"x", "y", "z"};
        CHECK(set.with("labels.txt", "z\n3\n1\n").labels() == Labels{2, 2, 0});
        CHECK(set.with("labels.txt", "1\n4\n1\n").error() ==
              "labels.txt, line 2: \"4\", expected a label (a class index from 1 to 3 or a class name)");
        set.options.label_offset = 0;
        CHECK(set.with("labels.txt", "1\n3\n2\n").error() ==
              "labels.txt, line 2: \"3\", expected a label (a class index from 0 to 2 or a class name); where labels "
              "count "
              "from 1, give `label_offset` -1");
    }

    TEST_CASE("Tiny-ImageNet's validation part is read as it is distributed, from any of its folders") {
        Set tiny({"train/n03/images/n03_0.JPEG", "train/n01/images/n01_0.JPEG", "train/n02/images/n02_0.JPEG",
                  "val/images/val_0.JPEG", "val/images/val_1.JPEG", "val/images/val_2.JPEG",
                  "test/images/test_0.JPEG"});
        tiny.with("wnids.txt", "n03\nn01\nn02\n").with("train/n01/n01_boxes.txt", "n01_0.JPEG\t0\t0\t9\t9\n");
        tiny.with("val/val_annotations.txt",
                  "val_0.JPEG\tn02\t0\t32\t44\t62\nval_1.JPEG\tn03\t52\t55\t57\t59\nval_2.JPEG\tn01\t4\t0\t60\t55\n");
        tiny.options.classes = 3;
        for (const char* below : {"", "val", "val/", "val/images"}) {
            INFO(below);
            CHECK(tiny.labels(below) == Labels{1, 2, 0});
        }
        const auto dataset = open_dataset(tiny.folder / "val", tiny.options);
        CHECK(dataset->class_names() == Names{"n01", "n02", "n03"});
        CHECK(dataset->label_source() == LabelSource::places);
        CHECK(dataset->item_name(0) == tiny.folder / "val/images/val_0.JPEG");
        DatasetOptions calibration;
        calibration.role = DatasetRole::calibration;
        CHECK(open_dataset(tiny.folder.path().string(), calibration)->item_name(0) ==
              tiny.folder / "train/n01/images/n01_0.JPEG");
        CHECK(open_dataset(tiny.folder / "test", calibration)->size() == 1);

        // A part of the images, with the list of all: names of images that are not there count as classes, too.
        std::filesystem::remove(tiny.folder / "val/images/val_1.JPEG");
        CHECK(tiny.labels("val") == Labels{1, 0});
        tiny.options.class_names = {"n02", "n01", "n03"};
        CHECK(tiny.labels("val") == Labels{0, 1});
        // Names that say nothing of these labels do no harm.
        tiny.options.class_names = {"goldfish", "bird", "cat"};
        CHECK(tiny.labels("val") == Labels{1, 0});
        tiny.options.class_names.clear();
        tiny.options.classes = 4;
        CHECK(data_error_of([&] {
                  tiny.labels("val");
              }).find("val_annotations.txt, line 1: \"val_0.JPEG\\tn02\\t0\\t32\\t44\\t62\", expected a label") !=
              std::string::npos);
        tiny.options.other_class_names = {"n00", "n01", "n02", "n03"};
        CHECK(tiny.labels("val") == Labels{2, 1});
    }

    TEST_CASE("ILSVRC's LOC_val_solution.csv is found beside the images and above them") {
        const char* solution =
            "ImageId,PredictionString\n"
            "ILSVRC2012_val_00000003,n02 85 1 499 272 \n"
            "ILSVRC2012_val_00000001,n01 131 0 499 254 n01 1 2 3 4 \n"
            "ILSVRC2012_val_00000002,n03 1 2 3 4 \n";
        for (const char* above : {"", "ILSVRC/Data/CLS-LOC/val/"}) {
            Set set({std::string(above) + "ILSVRC2012_val_00000001.JPEG",
                     std::string(above) + "ILSVRC2012_val_00000003.JPEG"});
            set.with("LOC_val_solution.csv", solution);
            set.options.class_names = {"n03", "n02", "n01"};
            CHECK(set.labels(above) == Labels{2, 1});
            set.options.class_names.clear();
            set.options.other_class_names = {"n01", "n02", "n03"};
            CHECK(set.labels(above) == Labels{0, 1});
            // LOC_synset_mapping.txt as the list of classes.
            set.options.class_names = {"n03 c", "n01 a", "n02 b"};
            set.options.other_class_names.clear();
            CHECK_THROWS_AS(set.labels(above), DataError);  // "n03" is no WordNet ID of eight digits
        }
        Set given({"val/x.JPEG"});
        given.with("names.csv", "ImageId,PredictionString\nx,n00000007 85 1 499 272 \n");
        given.options.label_file = given.folder / "names.csv";
        given.options.class_names = {"n00000003 hen", "n00000007 tench, Tinca tinca"};
        CHECK(given.labels("val") == Labels{1});
    }

    TEST_CASE("names in a label file are classes of their own where they are as many as the model's") {
        Set set;
        set.options.classes = 2;
        CHECK(set.with("labels.txt", "a.jpg dog\nb.jpg cat\nc d.jpg dog\n").labels() == Labels{1, 0, 1});
        CHECK(set.with("labels.txt", "dog\ncat\ndog\n").labels() == Labels{1, 0, 1});
        set.with("labels.txt", "class 10\nclass 9\nclass 9\n");
        CHECK(set.labels() == Labels{0, 1, 1});
        set.options.class_order = ClassOrder::numeric;
        CHECK(set.labels() == Labels{1, 0, 0});
        set.options.classes = 3;
        CHECK(set.error().find("labels.txt, line 1: \"class 10\", expected the name of an image") == 0);
    }

    TEST_CASE("what is no label is shown escaped and cut, in one line") {
        const std::string long_name(5000, 'q');
        for (const std::string& bad :
             {"a.jpg " + long_name, long_name + "\x1b[31m 3", std::string("a.jpg \x01\x02 x\0y", 12)}) {
            const std::string message = Set().with("labels.txt", "a.jpg 1\n" + bad + "\n").error();
            CHECK(message.find("labels.txt, line 2: ") == 0);
            CHECK(message.size() < 300);
            for (const char c : message) CHECK(static_cast<unsigned char>(c) >= 0x20);
        }
        // 12 KB without a line end that is known as one.
        std::string one_line;
        for (int i = 0; i < 1000; ++i) one_line += "image" + std::to_string(i) + " 1\v";
        CHECK(Set().with("labels.txt", one_line).error().size() < 300);
    }

    TEST_CASE("a long line takes no longer than many short ones, and there is an end to lines and files") {
        Set set;
        std::string line;
        while (line.size() < 60000) line += "x 1 ";
        const auto start = std::chrono::steady_clock::now();
        CHECK(set.with("labels.txt", "a.jpg 1\n" + line + "\n").error().find("labels.txt, line 2: ") == 0);
        std::string many;
        for (int i = 0; i < 200; ++i) many += line + "\n";  // 12 MB
        CHECK(set.with("labels.txt", "a.jpg 1\n" + many).error().find("labels.txt, line 2: ") == 0);
        CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
        CHECK(set.with("labels.txt", std::string(200000, 'x')).error() ==
              "labels.txt, line 1: 200000 characters, expected a label file with at most 65536 a line");
        set.with("labels.txt", "");
        std::filesystem::resize_file(set.folder / "labels.txt", 70 << 20);
        CHECK(set.error() == "labels.txt: 73400320 bytes, expected a label file of at most 67108864");
    }

    TEST_CASE("a pipe, a device or a folder in a file's place is refused and not waited for") {
        Set set;
        const std::string pipe = set.folder / "pipe";
        REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
        set.options.label_file = pipe;
        CHECK(set.error() == "pipe: a device or pipe, expected a label file");
        set.options.label_file = "/dev/zero";
        CHECK(set.error() == "/dev/zero: a device or pipe, expected a label file");
        set.options.label_file = set.folder.path().string();
        CHECK(set.error().find(": a folder, expected a label file") != std::string::npos);
        CHECK(data_error_of([&] { read_class_names(pipe); }) ==
              pipe + ": a device or pipe, expected class names, one a line");
        const std::string images = set.folder / "train-images-idx3-ubyte";
        write_file(set.folder, "train-images-idx3-ubyte", "");
        std::filesystem::remove(images);
        REQUIRE(mkfifo(images.c_str(), 0600) == 0);
        CHECK(data_error_of([&] { open_dataset(images); }).find(": neither a file nor a folder") != std::string::npos);
    }
}
