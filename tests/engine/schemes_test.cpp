// Range schemes against the yardstick's answers (tests/fixtures/schemes, made by tools/make_scheme_fixtures.py): the
// same range, or one whose score in float64 is within a factor 1 + 1e-6 (docs/arithmetic.md section 2).
#include "engine/schemes/scheme.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "support/places.h"
#include "support/scheme_inputs.h"

namespace adaq {
namespace {

ChosenRange choose(Device& device, const std::vector<float>& x, int64_t groups, const SchemeOptions& options) {
    const Buffer tensor = device.create({groups, static_cast<int64_t>(x.size()) / groups});
    device.upload(*tensor, x);
    return choose_range(device, *tensor, groups, options, "layer1.0.conv1.weight");
}

/// Sum of |x-hat - x|^p over one group, by docs/arithmetic.md section 1 alone.
double score(std::span<const float> x, float scale, float zero_point, int bits, bool one_sided, double p) {
    const float qmin = one_sided ? 0.0f : -std::ldexp(1.0f, bits - 1);
    const float qmax = one_sided ? std::ldexp(1.0f, bits) - 1.0f : std::ldexp(1.0f, bits - 1) - 1.0f;
    double sum = 0.0;
    for (float value : x) {
        const float q = std::min(std::max(std::nearbyint(value / scale) + zero_point, qmin), qmax);
        sum += std::pow(std::fabs(static_cast<double>((q - zero_point) * scale) - static_cast<double>(value)), p);
    }
    return sum;
}

/// The share by which a's score exceeds b's; 0 where both ranges are the same.
double excess(double a, double b) { return a == b ? 0.0 : std::fabs(a / b - 1.0); }

struct Fixture {
    nlohmann::json answer;
    std::vector<float> x;
    SchemeOptions options;
    int64_t groups;
};

Fixture read_fixture(const nlohmann::json& answer) {
    const int64_t groups = answer["groups"];
    return {answer, test::scheme_input(answer["kind"], answer["seed"], groups, answer["elements"]),
            SchemeOptions{.scheme = answer["scheme"], .bits = answer["bits"], .p = answer["p"]}, groups};
}

/// The largest excess of a group's score (of the whole score for schemes that score jointly) over the yardstick's.
double disagreement(const Fixture& fixture, const ChosenRange& chosen) {
    const std::vector<float> scale = fixture.answer["scale"], zero_point = fixture.answer["zero_point"];
    const bool one_sided = fixture.answer["one_sided"];
    const bool joint = fixture.options.scheme.starts_with("norm");
    const double p = joint ? fixture.options.p : 2.4;
    const size_t elements = fixture.x.size() / static_cast<size_t>(fixture.groups);
    double worst = 0.0, ours_total = 0.0, theirs_total = 0.0;
    for (size_t g = 0; g < scale.size(); ++g) {
        if (chosen.scale[g] == scale[g] && chosen.zero_point[g] == zero_point[g] && !joint) continue;
        const auto x = std::span(fixture.x).subspan(g * elements, elements);
        const double ours = score(x, chosen.scale[g], chosen.zero_point[g], fixture.options.bits, one_sided, p);
        const double theirs = score(x, scale[g], zero_point[g], fixture.options.bits, one_sided, p);
        ours_total += ours;
        theirs_total += theirs;
        worst = std::max(worst, excess(ours, theirs));
    }
    return joint ? excess(ours_total, theirs_total) : worst;
}

void check_fixtures(const char* name, int64_t largest, int at_least) {
    std::ifstream file(test::fixtures_folder() + "/schemes/ranges.json");
    const auto owner = make_device(name);
    Device& device = *owner;
    int checked = 0;
    for (const nlohmann::json& answer : nlohmann::json::parse(file)) {
        if (answer["groups"].get<int64_t>() * answer["elements"].get<int64_t>() > largest) continue;
        const Fixture fixture = read_fixture(answer);
        CAPTURE(answer["seed"].get<int>());
        CAPTURE(fixture.options.scheme);
        const ChosenRange chosen = choose(device, fixture.x, fixture.groups, fixture.options);
        REQUIRE(chosen.scale.size() == static_cast<size_t>(fixture.groups));
        CHECK(chosen.grid.one_sided == answer["one_sided"].get<bool>());
        CHECK(chosen.grid.bits == fixture.options.bits);
        CHECK(disagreement(fixture, chosen) <= 1e-6);
        ++checked;
    }
    CHECK(checked >= at_least);
}

}  // namespace

TEST_CASE("every scheme chooses the yardstick's ranges on the cpu") { check_fixtures("cpu", 10'000'000, 200); }

TEST_CASE("every scheme chooses the yardstick's ranges on the reference device") {
    check_fixtures("reference", 1000, 80);
}

TEST_CASE("schemes are listed in the documentation's order") {
    CHECK(scheme_names() == std::vector<std::string>{"absmax", "minmax", "norm", "norm-legacy", "orgnorm", "lp"});
}

TEST_CASE("the range that is reported is the one that scale and zero point stand for") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    const std::vector<float> x = test::scheme_input("skewed", 41, 4, 500);
    for (const std::string& scheme : scheme_names()) {
        CAPTURE(scheme);
        const ChosenRange chosen = choose(device, x, 4, {.scheme = scheme, .bits = 5});
        for (size_t g = 0; g < 4; ++g) {
            CHECK(chosen.lo[g] <= 0.0f);
            CHECK(chosen.hi[g] >= 0.0f);
            CHECK(chosen.scale[g] == (chosen.hi[g] - chosen.lo[g]) / 31.0f);
        }
    }
}

