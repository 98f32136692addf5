// The progress line, with a made-up clock and a string for a terminal.
#include "tools/run/progress.h"

#include <doctest/doctest.h>

#include <sstream>
#include <thread>
#include <vector>

#include "report/format.h"
#include "tests/support/markup_check.h"

using adaq::Progress;
using adaq::test::occurrences;

namespace {

struct Setting {
    std::ostringstream stream;
    std::atomic<double> now{100.0};
    int columns = 80;

    adaq::ProgressOutput output(bool terminal, bool brief = false) {
        return {stream, terminal, [this] { return now.load(); }, [this] { return columns; }, brief};
    }
};

/// What a terminal shows of the last line: what came after the last erasure.
std::string visible(const std::string& text) {
    const size_t erased = text.rfind("\x1b[K");
    return text.substr(erased == std::string::npos ? 0 : erased + 3);
}

}  // namespace

TEST_SUITE("progress") {
    TEST_CASE("in a pipe a phase is a line at its start and one at its end") {
        Setting setting;
        Progress progress(setting.output(false));
        progress.begin("evaluate", 5050, "images");
        for (int i = 0; i < 5050; ++i) progress.advance(1);
        setting.now = 102.0;
        progress.end();
        CHECK(setting.stream.str() == "evaluate: 5,050 images\nevaluate: 5,050 images in 2.00 s, 2,525 images/s\n");
    }

    TEST_CASE("brief: phases leave nothing behind, long ones speak up every minute, and what is said stays") {
        Setting pipe;
        Progress progress(pipe.output(false, true));
        progress.begin("evaluate", 1000, "images");
        for (int i = 0; i < 100; ++i) {
            pipe.now = pipe.now + 0.7;
            progress.advance(5);
        }
        progress.end();
        progress.say("done");
        CHECK(occurrences(pipe.stream.str(), "\n") == 2);
        CHECK(pipe.stream.str().find("evaluate: 430 of 1,000 images") == 0);
        CHECK(pipe.stream.str().ends_with("done\n"));
        Setting setting;
        Progress bar(setting.output(true, true));
        bar.begin("evaluate", 1000, "images");
        bar.end();
        CHECK(visible(setting.stream.str()) == "");
    }

    TEST_CASE("in a pipe a long phase speaks up every five seconds, without control characters") {
        Setting setting;
        Progress progress(setting.output(false));
        progress.begin("evaluate", 1000, "images");
        for (int i = 0; i < 100; ++i) {
            setting.now = setting.now + 0.11;
            progress.advance(5);
        }
        CHECK(occurrences(setting.stream.str(), "\n") == 3);  // the start, and lines after 5 and 10 of 11 seconds
        CHECK(setting.stream.str().find("of 1,000 images, 45 images/s,") != std::string::npos);
        CHECK(setting.stream.str().find('\x1b') == std::string::npos);
        CHECK(setting.stream.str().find('\r') == std::string::npos);
    }

    TEST_CASE("on a terminal the bar says how many, how fast and how long still") {
        Setting setting;
        setting.columns = 100;
        Progress progress(setting.output(true));
        progress.begin("evaluate", 1000, "images");
        setting.now = 102.0;
        progress.advance(250);
        CHECK(visible(setting.stream.str()) ==
              "evaluate ███████░░░░░░░░░░░░░░░░░░░░░░░ 250 of 1,000 images, 125 images/s, 6.00 s left");
        progress.end();
        CHECK(visible(setting.stream.str()) == "evaluate: 250 images in 2.00 s, 125 images/s\n");
    }

    TEST_CASE("on a terminal the line is redrawn at most ten times a second") {
        Setting setting;
        Progress progress(setting.output(true));
        progress.begin("evaluate", 100000, "images");
        for (int i = 0; i < 1000; ++i) {
            setting.now = setting.now + 0.001;
            progress.advance(1);
        }
        CHECK(occurrences(setting.stream.str(), "\r") <= 11);
        CHECK(occurrences(setting.stream.str(), "\r") >= 9);
    }

    TEST_CASE("on a narrow terminal the line never wraps") {
        Setting setting;
        setting.columns = 30;
        Progress progress(setting.output(true));
        progress.begin("calibrate activations", 1000, "images");
        setting.now = 101.0;
        progress.advance(10);
        CHECK(adaq::report::width(visible(setting.stream.str())) <= 29);
    }

    TEST_CASE("a warning gets a line of its own above the bar") {
        Setting setting;
        Progress progress(setting.output(true));
        progress.begin("evaluate", 10, "images");
        progress.say("one image is corrupt\x1b[2J");
        const std::string text = setting.stream.str();
        CHECK(text.find("\r\x1b[Kone image is corrupt\\x1b[2J\n\r\x1b[Kevaluate ") != std::string::npos);
    }

    TEST_CASE("a phase of unknown length has neither bar nor end, and an unfinished one is closed by the next") {
        Setting setting;
        Progress progress(setting.output(false));
        progress.begin("search", 0, "ranges");
        progress.advance(3);
        setting.now = 101.5;
        progress.begin("load", 0, "files");
        CHECK(setting.stream.str() == "search\nsearch: 3 ranges in 1.50 s, 2.0 ranges/s\nload\n");
    }

    TEST_CASE("many threads may advance at once and every step counts") {
        Setting setting;
        Progress progress(setting.output(true));
        progress.begin("evaluate", 40000, "images");
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t)
            threads.emplace_back([&] {
                for (int i = 0; i < 10000; ++i) {
                    setting.now = setting.now + 0.0001;
                    progress.advance(1);
                }
            });
        for (std::thread& thread : threads) thread.join();
        progress.end();
        CHECK(visible(setting.stream.str()).rfind("evaluate: 40,000 images in ", 0) == 0);
    }
}
