// The first look at JSON from files (loaders/json_fault.h).
#include "loaders/json_fault.h"

#include <doctest/doctest.h>

#include <ctime>

#include "support/sanitizer.h"

using namespace adaq;

namespace {

std::string repeated(const std::string& text, size_t times) {
    std::string all;
    for (size_t i = 0; i < times; ++i) all += text;
    return all;
}

}  // namespace

TEST_SUITE("json fault") {
    TEST_CASE("JSON passes") {
        for (const char* text : {"{}", "[1, -2, 0.5, true, null, \"x\"]", R"({"a": {"b": 1}, "b": {"b": 1}})", " 1 "})
            CHECK_FALSE(json_fault(text));
    }

    TEST_CASE("what is no JSON is told with its place") {
        CHECK(json_fault("") == "is not JSON (at byte 1)");
        CHECK(json_fault("{]") == "is not JSON (at byte 2)");
        CHECK(json_fault("{} {}") == "is not JSON (at byte 4)");
        CHECK(json_fault("[1e999]") == "is not JSON (a number out of range)");
        CHECK(json_fault("\"\xff\"") == "is not JSON (at byte 2)");
    }

    TEST_CASE("a key twice in one object is refused, escaped") {
        CHECK(json_fault(R"({"a": 1, "b": [{"a": 1}], "a": 2})") == "has the key \"a\" twice");
        CHECK(json_fault(R"({"a\n": 1, "a\n": 2})") == "has the key \"a\\n\" twice");
        CHECK_FALSE(json_fault(R"({"a": {"a": 1}})"));
    }

    TEST_CASE("64 levels are the most, of arrays, objects or both") {
        CHECK_FALSE(json_fault(repeated("[", 64) + repeated("]", 64)));
        CHECK(json_fault(repeated("[", 65) + repeated("]", 65)) == "nests deeper than 64 levels");
        CHECK(json_fault(repeated("{\"a\":[", 33) + repeated("]}", 33)) == "nests deeper than 64 levels");
        CHECK(json_fault(repeated("[", 5000000)) == "nests deeper than 64 levels");
    }

    TEST_CASE("time grows with the length alone, and values have a cap") {
        const std::clock_t start = std::clock();  // of this process: the machine may be busy
        CHECK_FALSE(json_fault("[" + repeated("{},", 200000) + "{}]"));
        CHECK(json_fault("[" + repeated("1,", 2000000) + "1]") == "has more than 1048576 values");
        CHECK(std::clock() - start < test::kSlowness * 10 * CLOCKS_PER_SEC);  // quadratic: minutes
    }
}
