// Every method on the bundled networks at the length at which its rounding has settled, through adaq-run as its users
// run it.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "support/programs.h"
#include "support/temporary_folder.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;
using nlohmann::json;

namespace {

/// Top-1 of the quantised network, first and last layer with 8 bits, in per cent of the 10,000 test images.
double top1_of(const std::string& options) {
    const TemporaryFolder folder;
    const std::string report = folder / "report.json";
    const auto run = run_program("adaq-run", "--head-stem-8bit --report " + report + " " + options, "2>&1");
    CAPTURE(run.output);
    REQUIRE(run.status == 0);
    return json::parse(text_of_file(report))["accuracy"]["quantised"]["top1"]["share"].get<double>() * 100.0;
}

}  // namespace

TEST_SUITE("slow: methods" * doctest::skip()) {
    TEST_CASE("learning wins back most of what two bits lose") {
        const double nearest = top1_of("--w2 --a4 --method nearest");
        CHECK(nearest < 82.0);
        for (const std::string method : {"adaround", "brecq", "qdrop", "pdquant", "best"}) {
            CAPTURE(method);
            CHECK(top1_of("--w2 --a4 --method " + method + " --iters 500") > 88.0);
        }
    }

    TEST_CASE("with four bits every family comes near its float network, which nearest rounding does not") {
        struct Bundled {
            std::string name;
            double nearest, learned;  // at most, at least
        };
        for (const Bundled& network : {Bundled{"mobilenet_v2", 86.0, 87.0}, Bundled{"regnet_x", 82.0, 89.0},
                                       Bundled{"resnext", 88.6, 89.0}, Bundled{"mnasnet", 79.0, 84.5}}) {
            INFO(network.name);
            const std::string data =
                " --calib /usr/share/datasets/fashion-mnist --val /usr/share/datasets/fashion-mnist";
            const std::string options =
                "--weights '" + source_folder() + "/weights/fashion-" + network.name + ".bin'" + data + " --w4 --a4 ";
            CHECK(top1_of(options + "--method nearest") < network.nearest);
            for (const std::string method : {"adaround", "brecq --iters-scale 300", "qdrop", "pdquant", "best"}) {
                CAPTURE(method);
                CHECK(top1_of(options + "--iters 300 --method " + method) > network.learned);
            }
        }
    }
}
