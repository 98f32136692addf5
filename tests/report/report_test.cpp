// The report's three renderings of one made-up run: the numbers that they show, and what they do with missing parts and
// hostile names.
#include "adaq/report.h"
#include "report/record_json.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "engine/statistics.h"
#include "engine/tensor.h"
#include "report/format.h"
#include "report/summary.h"
#include "report/svg.h"
#include "tests/report/sample_report.h"
#include "tests/support/markup_check.h"

using namespace adaq;
using test::markup_problem;
using test::occurrences;

namespace {

Report weights_only() {
    Report r = sample::report();
    r.validation.reset();
    r.float_network.reset();
    r.quantised_network.reset();
    r.agreement.reset();
    r.activations.clear();
    r.label = "W4";
    for (WeightReport& layer : r.weights) {
        layer.output_sqnr_db.reset();
        layer.exact_sums.reset();
        layer.per_channel = false;
    }
    return r;
}

Report float_only() {
    Report r;
    r.model_file = "float.pth";
    r.float_network = Evaluation{100, true, 50, 80, 1.0};
    r.validation = DataSet{"val", 100, "as they are"};
    r.sizes = {4000, 0, 0, 4000};
    return r;
}

Report quantised_only() {
    Report r = sample::report();
    r.float_network.reset();
    r.agreement.reset();
    return r;
}

Report without_labels() {
    Report r = sample::report();
    r.float_network->labelled = false;
    r.quantised_network->labelled = false;
    return r;
}

Report with_extremes() {
    Report r = sample::report();
    r.weights[0].weight_sqnr_db = std::numeric_limits<double>::infinity();
    r.weights[1].weight_sqnr_db = -3.5;
    r.weights[2].output_sqnr_db = -std::numeric_limits<double>::infinity();
    r.weights[3].histogram = {0.0, 0.0, std::vector<int64_t>(96)};  // a layer of zeros
    r.weights[3].typical = {1.0f, 0.0f};
    r.weights[4].histogram = {};
    r.activations[0].observed_max = 1e6f;
    r.activations[1].quantiser.scale = 0.0f;
    r.activations[2].grid.one_sided = false;
    r.activations[2].observed_min = -1e6f;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    r.learning[0].curve = {};
    r.learning[1].curve = {{1, 0.0, 0.0, {}}, {2, 0.0, 0.0, {}}};
    r.learning[2].curve = {{1, 1e-320, 0.0, {}}, {2, 1e300, 1e300, {}}};
    r.learning[3].curve = {{1, kInfinity, kInfinity, {}}, {2, std::nan(""), std::nan(""), {}}};
    r.learning[4].curve = {{1, 0.5, 1.0, {1.0, 1.0}}};
    r.learning[5].roundings = {};
    r.learning[6].roundings[0].up = r.learning[6].roundings[0].down = 0.5;
    r.learning[7] = UnitRecord{};
    r.learning[8].seconds = 0.0;
    r.learning[0].scales[0] = {"conv1", 1.0, 1e6};
    r.learning[1].scales[0] = {"zero", 0.0, 0.1};
    r.learning[3].scales = {{"infinite", 1.0, kInfinity}, {"lost", 1.0, 1e-8}};
    r.learning[3].channels = {
        {"wild", -1.0, 0.0, 1e6}, {"infinite", 1.0, 1.0, kInfinity}, {"lost", 0.0, std::nan(""), 1.0}};
    r.float_network->images = 0;
    r.float_network->top1 = r.float_network->top5 = 0;
    return r;
}

std::vector<Report> every_kind() {
    return {sample::report(), weights_only(),  float_only(), quantised_only(),
            without_labels(), with_extremes(), Report{},     sample::report({3, 4, 6, 3}, true)};
}

std::string line_with(const std::string& text, std::string_view start) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        if (line.rfind(start, 0) == 0) return line;
    return "";
}

}  // namespace

