// A unit's record: its JSON reads back as it was, and what is no record is refused.
#include "report/record_json.h"
#include "engine/reconstruction/unit_trainer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include "engine/error.h"

using namespace adaq;

namespace {

UnitRecord awkward() {
    UnitRecord record;
    record.name = "layer1.0.conv1 \"<é>\"";
    record.phase = 2;
    record.iterations = 20000;
    record.seconds = 0.1 + 0.2;
    record.flops_per_iteration = (int64_t{1} << 53) + 1;  // no double has it
    record.curve = {{1, std::numeric_limits<double>::denorm_min(), 0.0, {1.0 / 3.0, 0.0}},
                    {20000, 1e300, static_cast<double>(0.1f), {std::nextafter(1.0, 0.0), 1.0}}};
    record.roundings = {{"layer1.0.conv1", 36864, 1.0 / 7.0, 2.0 / 7.0, {1e-9, 0.0}}};
    record.scales = {{"layer1.0", static_cast<double>(0.1f), static_cast<double>(0.12345679f)}};
    record.channels = {{"layer1.0.conv1", static_cast<double>(0.9f), 1.0 + 1e-15, 4.0 / 3.0}};
    return record;
}

std::string with(std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

}  // namespace

TEST_SUITE("unit record") {
    TEST_CASE("reads back as the same bits") {
        const UnitRecord record = awkward(), back = unit_record_from_json(to_json(record));
        CHECK(to_json(back) == to_json(record));
        CHECK(back.name == record.name);
        CHECK(back.phase == record.phase);
        CHECK(back.iterations == record.iterations);
        CHECK(back.seconds == record.seconds);
        CHECK(back.flops_per_iteration == record.flops_per_iteration);
        REQUIRE(back.curve.size() == 2);
        for (size_t i = 0; i < 2; ++i) {
            CHECK(back.curve[i].iteration == record.curve[i].iteration);
            CHECK(back.curve[i].reconstruction == record.curve[i].reconstruction);
            CHECK(back.curve[i].penalty == record.curve[i].penalty);
            CHECK(back.curve[i].unsettled.softness == record.curve[i].unsettled.softness);
            CHECK(back.curve[i].unsettled.share == record.curve[i].unsettled.share);
        }
        REQUIRE(back.roundings.size() == 1);
        CHECK(back.roundings[0].layer == "layer1.0.conv1");
        CHECK(back.roundings[0].weights == 36864);
        CHECK(back.roundings[0].up == 1.0 / 7.0);
        CHECK(back.roundings[0].down == 2.0 / 7.0);
        CHECK(back.roundings[0].flipped() == 1.0 / 7.0 + 2.0 / 7.0);
        CHECK(back.roundings[0].unsettled.softness == 1e-9);
        REQUIRE(back.scales.size() == 1);
        CHECK(back.scales[0].site == "layer1.0");
        CHECK(static_cast<float>(back.scales[0].initial) == 0.1f);
        CHECK(static_cast<float>(back.scales[0].learned) == 0.12345679f);
        REQUIRE(back.channels.size() == 1);
        CHECK(back.channels[0].layer == "layer1.0.conv1");
        CHECK(back.channels[0].lowest == static_cast<double>(0.9f));
        CHECK(back.channels[0].median == 1.0 + 1e-15);
        CHECK(back.channels[0].highest == 4.0 / 3.0);
    }

    TEST_CASE("text that is no record is refused") {
        const std::string good = to_json(awkward());
        for (const std::string& bad :
             {std::string(), std::string("[]"), std::string("null"), good.substr(0, good.size() / 2), good + "x",
              with(good, "\"name\"", "\"nome\""), with(good, "\"iterations\":20000", "\"iterations\":20000.5"),
              with(good, "\"iterations\":20000", "\"iterations\":\"20000\""), with(good, "[1,20000]", "[1]"),
              with(good, "[1,20000]", "[1,20000,3]"), with(good, "[1,20000]", "7"),
              with(good, "\"weights\":36864", "\"weights\":null"), with(good, "\"channels\"", "\"canals\"")}) {
            CAPTURE(bad);
            CHECK_THROWS_AS(unit_record_from_json(bad), DataError);
        }
        const std::string deep = "{\"x\":" + std::string(100000, '[') + std::string(100000, ']') + "," + good.substr(1);
        CHECK_THROWS_WITH_AS(unit_record_from_json(deep), "a unit's record: nests deeper than 64 levels", DataError);
    }

    TEST_CASE("a curve has some fifty to two hundred points, whatever the iterations") {
        for (int64_t iterations : {50, 99, 100, 200, 500, 2000, 20000, 20001, 39999, 80000, 1 << 24}) {
            CAPTURE(iterations);
            const int64_t points = (iterations + report_interval(iterations) - 1) / report_interval(iterations);
            CHECK(points >= 50);
            CHECK(points <= 200);
        }
        CHECK(report_interval(1) == 1);
        CHECK(report_interval(49) == 1);
        CHECK(report_interval(20000) == 200);
    }

    TEST_CASE("the rate counts every iteration's work over all the time taken, and is 0 where none was taken") {
        UnitRecord record;
        record.iterations = 500;
        record.flops_per_iteration = 4'000'000'000;
        CHECK(record.gflops_per_second() == 0.0);
        record.seconds = 20.0;
        CHECK(record.gflops_per_second() == doctest::Approx(100.0));
    }
}
