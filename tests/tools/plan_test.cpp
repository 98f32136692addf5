// --dry-run: it says what the run itself would then do, and does nothing.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>

#include "support/adaq_run.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::string line_with(const std::string& text, const std::string& start) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.rfind(start, 0) == 0) return line;
    return "";
}

std::vector<std::string> words(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> list;
    for (std::string word; stream >> word;) list.push_back(word);
    return list;
}

/// Bytes of "memory     0.27 MB at most ...".
double planned_bytes(const std::string& plan) {
    const std::vector<std::string> memory = words(line_with(plan, "memory"));
    REQUIRE(memory.size() > 3);
    REQUIRE(memory[2] == "MB");
    return std::stod(memory[1]) * 1e6;
}

}  // namespace

TEST_SUITE("dry run") {
    TEST_CASE("the plan lists every layer with shapes, bits and time, and writes nothing") {
        const Data data;
        const TemporaryFolder out;
        const Outcome plan =
            run(quoted_weights() + data.both() + "--w3 --a5 --head-stem-8bit --method adaround --iters 1000 " +
                    "--minibatch 4 --dry-run --save " + (out / "q.bin") + " --report " + (out / "r.html") +
                    " --state " + (out / "state"),
                "2>/dev/null");
        INFO(plan.output);
        REQUIRE(plan.status == 0);
        CHECK(out.count() == 0);
        // 4 images, and 2 products of 2 * 20 * 20 * 6 * (3 * 7 * 7) flops each.
        const std::vector<std::string> stem = words(line_with(plan.output, "conv1 "));
        REQUIRE(stem.size() > 8);
        CHECK(std::vector(stem.begin(), stem.begin() + 7) ==
              std::vector<std::string>{"conv1", "40x40x3", "20x20x6", "882", "8", "8", "0.00564"});
        CHECK(std::stod(stem[7]) > 0.0);
        CHECK(words(line_with(plan.output, "layer1.0.conv1 "))[4] == "3");
        CHECK(words(line_with(plan.output, "fc "))[4] == "8");
        CHECK(line_with(plan.output, "13 units") != "");
        CHECK(line_with(plan.output, "images") == "images     16 for calibration, 24 for validation; 40x40 pixels");
        CHECK(line_with(plan.output, "time       about ").find("learning") != std::string::npos);
        CHECK(line_with(plan.output, "writes") == "writes     " + (out / "q.bin") + ", " + (out / "r.html"));
    }

    TEST_CASE("the bounds of 8-bit weights are told of networks that have some") {
        const Data data;
        const auto made = [&](const std::string& options) {
            const Outcome plan = run(quoted_weights() + data.both() + options + " --a8 --dry-run", "2>/dev/null");
            REQUIRE(plan.status == 0);
            return plan.output;
        };
        const std::string bounds = ", made for onnxruntime, 8-bit weights between -127 and 127";
        for (const std::string with : {"--w8", "--w4 --head-stem-8bit", "--w4 --bits layer1.0.conv1=8"})
            CHECK(made(with + " --deploy ort").find(bounds) != std::string::npos);
        const std::string without = made("--w4 --bits layer1.0.conv1=6 --deploy ort");
        CHECK(without.find(", made for onnxruntime") != std::string::npos);
        CHECK(without.find("-127") == std::string::npos);
    }

    TEST_CASE("the planned memory is what the run needs: less is spilled, more is not") {
        const Data data;
        const TemporaryFolder out;
        for (const std::string method : {"adaround", "adaround --input-bits 8", "brecq --iters-scale 1",
                                         "brecq --iters-scale 1 --loss fisher-diag --input-bits 8", "qdrop",
                                         "qdrop --calib-views 3 --input-bits 8", "pdquant",
                                         "pdquant --distribution-correction --correction-steps 1", "best"}) {
            const std::string command = quoted_weights() + data.both() + "--w3 --a4 --scheme minmax --iters 1 " +
                                        "--minibatch 4 --save " + (out / "q.bin") + " --method " + method;
            const Outcome plan = run(command + " --dry-run", "2>/dev/null");
            REQUIRE(plan.status == 0);
            const double bytes = planned_bytes(plan.output);
            const auto spills = [&](double memory) {
                const Outcome outcome = run(command + " --memory " + std::to_string(static_cast<int64_t>(memory)));
                REQUIRE(outcome.status == 0);
                return outcome.output.find("is spilled") != std::string::npos;
            };
            INFO(plan.output);
            CHECK_FALSE(spills(1.05 * bytes));
            CHECK(spills(0.9 * bytes));
            CHECK(run(command + " --dry-run --memory 1K").output.find("what is over is spilled") != std::string::npos);
        }
    }

    TEST_CASE("rounding to nearest and evaluation alone have a plan too, with or without images") {
        const Data data;
        const TemporaryFolder out;
        const Outcome nearest = run(quoted_weights() + data.both() + "--dry-run");
        CHECK(nearest.status == 0);
        CHECK(line_with(nearest.output, "time").find("ranges") != std::string::npos);
        CHECK(nearest.output.find("memory") == std::string::npos);
        const Outcome weights = run(quoted_weights() + "--a32 --dry-run");
        CHECK(weights.status == 0);
        CHECK(line_with(weights.output, "images") == "images     none; shapes are those of 224x224 pixels");
        CHECK(line_with(weights.output, "writes") == "writes     nothing");
        const Outcome evaluation =
            run(quoted_weights() + "--float --val " + data.folder.path().string() + " --dry-run");
        CHECK(evaluation.status == 0);
        CHECK(words(line_with(evaluation.output, "conv1 "))[4] == "float");
        CHECK(line_with(evaluation.output, "time").find("ranges") == std::string::npos);
    }

    TEST_CASE("with --resume, units that are finished take no more time") {
        const Data data;
        for (const std::string method : {"adaround", "brecq --iters-scale 5"}) {
            CAPTURE(method);
            const TemporaryFolder out;
            const std::string how = quoted_weights() + data.both() +
                                    "--w3 --a4 --scheme minmax --iters 6 --minibatch 4 " + "--state " +
                                    (out / "state") + " --method " + method;
            REQUIRE(run(how).status == 0);
            const auto plan = [&](const std::string& more) { return run(how + " --dry-run " + more, "2>&1"); };
            const bool twice = method != "adaround";
            const std::string where = " are finished in " + (out / "state");
            CHECK(line_with(plan("--resume").output, "state") ==
                  (twice ? "state      11 of 11 units, counted in each pass," : "state      13 of 13 units") + where);
            REQUIRE(
                std::filesystem::remove(out / (twice ? "state/001-layer1.0-1.unit" : "state/001-layer1.0.conv1.unit")));
            const std::string text = plan("--resume").output;
            CHECK(line_with(text, "state") ==
                  (twice ? "state      10 of 11 units, counted in each pass," : "state      12 of 13 units") + where);
            CHECK(words(line_with(text, twice ? "stem" : "conv1 ")).back() == "done");
            CHECK(words(line_with(text, twice ? "layer1.0 " : "layer1.0.conv1 ")).back() != "done");
            const Outcome refused = plan("");
            CHECK(refused.status == 2);
            CHECK(refused.output.find("holds the state of an earlier run") != std::string::npos);
        }
    }

    TEST_CASE("what the run would refuse, its plan refuses") {
        const Data data;
        const Outcome batch =
            run(quoted_weights() + data.both() + "--method adaround --minibatch 17 --dry-run", "2>&1 >/dev/null");
        CHECK(batch.status == 1);
        CHECK(batch.output.find("16 calibration images are fewer than a batch of 17") != std::string::npos);
        // Each view is an image of its own.
        for (const auto& [views, status] : {std::pair{"1", 1}, std::pair{"2", 0}})
            for (const std::string more : {" --dry-run", " --iters 1"})
                CHECK(
                    run(quoted_weights() + data.both() + "--method qdrop --minibatch 17 --calib-views " + views + more)
                        .status == status);
        const Outcome images = run(quoted_weights() + data.both() + "--images 25 --dry-run", "2>&1 >/dev/null");
        CHECK(images.status == 2);
        CHECK(run(quoted_weights() + "--a4 --dry-run", "2>&1 >/dev/null").status == 2);
    }
}