TEST_SUITE("report") {
    TEST_CASE("the table shows both accuracies with their intervals, the drop, bits, sizes and time") {
        Report r = sample::report();
        r.sizes = {44'000'000, 5'000'000, 300'000, 200'000};
        const std::string table = render_table(r);
        // 2861 and 2739 of 5050, and their Wilson intervals worked out by hand.
        CHECK(line_with(table, "top-1") ==
              "top-1             56.65 %  [55.28, 58.01]   54.24 %  [52.86, 55.61]   2.42 points");
        CHECK(line_with(table, "weight bits") == "weight bits       32                        4 (2 of 21: 8)");
        CHECK(line_with(table, "activation bits") == "activation bits   32                        8");
        CHECK(line_with(table, "size") ==
              "size              44.00 MB                  5.50 MB                   8.0× smaller");
        CHECK(line_with(table, "time").find("5 min 09 s: load 0.31 s") != std::string::npos);
        CHECK(line_with(table, "next").find("--w3") != std::string::npos);
    }

    TEST_CASE("a gain shows as a negative drop") {
        Report r = sample::report();
        r.quantised_network->top1 = 2911;  // 50 more than in float32
        CHECK(line_with(render_table(r), "top-1").find("−0.99 points") != std::string::npos);
        CHECK(verdict(r).find("0.99 points above") != std::string::npos);
    }

    TEST_CASE("without validation images the table says so and shows sizes and SQNR") {
        const std::string table = render_table(weights_only());
        CHECK(table.find("not measured: no validation images") != std::string::npos);
        CHECK(table.find("top-1") == std::string::npos);
        CHECK(line_with(table, "SQNR").find("lowest of weights") != std::string::npos);
        CHECK_FALSE(line_with(table, "size").empty());
    }

    TEST_CASE("without labels the table shows how often both networks agree") {
        const std::string table = render_table(without_labels());
        CHECK(table.find("top-1") == std::string::npos);
        CHECK(line_with(table, "same class").find("85.17 %") != std::string::npos);
        CHECK(table.find("without labels") != std::string::npos);
    }

    TEST_CASE("control characters in names do not reach the terminal") {
        Report r = sample::report();
        r.model_file = "evil\x1b[2J\n.bin";
        const std::string table = render_table(r);
        CHECK(table.find('\x1b') == std::string::npos);
        CHECK(table.find("evil\\x1b[2J\\n.bin") != std::string::npos);
    }

    TEST_CASE("the verdict says in words what was kept, what was saved and how sure that is") {
        CHECK(
            verdict(sample::report()) ==
            "With 4-bit weights (2 of 21 layers: 8-bit) and 8-bit activations, top-1 accuracy is 54.24 %, 2.42 points "
            "below the float32 network’s 56.65 %. The model takes 5.80 MB instead of 45.16 MB, 7.8 times smaller. "
            "Nearest rounding of the same bits reaches 46.32 %: learning wins back 7.92 of the 10.34 points that it "
            "loses. "
            "Measured on 5,050 images, an accuracy is known to about ±1.4 points (95 % interval).");
        Report worse = sample::report();
        worse.nearest_network->top1 = worse.quantised_network->top1 + 101;
        CHECK(verdict(worse).find("Nearest rounding of the same bits reaches 56.24 %, 2.00 points more.") !=
              std::string::npos);
        CHECK(verdict(weights_only()).find("float32 activations, accuracy was not measured") != std::string::npos);
        CHECK(verdict(float_only()).find("reaches 50.00 % top-1") != std::string::npos);
        CHECK(verdict(quantised_only()).find("float32 network was not evaluated") != std::string::npos);
    }

    TEST_CASE("the JSON holds every number, bit for bit") {
        const Report r = sample::report();
        const auto json = nlohmann::json::parse(render_json(r));
        CHECK(json["accuracy"]["float32"]["top1"]["correct"] == 2861);
        CHECK(json["accuracy"]["quantised"]["top5"]["correct"] == 4012);
        CHECK(json["accuracy"]["nearest"]["top1"]["correct"] == 2339);
        CHECK(json["accuracy"]["quantised"]["top1"]["interval_95"][0].get<double>() == wilson_interval(2739, 5050).lo);
        CHECK(json["settings"]["p"] == 2.4);
        CHECK(json["bytes"]["quantised"] == r.sizes.codes + r.sizes.scales + r.sizes.rest);
        CHECK(json["seconds"]["evaluate"] == 13.1);
        CHECK(json["environment"]["libraries"]["oneDNN"] == "2.6.3");
        REQUIRE(json["weights"].size() == r.weights.size());
        for (size_t i = 0; i < r.weights.size(); ++i) {
            const auto& layer = json["weights"][i];
            CHECK(layer["name"] == r.weights[i].name);
            CHECK(layer["shape"].get<Shape>() == r.weights[i].shape);
            CHECK(layer["weight_sqnr_db"].get<double>() == r.weights[i].weight_sqnr_db);
            CHECK(layer["output_sqnr_db"].get<double>() == *r.weights[i].output_sqnr_db);
            CHECK(layer["scale"]["median"].get<double>() == r.weights[i].scale.median);
            CHECK(layer["clipped_share"].get<double>() == r.weights[i].clipped_share);
            CHECK(layer["histogram"]["counts"].get<std::vector<int64_t>>() == r.weights[i].histogram.counts);
            CHECK(layer["exact_sums"].get<bool>() == *r.weights[i].exact_sums);
        }
        REQUIRE(json["activations"].size() == r.activations.size());
        for (size_t i = 0; i < r.activations.size(); ++i) {
            CHECK(json["activations"][i]["scale"].get<float>() == r.activations[i].quantiser.scale);
            CHECK(json["activations"][i]["observed"]["max"].get<float>() == r.activations[i].observed_max);
            CHECK(json["activations"][i]["range"]["max"].get<double>() ==
                  255.0 * static_cast<double>(r.activations[i].quantiser.scale));
        }
    }

    TEST_CASE("the JSON keeps the order of its keys and of the settings") {
        const auto json = nlohmann::ordered_json::parse(render_json(sample::report()));
        CHECK(json.begin().key() == "format");
        std::string names;
        for (const auto& [name, value] : json["settings"].items()) names += name + " ";
        CHECK(names == "method w_bits a_bits scheme p fold images ");
    }

    TEST_CASE("what was not measured is null in the JSON, what has no error is \"infinity\"") {
        const auto bare = nlohmann::json::parse(render_json(weights_only()));
        CHECK(bare["accuracy"]["float32"].is_null());
        CHECK(bare["validation"].is_null());
        CHECK(bare["weights"][0]["output_sqnr_db"].is_null());
        CHECK(bare["weights"][0]["exact_sums"].is_null());
        CHECK(bare["weights"][0]["granularity"] == "layer");
        const auto extremes = nlohmann::json::parse(render_json(with_extremes()));
        CHECK(extremes["weights"][0]["weight_sqnr_db"] == "infinity");
        CHECK(extremes["weights"][4]["histogram"].is_null());
        const auto unlabelled = nlohmann::json::parse(render_json(without_labels()));
        CHECK(unlabelled["accuracy"]["quantised"]["top1"].is_null());
        CHECK(unlabelled["accuracy"]["same_class"] == 4301);
    }

    TEST_CASE("a name that is not UTF-8 still gives valid JSON") {
        Report r = sample::report();
        r.model_file = "caf\xe9.bin";
        CHECK(nlohmann::json::parse(render_json(r))["model"]["file"] == "caf\uFFFD.bin");
    }

    TEST_CASE("settings that are no JSON object are our own mistake") {
        Report r = sample::report();
        r.settings = "[1, 2]";
        CHECK_THROWS_AS(render_json(r), std::logic_error);
        r.settings = "{";
        CHECK_THROWS_AS(render_html(r), std::logic_error);
    }

    TEST_CASE("the page is well-formed for every kind of run") {
        for (const Report& r : every_kind()) CHECK(markup_problem(render_html(r)) == "");
    }

    TEST_CASE("the judge of well-formedness fails what is not") {
        CHECK(markup_problem("<p>a<b>c</p></b>") != "");
        CHECK(markup_problem("<p>a") != "");
        CHECK(markup_problem("<p>a & b</p>") != "");
        CHECK(markup_problem("<p title=\"a<b\">c</p>") != "");
        CHECK(markup_problem("<p title=\"a&lt;b\">c<br></p>") == "");
    }

    TEST_CASE("no coordinate of a plot is NaN or infinite, whatever the numbers") {
        for (const Report& r : every_kind()) {
            const std::string page = render_html(r);
            CHECK(page.find("\"nan") == std::string::npos);
            CHECK(page.find("\"inf") == std::string::npos);
            CHECK(page.find("nan ") == std::string::npos);
            CHECK(page.find("-nan") == std::string::npos);
            CHECK(page.find("inf\"") == std::string::npos);
        }
    }

    TEST_CASE("the page needs nothing beside itself") {
        const std::string page = render_html(sample::report());
        for (std::string_view outside : {"http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link"})
            CHECK(page.find(outside) == std::string::npos);
    }

    TEST_CASE("the page has a row for every layer and every site, and a histogram for each") {
        for (const Report& r : {sample::report(), sample::report({3, 4, 6, 3}, true)}) {
            const std::string page = render_html(r);
            CHECK(occurrences(page, "<g class=\"layer\">") == static_cast<int>(r.weights.size()));
            CHECK(occurrences(page, "<g class=\"site\">") == static_cast<int>(r.activations.size()));
            CHECK(occurrences(page, "<svg class=\"histogram\"") ==
                  static_cast<int>(r.weights.size() + r.activations.size()));
        }
        CHECK(sample::report({3, 4, 6, 3}, true).weights.size() == 54);
    }

    TEST_CASE("the JSON has every unit's record as its own JSON has it, and none where nothing was learned") {
        const Report r = sample::report();
        const auto json = nlohmann::json::parse(render_json(r));
        REQUIRE(json["learning"].size() == r.learning.size());
        for (size_t i = 0; i < r.learning.size(); ++i)
            CHECK(to_json(unit_record_from_json(json["learning"][i].dump())) == to_json(r.learning[i]));
        CHECK(nlohmann::json::parse(render_json(float_only()))["learning"].empty());
    }

    TEST_CASE("the page shows each unit's curves, each layer's roundings and each scale that was learned") {
        for (const Report& r : {sample::report(), sample::report({3, 4, 6, 3}, true)}) {
            const std::string page = render_html(r);
            size_t roundings = 0, scales = 0;
            for (const UnitRecord& unit : r.learning) {
                roundings += unit.roundings.size();
                scales += unit.scales.size();
            }
            CHECK(roundings == r.weights.size());
            CHECK(occurrences(page, "<svg class=\"curves\"") == static_cast<int>(r.learning.size()));
            CHECK(occurrences(page, "class=\"curve reconstruction\"") == static_cast<int>(r.learning.size()));
            CHECK(occurrences(page, "<g class=\"rounding\">") == static_cast<int>(roundings));
            CHECK(occurrences(page, "<g class=\"scale\">") == static_cast<int>(scales));
            CHECK(occurrences(page, "<h2>Learning</h2>") == 1);
        }
        CHECK(render_html(float_only()).find("Learning") == std::string::npos);
    }

    TEST_CASE("the page says in figures what a unit learned") {
        Report r = sample::report();
        UnitRecord unit;
        unit.name = "layer1.0";
        unit.phase = 1;
        unit.iterations = 1234;
        unit.seconds = 61.7;
        unit.flops_per_iteration = 2'000'000'000;
        unit.curve = {{1, 0.0125, 0.0, {}}, {1234, 0.00375, 7.0, {0.1, 0.2}}};
        unit.roundings = {{"layer1.0.conv1", 300, 0.04, 0.0, {0.0, 0.02}}, {"layer1.0.conv2", 100, 0.0, 0.08, {}}};
        unit.scales = {{"layer1.0.conv1", 0.25, 0.5}, {"layer1.0", 0.125, 0.0625}};
        unit.channels = {{"layer1.0.conv1", 0.75, 0.98, 1.5}};
        r.learning = {unit};
        const std::string page = render_html(r);
        CHECK(page.find("<tr><td>layer1.0, phase 2</td><td>1,234</td><td>1 min 02 s</td><td>40.0</td><td>0.0125</td>"
                        "<td>0.00375</td><td>400</td><td>3.00 %</td><td>2.00 %</td><td>1.50 %</td>"
                        "<td>layer1.0.conv1 0.2500 → 0.5000; layer1.0 0.1250 → 0.06250</td></tr>") !=
              std::string::npos);
        CHECK(page.find("layer1.0.conv2, phase 2: of 100 weights 0.00 % went up, 8.00 % down") != std::string::npos);
        CHECK(page.find("5.0 % flipped, 1.5 % unsettled") != std::string::npos);
        CHECK(occurrences(page, "<h3>Weight scales</h3>") == 1);
        CHECK(page.find("layer1.0.conv1, phase 2: times 0.7500 to 1.500, half of them below 0.9800") !=
              std::string::npos);
        r.learning[0].channels.clear();
        CHECK(occurrences(render_html(r), "<h3>Weight scales</h3>") == 0);
    }

    TEST_CASE("a reconstruction curve is logarithmic: equal factors are equal heights") {
        UnitRecord unit;
        unit.curve = {{0, 1e-2, 0.0, {}}, {10, 1e-3, 0.0, {}}, {20, 1e-4, 0.0, {}}};
        Report r = sample::report();
        r.learning = {unit};
        const std::string page = render_html(r);
        const std::string start = "class=\"curve reconstruction\" d=\"";
        const size_t at = page.find(start);
        REQUIRE(at != std::string::npos);
        std::istringstream path(page.substr(at + start.size()));
        double y[3];
        for (double& height : y) {
            char command;
            double x;
            path >> command >> x >> height;
        }
        CHECK(y[1] - y[0] == doctest::Approx(y[2] - y[1]));
        CHECK(y[1] > y[0] + 1.0);
    }

    TEST_CASE("a 4-bit histogram shows the sixteen values of its grid, an 8-bit one its two ends") {
        Report r = sample::report();
        r.activations.clear();
        r.weights = {r.weights[1]};
        CHECK(occurrences(render_html(r), "class=\"level\"") == 16);
        r.weights[0].grid.bits = 8;
        CHECK(occurrences(render_html(r), "class=\"edge\"") == 2);
    }

    TEST_CASE("hostile names are shown, not run") {
        Report r = sample::report();
        const std::string hostile = "<script>alert(\"1\")</script>&'\x01";
        r.model_file = r.architecture = r.label = r.method = r.processor = r.device = r.command = hostile;
        r.settings = R"({"<b>key": "<i>value", "list": ["<u>"]})";
        r.notes = r.next = {hostile};
        r.calibration->description = hostile;
        r.libraries = {{hostile, hostile}};
        r.seconds = {{hostile, 1.0}};
        r.weights[0].name = r.weights[0].scheme = r.activations[0].name = r.activations[0].scheme = hostile;
        r.learning[0].name = r.learning[0].roundings[0].layer = r.learning[0].scales[0].site = hostile;
        r.learning[0].channels = {{hostile}};
        const std::string page = render_html(r);
        CHECK(markup_problem(page) == "");
        for (std::string_view raw : {"<script", "<b>", "<i>", "<u>", "\x01"})
            CHECK(page.find(raw) == std::string::npos);
        CHECK(page.find("&lt;script&gt;alert(&quot;1&quot;)") != std::string::npos);
    }

    TEST_CASE("equal reports give equal bytes") {
        const Report a = sample::report(), b = sample::report();
        CHECK(render_html(a) == render_html(b));
        CHECK(render_json(a) == render_json(b));
        CHECK(render_table(a) == render_table(b));
    }
}