TEST_CASE("a searched scheme's score is the sum of errors that its ranges make") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    const std::vector<float> x = test::scheme_input("heavy", 42, 3, 400);
    for (const char* scheme : {"norm", "norm-legacy", "orgnorm", "lp"}) {
        CAPTURE(scheme);
        const ChosenRange chosen = choose(device, x, 3, {.scheme = scheme, .bits = 4});
        double total = 0.0;
        for (size_t g = 0; g < 3; ++g) {
            total += score(std::span(x).subspan(g * 400, 400), chosen.scale[g], chosen.zero_point[g], 4, false, 2.4);
        }
        CHECK(chosen.score == doctest::Approx(total).epsilon(1e-6));
    }
}

TEST_CASE("symmetric ranges have zero point 0 and the width of twice the candidate's larger end") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    const std::vector<float> x = test::scheme_input("skewed", 43, 4, 500);
    for (const std::string& scheme : scheme_names()) {
        CAPTURE(scheme);
        const ChosenRange chosen = choose(device, x, 4, {.scheme = scheme, .bits = 4, .symmetric = true});
        for (size_t g = 0; g < 4; ++g) {
            CHECK(chosen.zero_point[g] == 0.0f);
            CHECK(chosen.lo[g] == -chosen.hi[g]);
            CHECK(chosen.scale[g] == 2.0f * chosen.hi[g] / 15.0f);
        }
    }
    const ChosenRange minmax = choose(device, x, 4, {.scheme = "minmax", .bits = 4, .symmetric = true});
    CHECK(minmax.scale == choose(device, x, 4, {.scheme = "absmax", .bits = 4}).scale);
}

TEST_CASE("a narrow grid is symmetric whatever the signs of the data, and every code has its opposite") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    for (const char* kind : {"skewed", "relu"}) {
        const std::vector<float> x = test::scheme_input(kind, 47, 4, 500);
        for (const std::string& scheme : scheme_names()) {
            CAPTURE(kind);
            CAPTURE(scheme);
            const ChosenRange chosen = choose(device, x, 4, {.scheme = scheme, .symmetric = true, .narrow = true});
            CHECK(chosen.grid.qmin() == -127.0f);
            CHECK(chosen.grid.qmax() == 127.0f);
            for (size_t g = 0; g < 4; ++g) {
                CHECK(chosen.zero_point[g] == 0.0f);
                CHECK(chosen.scale[g] == 2.0f * chosen.hi[g] / 254.0f);
            }
        }
    }
}

