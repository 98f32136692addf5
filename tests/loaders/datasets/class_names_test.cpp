#include "loaders/datasets/class_names.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "support/image_fixtures.h"

using namespace adaq;
using namespace adaq::test;

namespace {
using Names = std::vector<std::string>;

Names sorted(Names names, ClassOrder order) {
    sort_class_names(names, order);
    return names;
}
}  // namespace

TEST_SUITE("class names") {
    TEST_CASE("text order is bytewise, numeric order counts") {
        Names numbers;
        for (int i = 0; i < 202; ++i) numbers.push_back(std::to_string(i));
        Names text = numbers;
        std::sort(text.begin(), text.end());
        CHECK(sorted(numbers, ClassOrder::text) == text);
        CHECK(sorted(text, ClassOrder::numeric) == numbers);
        CHECK(sorted({"c10", "c9", "b1", "c", "C2"}, ClassOrder::numeric) == Names{"C2", "b1", "c", "c9", "c10"});
        CHECK(sorted({"010", "9", "09", "1a10", "1a9"}, ClassOrder::numeric) == Names{"1a9", "1a10", "09", "9", "010"});
        CHECK(sorted({"x99999999999999999999", "x100000000000000000000"}, ClassOrder::numeric) ==
              Names{"x99999999999999999999", "x100000000000000000000"});
    }

    TEST_CASE("a list of names is read with any line ends, its blank lines passed over") {
        const TemporaryFolder folder;
        CHECK(read_class_names(write_file(folder, "a", "tench\n\n  gold fish \r\nshark")) ==
              Names{"tench", "gold fish", "shark"});
        CHECK(read_class_names(write_file(folder, "b", "tench\rshark\r")) == Names{"tench", "shark"});
        CHECK(data_error_of([&] { read_class_names(write_file(folder, "c", "\n")); }) ==
              folder / "c: nothing in it, expected class names, one a line");
    }

    TEST_CASE("of equal names the first counts, and WordNet IDs count where all names have one") {
        const Names twice{"crane", "hen", "crane"};
        CHECK(ClassIndex(twice).find("crane") == 0);
        CHECK(ClassIndex(twice).find("hen") == 1);
        CHECK_FALSE(ClassIndex(twice).find("Hen"));
        const Names all{"n01440764 tench, Tinca tinca", "n01443537\tgoldfish"};
        CHECK(ClassIndex(all).find("n01443537") == 1);
        CHECK(ClassIndex(all).find("n01440764 tench, Tinca tinca") == 0);
        const Names some{"n01440764 tench", "goldfish"};
        CHECK_FALSE(ClassIndex(some).find("n01440764"));
    }
}