TEST_SUITE("report text") {
    TEST_CASE("numbers are written for people") {
        CHECK(report::count(11271306) == "11,271,306");
        CHECK(report::count(-1000) == "−1,000");
        CHECK(report::count(999) == "999");
        CHECK(report::fixed(-0.001, 2) == "0.00");
        CHECK(report::fixed(-2.456, 2) == "−2.46");
        CHECK(report::significant(0.012345) == "0.0123");
        CHECK(report::significant(6.0) == "6.00");
        CHECK(report::significant(12345.6) == "12346");
        CHECK(report::percent(0.00001) == "< 0.01 %");
        CHECK(report::percent(0.0) == "0.00 %");
        CHECK(report::megabytes(45'161'376) == "45.16 MB");
        CHECK(report::megabytes(1'500) == "1.5 kB");
        CHECK(report::duration(0.8449) == "0.84 s");
        CHECK(report::duration(59.97) == "1 min 00 s");
        CHECK(report::duration(3725) == "1 h 02 min");
    }

    TEST_CASE("text is measured and cut in characters, not in bytes") {
        CHECK(report::width("7.8×") == 4);
        CHECK(report::shortened("äöüß", 4) == "äöüß");
        CHECK(report::shortened("äöüßx", 4) == "äöü…");
    }

    TEST_CASE("axis ticks are round and inside the axis") {
        CHECK(report::round_ticks(0, 45, 5) == std::vector<double>{0, 10, 20, 30, 40});
        CHECK(report::round_ticks(-1, 1, 4) == std::vector<double>{-1, -0.5, 0, 0.5, 1});
        CHECK(report::round_ticks(3, 3, 5) == std::vector<double>{3});
    }
}