TEST_CASE("the symmetric lp search finds the best of its eighty shrunken ranges") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    const std::vector<float> x = test::scheme_input("skewed", 44, 1, 500);
    const float end = std::max(-*std::min_element(x.begin(), x.end()), *std::max_element(x.begin(), x.end()));
    double best = INFINITY;
    for (int i = 0; i < 80; ++i) {
        const float shrunk = end * static_cast<float>(1.0 - 0.01 * i);
        best = std::min(best, score(x, 2.0f * shrunk / 15.0f, 0.0f, 4, false, 2.4));
    }
    const ChosenRange chosen = choose(device, x, 1, {.scheme = "lp", .bits = 4, .symmetric = true});
    CHECK(chosen.score == doctest::Approx(best).epsilon(1e-6));
}

TEST_CASE("symmetric changes nothing where the data is one-sided") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    const std::vector<float> x = test::scheme_input("relu", 45, 1, 3000);
    for (const char* scheme : {"absmax", "minmax", "norm", "orgnorm", "lp"}) {
        const ChosenRange plain = choose(device, x, 1, {.scheme = scheme, .bits = 4});
        const ChosenRange symmetric = choose(device, x, 1, {.scheme = scheme, .bits = 4, .symmetric = true});
        CHECK(symmetric.grid == Grid{4, true});
        CHECK(symmetric.scale == plain.scale);
        CHECK(symmetric.zero_point == plain.zero_point);
    }
}

TEST_CASE("one negative value anywhere makes the grid two-sided for every group") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    std::vector<float> x = test::scheme_input("far", 46, 3, 50);
    CHECK(choose(device, x, 3, {.scheme = "minmax"}).grid.one_sided);
    x[140] = -0.001f;
    CHECK_FALSE(choose(device, x, 3, {.scheme = "minmax"}).grid.one_sided);
    x[140] = -0.0f;
    CHECK(choose(device, x, 3, {.scheme = "minmax"}).grid.one_sided);
}

TEST_CASE("groups of zeros get scale 1, zero point 0, and are counted") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    const std::vector<float> x = test::scheme_input("dead", 47, 6, 100);  // groups 1 and 4 are zero
    for (const std::string& scheme : scheme_names()) {
        CAPTURE(scheme);
        const ChosenRange chosen = choose(device, x, 6, {.scheme = scheme, .bits = 4});
        CHECK(chosen.empty_groups == 2);
        for (size_t g : {1u, 4u}) {
            CHECK(chosen.scale[g] == 1.0f);
            CHECK(chosen.zero_point[g] == 0.0f);
        }
    }
}

TEST_CASE("values that are not finite are an error that names the tensor") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -3e38f}) {
        for (const std::string& scheme : scheme_names()) {
            std::vector<float> x = test::scheme_input("bell", 48, 2, 50);
            x[77] = bad;
            try {
                choose(device, x, 2, {.scheme = scheme});
                FAIL("no error");
            } catch (const DataError& error) {
                CHECK(std::string(error.what()).find("layer1.0.conv1.weight") != std::string::npos);
            }
        }
    }
}

TEST_CASE("options that make no sense are usage errors that say what was found") {
    const auto owner = make_device("cpu");
    Device& device = *owner;
    const std::vector<float> x = test::scheme_input("bell", 49, 2, 50), relu = test::scheme_input("relu", 49, 2, 50);
    const auto complaint = [&](const std::vector<float>& values, const SchemeOptions& options) -> std::string {
        try {
            choose(device, values, 2, options);
        } catch (const UsageError& error) {
            return error.what();
        }
        return "no usage error";
    };
    CHECK(complaint(x, {.scheme = "percentile"}).find("percentile") != std::string::npos);
    CHECK(complaint(x, {.scheme = "lp", .bits = 9}).find("9 bits") != std::string::npos);
    CHECK(complaint(x, {.scheme = "lp", .bits = 1}).find("1 bits") != std::string::npos);
    CHECK(complaint(x, {.scheme = "norm", .bits = 4, .p = 0.0}).find("`p` 0") != std::string::npos);
    CHECK(complaint(x, {.scheme = "norm", .bits = 4, .p = NAN}).find("`p` nan") != std::string::npos);
    CHECK(complaint(relu, {.scheme = "norm-legacy"}).find("two-sided") != std::string::npos);
}

}  // namespace adaq
