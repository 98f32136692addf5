// Every method on the bundled model at the length at which its rounding has settled, through adaq-run as its users run
// it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "support/programs.h"
#include "support/temporary_folder.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;
using nlohmann::json;

namespace {

/// Top-1 of the network with weights of 2 bits and activations of 4, in per cent of the 10,000 test images.
double top1_of(const std::string& options) {
    const TemporaryFolder folder;
    const std::string report = folder / "report.json";
    const auto run = run_program("adaq-run", "--w2 --a4 --head-stem-8bit --report " + report + " " + options, "2>&1");
    CAPTURE(run.output);
    REQUIRE(run.status == 0);
    return json::parse(text_of_file(report))["accuracy"]["quantised"]["top1"]["share"].get<double>() * 100.0;
}

}  // namespace

TEST_SUITE("slow: methods" * doctest::skip()) {
    TEST_CASE("learning wins back most of what two bits lose") {
        const double nearest = top1_of("--method nearest");
        CHECK(nearest < 82.0);
        for (const std::string method : {"adaround", "brecq", "qdrop", "pdquant", "best"}) {
            CAPTURE(method);
            CHECK(top1_of("--method " + method + " --iters 500") > 88.0);
        }
    }
}
