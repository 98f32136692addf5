// Learning a unit against the yardstick's own loop in double (tools/make_reconstruction_fixtures.py): gradients in
// every case of the clamps, and fifty steps of V, scales, losses and moved batch norms. The reference to 1e-9, the
// other devices to float32.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/reconstruction/unit_walk.h"
#include "loaders/weights/weights.h"
#include "support/devices.h"
#include "support/places.h"
#include "support/reconstruction_fixtures.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// How many elements of a are further than `tolerance` from those of b.
size_t apart(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
    REQUIRE(a.size() == b.size());
    size_t count = 0;
    for (size_t i = 0; i < a.size(); ++i) count += !(std::abs(a[i] - b[i]) <= tolerance);
    return count;
}

double tolerance_of(const std::string& device, double float32) { return device == "reference" ? 1e-9 : float32; }

/// The place of a learned scale among a case's sites.
size_t site_of(const LearnedScale& scale, const Json& given) {
    size_t place = 0;
    while (given["sites"].at(place)["value"] != scale.site) ++place;
    return place;
}

void check_gradients(const std::string& device, UnitUnderTest& unit, const Json& given) {
    const double tolerance = tolerance_of(device, 1e-4);
    const Json& expected = given["expected"];
    unit.start(given);
    unit.trainer().run();
    CHECK(unit.loss() == doctest::Approx(expected["loss"].get<double>()).epsilon(tolerance));
    CHECK(unit.penalty() == doctest::Approx(expected["penalty"].get<double>()).epsilon(tolerance));
    REQUIRE(unit.trainer().roundings().size() == given["layers"].size());
    for (const LearnedRounding& rounding : unit.trainer().roundings()) {
        CAPTURE(rounding.layer);
        std::vector<double> gradient = unit.get(rounding.first_moment);  // after one iteration: a tenth of it
        for (double& g : gradient) g *= 10.0;
        const std::vector<double> wanted = numbers(expected["dv"][static_cast<size_t>(rounding.layer)]);
        CHECK(relative_norm(gradient, wanted) < tolerance);
        for (size_t i = 0; i < wanted.size(); ++i) {
            if (wanted[i] == 0.0) REQUIRE(gradient[i] == 0.0);  // behind a clamp
        }
    }
    REQUIRE(unit.trainer().scales().size() == given["sites"].size());
    for (const LearnedScale& scale : unit.trainer().scales()) {
        CAPTURE(scale.site);
        const double wanted = expected["dscales"][site_of(scale, given)];
        CHECK(wanted != 0.0);
        CHECK(unit.get(scale.gradient)[0] == doctest::Approx(wanted).scale(0.0).epsilon(tolerance));
    }
}

void check_norms(UnitUnderTest& unit, const Json& expected, double tolerance) {
    for (const MovingNorm& norm : unit.trainer().norms()) {
        const Json& wanted = expected["norms"][static_cast<size_t>(norm.layer)];
        CHECK(relative_norm(unit.get(norm.mean), numbers(wanted["mean"])) < tolerance);
        CHECK(relative_norm(unit.get(norm.variance), numbers(wanted["variance"])) < tolerance);
        const KeptNorm& frozen = *unit.frozen().layers[static_cast<size_t>(norm.layer)].norm;
        const std::vector<double> mean = unit.get(norm.mean), variance = unit.get(norm.variance);
        CHECK(std::equal(mean.begin(), mean.end(), frozen.mean.begin(),
                         [](double a, float b) { return static_cast<float>(a) == b; }));
        CHECK(std::equal(variance.begin(), variance.end(), frozen.variance.begin(),
                         [](double a, float b) { return static_cast<float>(a) == b; }));
    }
}

