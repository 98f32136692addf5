// adaq-bench as its users run it: what it measures adds up, and a wrong command line is told so.
#include <doctest/doctest.h>

#include "kernels/cpu/integer/level.h"
#include "support/programs.h"
#include "support/sanitizer.h"
#include "support/temporary_folder.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;
using nlohmann::json;

namespace {

int bench(const std::string& arguments) { return run_program("adaq-bench", arguments, ">/dev/null 2>&1").status; }

json results_of(const std::string& arguments) {
    const TemporaryFolder folder;
    const std::string path = folder / "bench.json";
    REQUIRE(bench(arguments + " --json " + path) == 0);
    return json::parse(text_of_file(path));
}

}  // namespace

TEST_SUITE("adaq-bench") {
    TEST_CASE("the measured peak is that of a processor made in this century") {
        const json peak = results_of("peak --threads 1");
        CHECK(peak["threads"] == 1);
        CHECK(peak["gflops"].get<double>() > 0.5);
        CHECK(peak["gflops"].get<double>() < 2000.0);
    }

    TEST_CASE("convolutions are counted, timed and set beside the peak") {
        const json results = results_of("convolutions --image 64 --batch 2 --layers layer1 --seconds 0.01");
        const json& rows = results["convolutions"];
        REQUIRE(rows.size() == 1);  // layer1's four convolutions are alike
        const json& row = rows[0];
        CHECK(row["layer"] == "layer1.0.conv1");
        CHECK(row["count"] == 4);
        CHECK(row["x"] == Shape{16, 16, 64});
        CHECK(row["w"] == Shape{64, 3, 3, 64});
        const double flops = 2.0 * 2 * (16 * 16 * 64) * (3 * 3 * 64);
        const double gflops = row["gflops"];
        CHECK(gflops == doctest::Approx(flops / row["seconds_best"].get<double>() / 1e9));
        CHECK(row["seconds_best"] <= row["seconds_median"]);
        const double share = row["share_of_peak"];
        CHECK(share == doctest::Approx(gflops / results["peak"]["gflops"].get<double>()));
        CHECK(share > 0.0);
        // Finds wrong units; a loaded machine may slow the peak's measurement for a moment, and AddressSanitizer slows
        // the peak's loop, but not oneDNN.
        if (!kAddressSanitizer) CHECK(share < 10.0);
    }

    TEST_CASE("every distinct convolution of ResNet18 has its row, and all twenty are counted") {
        const json results = results_of("convolutions --image 32 --batch 1 --seconds 0");
        int count = 0;
        for (const json& row : results["convolutions"]) count += row["count"].get<int>();
        CHECK(count == 20);
        CHECK(results["convolutions"].size() == 11);
    }

    TEST_CASE("convolutions of codes are timed forward, beside nothing") {
        const json results = results_of("convolutions --codes --image 32 --batch 1 --layers layer4 --seconds 0");
        REQUIRE(results["convolutions"].size() > 1);
        for (const json& row : results["convolutions"]) {
            CHECK(row["operands"] == "u8");
            CHECK(row["gflops"].get<double>() > 0.0);
            CHECK(row["share_of_peak"] == 0.0);
        }
        CHECK(results["mean_ratios"].empty());
        CHECK(bench("convolutions --codes --direction all --image 32 --batch 1") == 2);
    }

    TEST_CASE("convolutions are timed in three directions beside oneDNN alone") {
        const json results =
            results_of("convolutions --image 64 --batch 2 --layers layer1 --direction all --seconds 0.01");
        const json &rows = results["convolutions"], &means = results["mean_ratios"];
        REQUIRE(rows.size() == 3);
        REQUIRE(means.size() == 3);
        for (size_t i = 0; i < 3; ++i) {
            CHECK(rows[i]["direction"] == std::vector<std::string>{"forward", "data", "weights"}[i]);
            const double ratio = rows[i]["ratio"];
            CHECK(ratio ==
                  doctest::Approx(rows[i]["gflops"].get<double>() / rows[i]["yardstick_gflops"].get<double>()));
            CHECK(means[i]["ratio"] == doctest::Approx(ratio));  // of one layer
        }
        CHECK(bench("convolutions --direction sideways") == 2);
        CHECK(bench("convolutions --math fp16") == 2);
    }

    TEST_CASE("a quantised network is timed as applications run it: runs, memory, loading, each layer's share") {
        const std::string weights = " --weights '" + fixtures_folder() + "/onnx/deployed.bin'";
        const json results =
            results_of("network --integer --shares --image 24 --batch 1,3 --threads 1 --seconds 0.01" + weights);
        CHECK(results["seconds_to_load"] > 0.0);
        const json& rows = results["sessions"];
        REQUIRE(rows.size() == 2);
        for (size_t i = 0; i < 2; ++i) {
            const json& row = rows[i];
            const double median = row["seconds_median"];
            CHECK(row["batch"] == 1 + 2 * i);
            CHECK(row["image"] == Shape{24, 24});
            CHECK(row["seconds_best"] <= median);
            CHECK(row["seconds_99"] >= median);
            CHECK(row["images_per_second"] == doctest::Approx(row["batch"].get<double>() / median));
            CHECK(row["bytes_weights"] > 0);
            double shares = 0.0;
            for (const json& layer : row["layers"]) shares += layer["share"].get<double>();
            CHECK(shares == doctest::Approx(1.0));
        }
        CHECK(rows[1]["bytes_maps"] > rows[0]["bytes_maps"]);
        CHECK(bench("network --shares") == 2);
        CHECK(bench("network --integer --float-only") == 2);
        CHECK(bench("network --integer --image 24,32" + weights) == 2);
        CHECK(bench("network --integer --weights '" + fixtures_folder() + "/networks/basic.bin'") == 2);
        CHECK(bench("network --integer --weights nowhere.bin") == 1);
    }

    TEST_CASE("integer convolutions are counted and timed, of codes and of floats, at any level that runs here") {
        for (const char* arguments : {"", " --level baseline", " --sums in-order", " --sums exact --threads 2"}) {
            const json results =
                results_of("integer --image 32 --batch 2 --layers layer4 --seconds 0" + std::string(arguments));
            CAPTURE(arguments);
            int count = 0;
            double seconds = 0.0;
            for (const json& row : results["convolutions"]) {
                count += row["count"].get<int>();
                seconds += row["count"].get<int>() * row["seconds_best"].get<double>();
                CHECK(row["gmacs"] > 0.0);
            }
            CHECK(count == 5);
            CHECK(results["networks"][0]["seconds_an_image"] == doctest::Approx(seconds / 2));
        }
        CHECK(bench("integer --level sse9") == 2);
    }

    TEST_CASE("ONEDNN_MAX_CPU_ISA holds the integer kernels to what it names") {
        const std::string arguments = "integer --image 32 --batch 1 --layers layer4.0.downsample --seconds 0";
        const auto first_word = [&](const std::string& before) {
            const Outcome outcome = run_program("adaq-bench", arguments, "2>&1", before);
            REQUIRE(outcome.status == 0);
            return outcome.output.substr(0, outcome.output.find(", "));
        };
        CHECK(first_word("ONEDNN_MAX_CPU_ISA=SSE41 ") == "baseline");
        const std::string held = first_word("ONEDNN_MAX_CPU_ISA=AVX2 ");
        CHECK((held == "AVX2" || held == "baseline"));  // by the processor
        CHECK(first_word("") == cpu::integer::instructions(cpu::integer::best_level()).name);
    }

    TEST_CASE("each row goes into a file of its own line as soon as it is measured") {
        const TemporaryFolder folder;
        const std::string rows = folder / "rows.jsonl";
        const json convolutions =
            results_of("convolutions --image 64 --batch 2 --layers layer1 --direction all --seconds 0 --rows " + rows);
        const json operations =
            results_of("operations --image 64 --batch 2 --operation 'kl' --seconds 0 --rows " + rows);
        std::istringstream lines(text_of_file(rows));
        std::vector<json> found;
        for (std::string line; std::getline(lines, line);) found.push_back(json::parse(line));
        REQUIRE(found.size() == 4);
        for (size_t i = 0; i < 3; ++i) CHECK(found[i] == convolutions["convolutions"][i]);
        CHECK(found[3] == operations["operations"][0]);
        CHECK(found[0]["operands"] == "fp32");
        CHECK(bench("convolutions --image 64 --batch 2 --layers layer1 --seconds 0 --rows " + (folder / "no/rows")) ==
              1);
    }

    TEST_CASE("a network is timed in float and at W4A8, image by image") {
        const std::string weights = weight_fixture("basic.pth");
        const json rows =
            results_of("network --weights " + weights + " --image 32,40 --batch 3,1 --seconds 0")["networks"];
        REQUIRE(rows.size() == 4);
        for (size_t i = 0; i < 4; ++i) {
            CHECK(rows[i]["network"] == (i % 2 ? "W4A8" : "float"));
            CHECK(rows[i]["image"] == (i < 2 ? 32 : 40));
            const double batch = i < 2 ? 3 : 1;
            CHECK(rows[i]["images_per_second_best"].get<double>() ==
                  doctest::Approx(batch / rows[i]["seconds_best"].get<double>()));
        }
        CHECK(results_of("network --weights " + weights + " --image 32 --batch 1 --seconds 0 --float-only")["networks"]
                  .size() == 1);
    }

    TEST_CASE("a wrong command line is status 2, a bad file status 1") {
        CHECK(bench("") == 2);
        CHECK(bench("convolutions --layers layer9") == 2);
        CHECK(bench("convolutions --batch 0") == 2);
        CHECK(bench("network --image 32 --batch 1,2") == 2);
        CHECK(bench("network --weights /nonexistent.pth") == 1);
        CHECK(bench("images /nonexistent") == 1);
    }
}
