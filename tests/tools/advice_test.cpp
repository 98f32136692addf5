// What a run's report advises to try next: it follows from what was lost, and from what was tried already.
#include "tools/run/advice.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace adaq;

namespace {

constexpr int kClasses = 10;

/// Of a run whose quantised network gets so many images right, the float one 80 %.
std::vector<std::string> advice_for(const RunOptions& options, int64_t correct, int64_t images = 1000) {
    Report report;
    report.label = "W4A8";
    report.float_network.emplace();
    report.quantised_network.emplace();
    report.float_network->images = report.quantised_network->images = images;
    report.float_network->top1 = images * 4 / 5;
    report.quantised_network->top1 = correct;
    return advice(options, report, kClasses);
}

bool advises(const std::vector<std::string>& next, const std::string& option) {
    return std::any_of(next.begin(), next.end(),
                       [&](const std::string& line) { return line.find(option) != std::string::npos; });
}

RunOptions run_at(const std::string& method, int weight_bits, int activation_bits) {
    RunOptions options;
    options.quantise.method = method;
    options.quantise.weight_bits = weight_bits;
    options.quantise.activation_bits = activation_bits;
    options.quantise.scheme = "norm";
    return options;
}

}  // namespace

TEST_SUITE("advice") {
    TEST_CASE("what lost little may have fewer bits, down to two") {
        CHECK(advises(advice_for(run_at("nearest", 4, 8), 795), "--w3"));
        CHECK_FALSE(advises(advice_for(run_at("nearest", 4, 8), 795), "--method"));
        CHECK_FALSE(advises(advice_for(run_at("nearest", 2, 8), 795), "fewer bits"));
        CHECK(advises(advice_for(run_at("nearest", 4, 8), 805), "--w3"));  // more right than in float
    }

    TEST_CASE("nearest rounding that lost much is told to learn: by the method that so many bits need") {
        CHECK(advises(advice_for(run_at("nearest", 4, 8), 700), "--method adaround"));
        CHECK(advises(advice_for(run_at("nearest", 3, 8), 700), "--method best"));
        CHECK(advises(advice_for(run_at("nearest", 4, 4), 700), "--method best"));
        CHECK(advises(advice_for(run_at("nearest", 4, 8), 700), "--w5"));
    }

    TEST_CASE("what learned and lost much at few bits is told of best, best of nothing that it has") {
        for (const std::string method : {"adaround", "brecq", "qdrop", "pdquant"}) {
            CHECK(advises(advice_for(run_at(method, 2, 4), 700), "--method best"));
            CHECK_FALSE(advises(advice_for(run_at(method, 4, 8), 700), "--method"));
        }
        RunOptions best = run_at("best", 2, 2);
        best.quantise.scheme = "orgnorm";
        best.quantise.head_stem_8bit = true;
        const std::vector<std::string> next = advice_for(best, 500);
        for (const char* option : {"--method", "--scheme", "--head-stem-8bit"}) CHECK_FALSE(advises(next, option));
        CHECK(advises(next, "--w3"));
    }

    TEST_CASE("settings that cost accuracy are named where much was lost") {
        RunOptions options = run_at("best", 2, 2);
        CHECK(advises(advice_for(options, 500), "--scheme orgnorm"));
        CHECK(advises(advice_for(options, 500), "--head-stem-8bit"));
        options.quantise.granularity = "layer";
        CHECK(advises(advice_for(options, 500), "--granularity channel"));
        CHECK_FALSE(advises(advice_for(options, 795), "--granularity"));
    }

    TEST_CASE("few images do not tell what was lost, nor does a network that guesses") {
        const std::vector<std::string> few = advice_for(run_at("nearest", 4, 8), 20, 25);
        CHECK(advises(few, "25 images do not tell what was lost"));
        CHECK_FALSE(advises(few, "--w3"));
        Report guessing;
        guessing.float_network.emplace();
        guessing.float_network->images = 1000;
        guessing.float_network->top1 = 104;
        guessing.quantised_network = guessing.float_network;
        const std::vector<std::string> next = advice(run_at("nearest", 4, 8), guessing, kClasses);
        CHECK_FALSE(advises(next, "Little is lost"));
        CHECK(advises(next, "--save"));
    }

    TEST_CASE("nothing is advised where nothing was compared") {
        CHECK(advice(run_at("nearest", 4, 8), Report{}, kClasses).empty());
        RunOptions saved = run_at("nearest", 4, 8);
        saved.save = "q.bin";
        CHECK_FALSE(advises(advice_for(saved, 700), "--save"));
        CHECK(advises(advice_for(run_at("nearest", 4, 8), 700), "--save"));
    }
}