/// Of all weights of the case, one in a thousand may differ in float32, none in float64.
void check_trajectory(const std::string& device, UnitUnderTest& unit, const Json& given) {
    const double tolerance = tolerance_of(device, 1e-3);
    const Json& expected = given["expected"];
    unit.start(given);
    const auto kept = expected["kept_steps"].get<std::vector<int64_t>>();
    size_t weights = 0, differ = 0, rounded_otherwise = 0;
    for (size_t t = 1; t <= expected["losses"].size(); ++t) {
        CAPTURE(t);
        unit.trainer().advance(1);
        CHECK(unit.loss() == doctest::Approx(expected["losses"][t - 1].get<double>()).epsilon(tolerance));
        CHECK(unit.penalty() == doctest::Approx(expected["penalties"][t - 1].get<double>()).epsilon(tolerance));
        for (const LearnedScale& scale : unit.trainer().scales()) {
            const double wanted = expected["scales"][t - 1][site_of(scale, given)];
            CHECK(unit.get(scale.scale)[0] == doctest::Approx(wanted).scale(0.0).epsilon(tolerance));
        }
        const auto found = std::find(kept.begin(), kept.end(), static_cast<int64_t>(t));
        if (found == kept.end()) continue;
        for (const LearnedRounding& rounding : unit.trainer().roundings()) {
            const std::vector<double> wanted =
                numbers(expected["v"][static_cast<size_t>(found - kept.begin())][static_cast<size_t>(rounding.layer)]);
            differ += apart(unit.get(rounding.v), wanted, tolerance);
            weights += wanted.size();
        }
    }
    CHECK(static_cast<double>(differ) <= (device == "reference" ? 0.0 : 1e-3 * static_cast<double>(weights)));
    const Network& frozen = unit.frozen();
    weights = 0;
    for (size_t l = 0; l < frozen.layers.size(); ++l) {
        const std::vector<float>& codes = frozen.layers[l].codes->centred;
        rounded_otherwise += apart({codes.begin(), codes.end()}, numbers(expected["codes"][l]), 0.0);
        weights += codes.size();
    }
    CHECK(static_cast<double>(rounded_otherwise) <=
          (device == "reference" ? 0.0 : 1e-3 * static_cast<double>(weights)));
    check_norms(unit, expected, tolerance);
}

/// The method's recipe with the case's numbers.
Recipe recipe_of(const Json& given) {
    Recipe r = recipe(given["method"]);
    const UnitOptions ours = unit_options(given);
    UnitOptions& learn = r.learn;
    learn.schedule.iterations = ours.schedule.iterations;
    learn.schedule.rounding_rate = ours.schedule.rounding_rate;
    learn.schedule.scale_rate = ours.schedule.scale_rate;
    learn.start = ours.start;
    learn.norms = ours.norms;
    learn.batch = ours.batch;
    learn.lambda = ours.lambda;
    learn.order = ours.order;
    if (given["fisher"]) learn.loss = Reconstruction::fisher_diag;
    if (!r.scales) return r;
    r.scales->schedule.iterations = given["scale_iterations"];
    r.scales->schedule.scale_rate = ours.schedule.scale_rate;
    r.scales->batch = ours.batch;
    r.scales->order = ours.order;
    return r;
}

struct LearnedNetwork {
    Network network;
    std::vector<UnitRecord> records;
};

/// The thin network with its units reconstructed as the case says.
LearnedNetwork learned_network(Device& device, const Json& given) {
    const StoredModel model = load_weights(fixtures_folder() + "/networks/basic.bin");
    const Network original = make_network(model, given["fold"]);
    LearnedNetwork learned{original, {}};
    quantise_weights(device, learned.network, {{"minmax", given["w"], 2.4, false}, true, false});
    SiteOptions sites;
    sites.bits = given["a"];
    if (given["act_sites"] == "layer") sites.sites = ActivationSites::layer;
    WalkOptions options;
    options.recipe = recipe_of(given);
    options.units = learned_units(original.graph, options.recipe, false);
    options.sites = activation_sites(original.graph, sites);
    options.activation_range = {"minmax", 8, 2.4, false};
    options.memory = int64_t{1} << 30;
    WalkObserver observer;
    observer.end = [&](const Unit&, const UnitResult& result) { learned.records.push_back(result.record); };
    reconstruct_units(device, original, learned.network,
                      Tensor(given["images"]["shape"].get<Shape>(), floats(given["images"])), options, observer);
    return learned;
}

