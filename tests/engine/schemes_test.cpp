// Range schemes against the yardstick's answers (tests/fixtures/schemes, made by tools/make_scheme_fixtures.py): the
// same range, or one whose score in float64 is within a factor 1 + 1e-6 (methods.md section 2).
#include "engine/schemes/scheme.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "support/calibration_devices.h"
#include "support/scheme_inputs.h"

namespace adaq {
namespace {

using Cpu = test::CalibrationDevice<test::CpuCalibration>;
using Reference = test::CalibrationDevice<test::ReferenceCalibration>;

ChosenRange choose(Device& device, const std::vector<float>& x, int64_t groups, const SchemeOptions& options) {
    const Buffer tensor = device.create({groups, static_cast<int64_t>(x.size()) / groups});
    device.upload(*tensor, x);
    return choose_range(device, *tensor, groups, options, "layer1.0.conv1.weight");
}

/// Sum of |x-hat - x|^p over one group, by methods.md section 1 alone.
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

template <typename AnyDevice>
void check_fixtures(int64_t largest) {
    std::ifstream file(std::string(ADAQ_FIXTURES) + "/schemes/ranges.json");
    AnyDevice device;
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
    CHECK(checked > 150);
}

}  // namespace

TEST_CASE("every scheme chooses the yardstick's ranges on the cpu") { check_fixtures<Cpu>(10'000'000); }

TEST_CASE("every scheme chooses the yardstick's ranges on the reference device") { check_fixtures<Reference>(4000); }

}  // namespace adaq
