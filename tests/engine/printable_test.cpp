// Names from files on one line (engine/printable.h).
#include "engine/printable.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace adaq;

TEST_SUITE("printable") {
    TEST_CASE("texts of any language stay as they are") {
        for (const char* text : {"", "conv1.weight", "a b\\c", "straße", "図書館", "🙂", "\u00a0"})
            CHECK(one_line(text) == text);
    }

    TEST_CASE("what ends a line or moves a cursor is escaped") {
        CHECK(one_line("a\nb\r\tc") == "a\\nb\\r\\tc");
        CHECK(one_line("\x1b[2J\x7f") == "\\x1b[2J\\x7f");
        CHECK(one_line(std::string_view("\0", 1)) == "\\x00");
        CHECK(one_line("\u0085\u009b") == "\\x85\\x9b");
        CHECK(one_line("\u2028\u202e\u2066\ufeff") == "\\u2028\\u202e\\u2066\\ufeff");
    }

    TEST_CASE("bytes that are no UTF-8 are escaped one by one") {
        CHECK(one_line("caf\xe9.bin") == "caf\\xe9.bin");
        CHECK(one_line("\xff\xc0\xaf") == "\\xff\\xc0\\xaf");           // never, too long for '/'
        CHECK(one_line("\xe2\x82") == "\\xe2\\x82");                    // cut off
        CHECK(one_line("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // a surrogate
        CHECK(one_line("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // beyond Unicode
        CHECK(one_line("\xc3(\xe2\x82\xac") == "\\xc3(€");
    }

    TEST_CASE("a name for an error message is cut, not within a character") {
        CHECK(printable(std::string(100, 'x')) == std::string(100, 'x'));
        CHECK(printable(std::string(101, 'x')) == std::string(100, 'x') + "...");
        CHECK(printable(std::string(99, 'x') + "ßy") == std::string(99, 'x') + "...");
        CHECK(printable(std::string(98, 'x') + "ßy") == std::string(98, 'x') + "ß...");
        std::string escaped;
        for (int i = 0; i < 25; ++i) escaped += "\\xff";
        CHECK(printable(std::string(25, '\xff')) == escaped);
        CHECK(printable(std::string(26, '\xff')) == escaped + "...");
        CHECK(printable(std::string(98, 'x') + "\n" + "y") == std::string(98, 'x') + "\\n...");
        CHECK(printable(std::string(99, 'x') + "\n") == std::string(99, 'x') + "...");
    }

    TEST_CASE("of many names the first are told, each fit for the line") {
        const std::vector<std::string> names{"conv1", "a\nb", "fc"};
        CHECK(first_names(names, 2) == "conv1, a\\nb, ...");
        CHECK(first_names(names, 3) == "conv1, a\\nb, fc");
        CHECK(first_names(names, 9) == "conv1, a\\nb, fc");
        CHECK(first_names({}, 3).empty());
    }
}