/// The whole loss of every iteration of every unit, in the order of learning. The network's folded weights are float32
/// with us.
void check_losses(const std::vector<UnitRecord>& records, std::vector<Json> expected, double tolerance) {
    std::erase_if(expected, [](const Json& losses) { return losses.empty(); });  // nothing to learn: no turn
    REQUIRE(records.size() == expected.size());
    for (size_t u = 0; u < records.size(); ++u) {
        const UnitRecord& record = records[u];
        CAPTURE(record.name);
        CAPTURE(record.phase);
        REQUIRE(record.curve.size() == expected[u].size());
        for (size_t t = 0; t < record.curve.size(); ++t) {
            CAPTURE(t);
            const LearningPoint& point = record.curve[t];
            CHECK(point.reconstruction + point.prediction + point.penalty ==
                  doctest::Approx(expected[u][t].get<double>()).scale(0.0).epsilon(tolerance));
        }
    }
}

/// A float32 activation that falls on the other side of a tie moves all that comes behind it a little.
void check_network(const Network& network, const Json& expected) {
    size_t weights = 0, rounded_otherwise = 0;
    for (size_t l = 0; l < network.layers.size(); ++l) {
        const Layer& layer = network.layers[l];
        CAPTURE(layer.name);
        const std::vector<float>& codes = layer.codes->centred;
        rounded_otherwise += apart({codes.begin(), codes.end()}, numbers(expected["codes"][l]), 0.0);
        weights += codes.size();
        const Json& norm = expected["norms"][l];
        REQUIRE(layer.norm.has_value() == !norm.is_null());
        if (!layer.norm) continue;
        const KeptNorm& moved = *layer.norm;
        CHECK(relative_norm({moved.mean.begin(), moved.mean.end()}, numbers(norm["mean"])) < 1e-3);
        CHECK(relative_norm({moved.variance.begin(), moved.variance.end()}, numbers(norm["variance"])) < 1e-3);
    }
    CHECK(static_cast<double>(rounded_otherwise) <= 1e-3 * static_cast<double>(weights));
    size_t sites = 0;
    for (ValueId v = 0; v < static_cast<ValueId>(network.values.size()); ++v) {
        const auto& site = network.values[static_cast<size_t>(v)];
        if (!site) continue;
        const std::string name = value_name(network.graph, v);
        CAPTURE(name);
        ++sites;
        CHECK(site->scale == doctest::Approx(expected["scales"][name].get<double>()).scale(0.0).epsilon(1e-3));
    }
    CHECK(sites == expected["scales"].size());
}

template <typename Check>
void check_all(const std::string& kind, Check check) {
    for (const std::string& name : all_devices()) {
        const auto device = make_device(name, 2);
        for (const Json& given : reconstruction_cases(kind)) {
            INFO(given["name"].get<std::string>() << " on " << name);
            UnitUnderTest unit(*device, given);
            check(name, unit, given);
        }
    }
}

}  // namespace

TEST_SUITE("reconstruction fixtures") {
    TEST_CASE("a unit's gradients are the yardstick's, layers and blocks, whatever its batch norms and clamps") {
        check_all("gradients", check_gradients);
    }

    TEST_CASE("V starts where the yardstick's does: at the fraction, or at the nearest") {
        check_all("trajectories", [](const std::string&, UnitUnderTest& unit, const Json& given) {
            for (const LearnedRounding& rounding : unit.trainer().roundings())
                CHECK(apart(unit.get(rounding.v),
                            numbers(given["layers"][static_cast<size_t>(rounding.layer)]["start"]), 1e-5) == 0);
        });
    }

    TEST_CASE("fifty steps of learning are the yardstick's: V, scales, losses, moved batch norms, final roundings") {
        check_all("trajectories", check_trajectory);
    }

    TEST_CASE("a network learned unit by unit is the yardstick's, whose units learn from what those before became" *
              doctest::skip(kEmulated)) {
        for (const std::string& name : all_devices()) {
            const auto device = make_device(name, 2);
            for (const Json& given : reconstruction_cases("networks")) {
                INFO(given["name"].get<std::string>() << " on " << name);
                const LearnedNetwork learned = learned_network(*device, given);
                check_network(learned.network, given["expected"]);
                check_losses(learned.records, given["expected"]["losses"], name == "reference" ? 2e-5 : 1e-2);
            }
        }
    }
}
