// One unit's learning: its gradients are the slopes of its loss, the CPU follows the reference, and what is learned is
// better than rounding to nearest.
#include "engine/reconstruction/unit_trainer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/error.h"
#include "engine/nearest.h"
#include "engine/passes/executor.h"
#include "engine/program/buffers.h"
#include "engine/reconstruction/cached_walk.h"
#include "engine/reconstruction/fisher.h"
#include "engine/reconstruction/unit_walk.h"
#include "kernels/reference/device.h"
#include "loaders/weights/weights.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/places.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kTrainerImages = 12, kTrainerSize = 16;

/// A thin network with 3-bit weights, its calibration images, and the values at the ends of one of its units.
class TrainerSetting {
  public:
    TrainerSetting(const std::string& device, bool fold, int activation_bits,
                   ActivationSites policy = ActivationSites::block)
        : TrainerSetting(make_device(device, 2), fold, activation_bits, policy) {}
    TrainerSetting(std::unique_ptr<Device> device, bool fold, int activation_bits,
                   ActivationSites policy = ActivationSites::block)
        : device_(std::move(device)) {
        const StoredModel model = load_weights(fixtures_folder() + "/networks/basic.bin");
        original_ = make_network(model, fold);
        network_ = original_;
        quantise_weights(*device_, network_, {{"minmax", 3, 2.4, false}, true, false});
        Values values(5);
        const int64_t channels = model.graph.input_channels;
        images_ = Tensor({kTrainerImages, kTrainerSize, kTrainerSize, channels},
                         values.reals(kTrainerImages * kTrainerSize * kTrainerSize * channels));
        shapes_ = value_shapes(network_.graph, kTrainerSize, kTrainerSize);
        if (activation_bits == 32) return;
        sites_ = activation_sites(network_.graph, {policy, activation_bits});
        start_activations(*device_, network_, images_, sites_, {"minmax", 8, 2.4, false});
    }

    /// Unit u as a block (or stem, or head); layer: the last node alone.
    Unit unit(int u) const {
        return learned_units(network_.graph, recipe("qdrop"), false, sites_)[static_cast<size_t>(u)];
    }
    std::unique_ptr<UnitTrainer> trainer(const Unit& s, const UnitOptions& options) {
        UnitCaches caches;
        CacheMemory memory(*device_, int64_t{1} << 30);
        const Buffer images = put(*device_, images_.shape, images_.values);
        CachedWalk exact(*device_, original_, images, memory), rounded(*device_, network_, images, memory);
        for (int i = 0; i < s.first; ++i) {
            exact.compute(i, i + 1);
            rounded.compute(i, i + 1);
        }
        caches.input = rounded.value(s.input);
        caches.float_input = exact.value(s.input);
        caches.target = exact.compute(s.first, s.last);
        if (options.prediction || options.loss == Reconstruction::fisher_diag) look_behind(s, options, caches);
        return std::make_unique<UnitTrainer>(*device_, network_, s, options, caches, shapes_, &original_);
    }
    Device& device() { return *device_; }
    Network& network() { return network_; }
    const Network& original() const { return original_; }
    const Indexed<Shape>& shapes() const { return shapes_; }

  private:
    /// What the float network behind the unit has to do with it.
    void look_behind(const Unit& s, const UnitOptions& options, UnitCaches& caches) {
        Executor executor(*device_, original_, kTrainerImages, kTrainerSize, kTrainerSize);
        caches.logits = device_->create({kTrainerImages, executor.classes()});
        std::vector<float> logits(static_cast<size_t>(kTrainerImages * executor.classes()));
        executor.run(images_.values, logits);
        device_->upload(*caches.logits, logits);
        CacheMemory memory(*device_, int64_t{1} << 30);
        if (options.loss == Reconstruction::fisher_diag)
            caches.weight = fisher_weights(*device_, network_, original_, s, options, caches, shapes_, memory, {});
    }

    std::unique_ptr<Device> device_;
    Network original_, network_;
    Tensor images_;
    Indexed<Shape> shapes_;
    std::vector<Site> sites_;
};

UnitOptions options(int64_t iterations, double rate) {
    UnitOptions o;
    o.schedule.iterations = iterations;
    o.schedule.rounding_rate = rate;
    o.schedule.scale_rate = 1e-3;
    o.batch = 4;
    return o;
}

std::vector<float> get(Device& device, const Buffer& buffer) {
    std::vector<float> values(static_cast<size_t>(element_count(buffer->shape())));
    device.download(*buffer, values);
    return values;
}

double loss_of(UnitTrainer& trainer) {
    trainer.run();
    const double reconstruction = reference::values_of(*trainer.reconstruction_loss())[0];
    return reconstruction + (trainer.prediction_loss() ? reference::values_of(*trainer.prediction_loss())[0] : 0.0);
}

/// Of the thin network: stem, a block without and one with a downsample convolution, head.
const std::vector<int> kUnits{0, 1, 2, 5};

/// Of every kind of unit with every kind of learning each step-th.
void check_learning(int step) {
    int taken = 0;
    for (const std::string& device : devices_under_test()) {
        for (int u : kUnits) {
            for (const std::string kind : {"plain", "drop", "deploy sites", "prediction", "fisher", "channels"}) {
                if (taken++ % step != 0) continue;
                CAPTURE(device);
                CAPTURE(u);
                CAPTURE(kind);
                UnitOptions o = options(20, 1e-2);
                o.learn_scales = true;
                o.lambda = 0.01;
                if (kind == "prediction") o.prediction = PredictionDifference{};
                if (kind == "fisher") o.loss = Reconstruction::fisher_diag;
                if (kind == "channels") {
                    o.learn_channels = true;
                    o.schedule.channel_rate = 1e-3;
                }
                if (kind == "drop" || kind == "deploy sites" || kind == "prediction") {
                    o.keep_input = o.keep_quantised = 0.5f;
                    o.replacement = o.scale_gradient_factor = true;
                }
                const auto sites = kind == "deploy sites" ? ActivationSites::deploy_ort : ActivationSites::block;
                TrainerSetting ours(device, true, 4, sites), theirs("reference", true, 4, sites);
                auto a = ours.trainer(ours.unit(u), o), b = theirs.trainer(theirs.unit(u), o);
                a->run();
                b->run();
                REQUIRE(a->roundings().size() == b->roundings().size());
                size_t different = 0, all = 0;
                for (size_t i = 0; i < a->roundings().size(); ++i) {
                    const auto v = get(ours.device(), a->roundings()[i].v),
                               w = get(theirs.device(), b->roundings()[i].v);
                    for (size_t j = 0; j < v.size(); ++j) different += std::abs(v[j] - w[j]) > 1e-3f;
                    all += v.size();
                }
                // Activations on a rounding tie fall either way, by the order in which a device adds up, and Adam's
                // first steps go by signs alone.
                CHECK(static_cast<double>(different) <= 0.03 * static_cast<double>(all));
                REQUIRE(a->scales().size() == b->scales().size());
                if (kind == "deploy sites") CHECK(a->scales().size() == std::vector<size_t>{1, 3, 4, 0, 0, 1}[u]);
                for (size_t i = 0; i < a->scales().size(); ++i)
                    CHECK(get(ours.device(), a->scales()[i].scale)[0] ==
                          doctest::Approx(get(theirs.device(), b->scales()[i].scale)[0]).epsilon(1e-3));
                CHECK(a->channels().size() == (kind == "channels" ? a->roundings().size() : 0));
                for (size_t i = 0; i < a->channels().size(); ++i) {
                    const auto apart = [&](Buffer LearnedChannels::Variable::*tensor,
                                           LearnedChannels::Variable LearnedChannels::*variable) {
                        const auto x = get(ours.device(), a->channels()[i].*variable.*tensor),
                                   y = get(theirs.device(), b->channels()[i].*variable.*tensor);
                        double most = 0.0;
                        for (size_t k = 0; k < x.size(); ++k)
                            most = std::max(most, static_cast<double>(std::abs(x[k] - y[k])));
                        return most;
                    };
                    // Twenty steps of 1e-3 at most: few channels' gradients change sign near nothing.
                    CHECK(apart(&LearnedChannels::Variable::value, &LearnedChannels::factor) < 1e-3);
                    CHECK(apart(&LearnedChannels::Variable::value, &LearnedChannels::shift) < 1e-3);
                }
            }
        }
    }
}

}  // namespace

TEST_SUITE("unit trainer") {
    TEST_CASE("gradients of a whole unit are the slopes of its loss, whatever its norms, error and prediction") {
        for (const std::string norms : {"fixed", "folded", "batch", "prediction", "fisher"}) {
            for (int u : kUnits) {
                CAPTURE(norms);
                CAPTURE(u);
                TrainerSetting setting("reference", norms == "folded", 32);
                UnitOptions o = options(1, 0.0);
                if (norms == "prediction") o.prediction = PredictionDifference{2.0, 0.5};
                if (norms == "batch") o.norms = NormStatistics::batch;
                o.schedule.warm_up = 2.0;  // no regulariser
                o.order = {{3, 0, 7, 5}};
                o.loss = u % 2 ? Reconstruction::mean : Reconstruction::channel_sum;
                if (norms == "fisher") o.loss = Reconstruction::fisher_diag;
                const Unit unit = setting.unit(u);
                auto learner = setting.trainer(unit, o);
                loss_of(*learner);
                std::vector<std::vector<double>> moments;  // after one iteration: a tenth of the gradients
                for (const LearnedRounding& rounding : learner->roundings())
                    moments.push_back(reference::values_of(*rounding.first_moment));
                for (size_t l = 0; l < moments.size(); ++l) {
                    const LearnedRounding& rounding = learner->roundings()[l];
                    const std::vector<double>& moment = moments[l];
                    CAPTURE(rounding.layer);
                    auto& v = dynamic_cast<reference::ReferenceTensor&>(*rounding.v).values;
                    double largest = 0.0;
                    for (double m : moment) largest = std::max(largest, std::abs(m) * 10.0);
                    CHECK(largest > 0.0);
                    for (size_t i = 0; i < v.size(); i += std::max<size_t>(1, v.size() / 7)) {
                        if (std::abs(v[i]) > 2.39) continue;  // at the edge the slope ends
                        const double before = v[i], step = 1e-5;
                        v[i] = before + step;
                        rounding.round(setting.device());
                        const double above = loss_of(*learner);
                        v[i] = before - step;
                        rounding.round(setting.device());
                        const double below = loss_of(*learner);
                        v[i] = before;
                        rounding.round(setting.device());
                        CHECK(std::abs((above - below) / (2 * step) - 10.0 * moment[i]) <
                              1e-6 * std::max(largest, 1e-3));
                    }
                }
            }
        }
    }

    TEST_CASE(
        "every device learns what the reference learns: rounding and scales, every kind of loss, mixing, dropping") {
        check_learning(kEmulated ? 5 : 1);
    }

    // A minute and a quarter of emulation.
    TEST_CASE("every device learns what the reference learns: every kind of unit with every kind of learning" *
              doctest::skip()) {
        check_learning(1);
    }

    TEST_CASE("gradients of a whole unit in bf16 are those of the reference but for the rounding of operands") {
        constexpr int kOfEights[] = {3, 4};  // units whose layers have multiples of 8 channels, all or all but one
        for (const std::string& name : devices_under_test()) {
            if (name == "reference") continue;
            for (int u : kOfEights) {
                for (const std::string kind : {"plain", "drop", "prediction"}) {
                    auto device = bf16_device(name);
                    if (!device) return;
                    CAPTURE(name);
                    CAPTURE(u);
                    CAPTURE(kind);
                    UnitOptions o = options(1, 0.0);
                    o.schedule.warm_up = 2.0;  // no regulariser
                    o.order = {{3, 0, 7, 5}};
                    o.learn_channels = true;
                    if (kind == "prediction") o.prediction = PredictionDifference{2.0, 0.5};
                    if (kind == "drop") {
                        o.keep_input = o.keep_quantised = 0.5f;
                        o.replacement = o.scale_gradient_factor = true;
                    }
                    const int bits = kind == "drop" ? 8 : 32;
                    TrainerSetting ours(std::move(device), true, bits), theirs("reference", true, bits);
                    auto a = ours.trainer(ours.unit(u), o), b = theirs.trainer(theirs.unit(u), o);
                    a->run();
                    b->run();
                    const auto apart = [&](const Buffer& found, const Buffer& expected) {
                        return relative_error(get(ours.device(), found), get(theirs.device(), expected));
                    };
                    for (size_t i = 0; i < a->roundings().size(); ++i) {
                        CAPTURE(i);
                        CHECK(apart(a->roundings()[i].first_moment, b->roundings()[i].first_moment) < 0.2);
                        CHECK(apart(a->channels()[i].factor.gradient, b->channels()[i].factor.gradient) < 0.2);
                        CHECK(apart(a->channels()[i].shift.gradient, b->channels()[i].shift.gradient) < 0.2);
                    }
                }
            }
        }
    }

    TEST_CASE("gradients of channels' scales and biases are the slopes of the loss") {
        for (int u : kUnits) {
            for (const std::string kind : {"plain", "prediction"}) {
                CAPTURE(u);
                CAPTURE(kind);
                TrainerSetting setting("reference", true, 32);
                UnitOptions o = options(1, 0.0);
                o.learn_channels = true;
                o.schedule.warm_up = 2.0;  // no regulariser
                o.order = {{3, 0, 7, 5}};
                o.loss = Reconstruction::channel_sum;
                if (kind == "prediction") o.prediction = PredictionDifference{2.0, 0.5};
                auto learner = setting.trainer(setting.unit(u), o);
                loss_of(*learner);
                for (size_t l = 0; l < learner->channels().size(); ++l) {
                    for (const auto* variable : {&learner->channels()[l].factor, &learner->channels()[l].shift}) {
                        const std::vector<double> gradient = reference::values_of(*variable->gradient);
                        auto& values = dynamic_cast<reference::ReferenceTensor&>(*variable->value).values;
                        double largest = 0.0;
                        for (double g : gradient) largest = std::max(largest, std::abs(g));
                        CHECK(largest > 0.0);
                        const auto loss_at = [&](size_t k, double value) {
                            values[k] = value;
                            learner->roundings()[l].round(setting.device());
                            return loss_of(*learner);
                        };
                        for (size_t k = 0; k < values.size(); ++k) {
                            const double before = values[k], step = 1e-5,
                                         slope = (loss_at(k, before + step) - loss_at(k, before - step)) / (2 * step);
                            loss_at(k, before);
                            CHECK(std::abs(slope - gradient[k]) < 1e-6 * std::max(largest, 1e-3));
                        }
                    }
                }
            }
        }
    }

    TEST_CASE(
        "what channels learn goes into the network, beside the integers of the scales that roundings were learned "
        "with") {
        TrainerSetting setting("reference", true, 4);
        UnitOptions o = options(30, 1e-2);
        o.learn_channels = true;
        o.schedule.channel_rate = 1e-2;
        const Unit unit = setting.unit(2);
        auto learner = setting.trainer(unit, o);
        learner->run();
        std::vector<std::vector<float>> scales;
        for (const LearnedRounding& r : learner->roundings())
            scales.push_back(setting.network().layers[static_cast<size_t>(r.layer)].codes->scale);
        learner->freeze(setting.network());
        REQUIRE(learner->record().channels.size() == scales.size());
        size_t moved = 0;  // not those that a ReLU always cuts off
        for (size_t l = 0; l < scales.size(); ++l) {
            const LearnedChannels& channels = learner->channels()[l];
            const Layer& layer = setting.network().layers[static_cast<size_t>(channels.layer)];
            const auto factor = get(setting.device(), channels.factor.value);
            const ChannelRecord& record = learner->record().channels[l];
            CHECK(record.layer == layer.name);
            CHECK(record.lowest == *std::min_element(factor.begin(), factor.end()));
            CHECK(record.highest == *std::max_element(factor.begin(), factor.end()));
            const auto half = static_cast<std::ptrdiff_t>(factor.size() / 2);
            CHECK(std::count_if(factor.begin(), factor.end(), [&](float f) { return f < record.median; }) <= half);
            CHECK(std::count_if(factor.begin(), factor.end(), [&](float f) { return f > record.median; }) <= half);
            CHECK(layer.channel_shift == get(setting.device(), channels.shift.value));
            for (size_t k = 0; k < factor.size(); ++k) {
                moved += factor[k] != 1.0f;
                CHECK(layer.codes->scale[k] == scales[l][k] * factor[k]);
            }
            const auto v = get(setting.device(), learner->roundings()[l].v);
            const auto per_channel = static_cast<size_t>(layer.weights_per_channel());
            for (size_t i = 0; i < v.size(); ++i) {
                const size_t k = i / per_channel;
                const float zero = layer.codes->zero_point[k],
                            q = std::floor(layer.weight.values[i] / scales[l][k]) + (v[i] >= 0.0f ? 1.0f : 0.0f) + zero;
                CHECK(layer.codes->centred[i] ==
                      std::min(std::max(q, layer.codes->grid.qmin()), layer.codes->grid.qmax()) - zero);
            }
        }
        CHECK(moved > 3);
    }

    TEST_CASE("learned rounding reconstructs a unit better than the nearest") {
        for (int u : kUnits) {
            CAPTURE(u);
            TrainerSetting setting("cpu", false, 32);
            UnitOptions o = options(800, 1e-2);
            o.batch = kTrainerImages;
            UnitOptions still = options(1, 0.0);
            still.batch = kTrainerImages;
            still.learn_rounding = false;
            const Unit unit = setting.unit(u);
            double nearest = 0.0, learned = 0.0;
            setting.trainer(unit, still)->run([&](const UnitProgress& p) { nearest = p.reconstruction; });
            const auto trainer = setting.trainer(unit, o);
            trainer->run();
            trainer->freeze(setting.network());
            setting.trainer(unit, still)->run([&](const UnitProgress& p) { learned = p.reconstruction; });
            CHECK(nearest > 0.0);
            CHECK(learned < 0.8 * nearest);
            for (const LearnedRounding& rounding : trainer->roundings()) {
                const LayerCodes& codes = *setting.network().layers[static_cast<size_t>(rounding.layer)].codes;
                for (size_t i = 0; i < codes.centred.size(); ++i) {
                    const size_t k =
                        i / static_cast<size_t>(
                                setting.network().layers[static_cast<size_t>(rounding.layer)].weights_per_channel());
                    const float q = codes.centred[i] + codes.zero_point[codes.group_of(static_cast<int64_t>(k))];
                    CHECK((q >= codes.grid.qmin() && q <= codes.grid.qmax() && q == std::rint(q)));
                }
            }
        }
    }

    TEST_CASE("what is learned does not depend on how often it is looked at") {
        for (const std::string& device : devices_under_test()) {
            UnitOptions o = options(23, 1e-2);
            o.learn_scales = true;
            std::vector<std::vector<float>> learned;
            for (int64_t interval : {1, 7, 100}) {
                TrainerSetting setting(device, false, 4);
                const auto trainer = setting.trainer(setting.unit(2), o);
                std::vector<int64_t> moments;
                trainer->run([&](const UnitProgress& p) { moments.push_back(p.iteration); }, interval);
                if (interval == 7) CHECK(moments == std::vector<int64_t>{1, 7, 14, 21, 23});
                CHECK(trainer->record().curve.size() == moments.size());
                std::vector<float> all = get(setting.device(), trainer->scales()[0].scale);
                for (const LearnedRounding& rounding : trainer->roundings())
                    for (float v : get(setting.device(), rounding.v)) all.push_back(v);
                learned.push_back(std::move(all));
            }
            CHECK(learned[0] == learned[1]);
            CHECK(learned[0] == learned[2]);
        }
    }

    TEST_CASE("the record tells what was frozen: every weight's integer against the nearest, every scale") {
        for (const std::string& device : devices_under_test()) {
            CAPTURE(device);
            TrainerSetting setting(device, false, 4);
            UnitOptions o = options(60, 1e-1);
            o.learn_scales = true;
            const auto trainer = setting.trainer(setting.unit(1), o);
            const Network before = setting.network();
            std::vector<UnitProgress> seen;
            trainer->run([&](const UnitProgress& p) { seen.push_back(p); });
            trainer->freeze(setting.network());
            const UnitRecord& record = trainer->record();
            CHECK(record.name == "layer1.0");
            CHECK(record.iterations == 60);
            CHECK(record.seconds > 0.0);
            REQUIRE(record.curve.size() == 60);
            for (size_t i = 0; i < seen.size(); ++i) {
                CHECK(record.curve[i].iteration == static_cast<int64_t>(i) + 1);
                CHECK(record.curve[i].reconstruction == seen[i].reconstruction);
                CHECK(record.curve[i].penalty == seen[i].penalty);
            }
            // The fractions of the weights are spread evenly: so is h at first, and less so at this rate's end.
            CHECK(record.curve.front().unsettled.softness == doctest::Approx(0.5).epsilon(0.2));
            CHECK(record.curve.back().unsettled.softness < 0.5 * record.curve.front().unsettled.softness);
            CHECK(record.curve.back().unsettled.share < record.curve.front().unsettled.share);

            REQUIRE(record.roundings.size() == trainer->roundings().size());
            int64_t flops = 0;
            for (size_t r = 0; r < record.roundings.size(); ++r) {
                const auto index = static_cast<size_t>(trainer->roundings()[r].layer);
                const Layer &nearest = before.layers[index], &learned = setting.network().layers[index];
                CHECK(record.roundings[r].layer == nearest.name);
                CHECK(record.roundings[r].weights == element_count(nearest.shape));
                int64_t up = 0, down = 0;
                for (size_t i = 0; i < nearest.codes->centred.size(); ++i) {
                    up += learned.codes->centred[i] > nearest.codes->centred[i] ? 1 : 0;
                    down += learned.codes->centred[i] < nearest.codes->centred[i] ? 1 : 0;
                }
                const auto count = static_cast<double>(nearest.codes->centred.size());
                CHECK(up + down > 0);
                CHECK(record.roundings[r].up == static_cast<double>(up) / count);
                CHECK(record.roundings[r].down == static_cast<double>(down) / count);
                // These layers are small: the curve's sample is all of their weights.
                CHECK(record.roundings[r].unsettled.share < record.curve.front().unsettled.share);
                const auto is_this = [&](const Node& n) { return n.layer == static_cast<int>(index); };
                const auto& nodes = before.graph.nodes;
                const auto node = std::find_if(nodes.begin(), nodes.end(), is_this) - nodes.begin();
                const Shape map = value_shapes(before.graph, kTrainerSize, kTrainerSize)[static_cast<size_t>(node) + 1];
                const int64_t forward = 2 * o.batch * map[0] * map[1] * element_count(nearest.shape);
                const bool reads_unit = nodes[static_cast<size_t>(node)].inputs[0] != setting.unit(1).input;
                flops += (reads_unit ? 3 : 2) * forward;
            }
            CHECK(record.flops_per_iteration == flops);

            REQUIRE(record.scales.size() == trainer->scales().size());
            CHECK(record.scales.size() > 0);
            for (size_t i = 0; i < record.scales.size(); ++i) {
                const auto site = static_cast<size_t>(trainer->scales()[i].site);
                CHECK(record.scales[i].site == value_name(before.graph, trainer->scales()[i].site));
                CHECK(record.scales[i].initial == before.values[site]->scale);
                CHECK(record.scales[i].learned == setting.network().values[site]->scale);
                CHECK(record.scales[i].learned != record.scales[i].initial);
            }
        }
    }

    TEST_CASE("batch statistics move the unit's own norms, on every device as on the reference") {
        for (const std::string& device : devices_under_test()) {
            for (int u : kUnits) {
                CAPTURE(device);
                CAPTURE(u);
                UnitOptions o = options(20, 1e-2);
                o.norms = NormStatistics::batch;
                o.learn_scales = true;
                TrainerSetting ours(device, false, 6), theirs("reference", false, 6);
                const Network before = ours.network();
                const Unit unit = ours.unit(u);
                for (TrainerSetting* setting : {&ours, &theirs}) {
                    const auto trainer = setting->trainer(unit, o);
                    trainer->run();
                    trainer->freeze(setting->network());
                }
                for (size_t l = 0; l < before.layers.size(); ++l) {
                    const Layer &was = before.layers[l], &now = ours.network().layers[l],
                                &expected = theirs.network().layers[l];
                    CAPTURE(now.name);
                    REQUIRE(now.norm.has_value() == (now.name != "fc"));
                    if (!now.norm) continue;
                    const auto in_unit = std::any_of(
                        ours.network().graph.nodes.begin() + unit.first, ours.network().graph.nodes.begin() + unit.last,
                        [&](const Node& node) { return node.layer == static_cast<int>(l); });
                    CHECK((now.norm->mean == was.norm->mean) == !in_unit);
                    CHECK((now.norm->variance == was.norm->variance) == !in_unit);
                    CHECK((now.channel_scale == was.channel_scale) == !in_unit);
                    CHECK((now.channel_shift == was.channel_shift) == !in_unit);
                    CHECK(now.norm->gamma == was.norm->gamma);
                    CHECK(now.norm->beta == was.norm->beta);
                    CHECK(relative_error(now.norm->mean, expected.norm->mean) < 1e-2);
                    CHECK(relative_error(now.norm->variance, expected.norm->variance) < 1e-2);
                    CHECK(relative_error(now.channel_scale, expected.channel_scale) < 1e-2);
                    CHECK(relative_error(now.channel_shift, expected.channel_shift) < 1e-2);
                }
            }
        }
    }

    TEST_CASE("a unit without rounding to learn has a curve of its losses alone") {
        TrainerSetting setting("cpu", false, 4);
        UnitOptions o = options(3, 1e-2);
        o.learn_scales = true;
        o.learn_rounding = false;
        const auto trainer = setting.trainer(setting.unit(1), o);
        trainer->run();
        CHECK(trainer->record().roundings.empty());
        REQUIRE(trainer->record().curve.size() == 3);
        CHECK(trainer->record().curve[2].reconstruction > 0.0);
        CHECK(trainer->record().curve[2].unsettled.softness == 0.0);
    }

    TEST_CASE("weights that are fixed learn nothing, yet their norms move") {
        TrainerSetting setting("cpu", false, 32);
        UnitOptions o = options(5, 1e-2);
        o.norms = NormStatistics::batch;
        o.learn_rounding = false;
        const Network before = setting.network();
        const auto trainer = setting.trainer(setting.unit(2), o);
        trainer->run();
        trainer->freeze(setting.network());
        for (const MovingNorm& norm : trainer->norms()) {
            const auto l = static_cast<size_t>(norm.layer);
            CHECK(setting.network().layers[l].codes->centred == before.layers[l].codes->centred);
            CHECK(setting.network().layers[l].norm->mean != before.layers[l].norm->mean);
        }
        CHECK(trainer->norms().size() == 3);
    }

    TEST_CASE("batch statistics of one value a channel are an error that names the layer") {
        TrainerSetting setting("cpu", false, 32);
        UnitOptions o = options(5, 1e-2);
        o.norms = NormStatistics::batch;
        o.batch = 1;
        CHECK_THROWS_WITH_AS(
            setting.trainer(setting.unit(4), o),
            "layer4.0.conv1: one value a channel has no variance; give a larger `minibatch`, or `bn` fixed", DataError);
    }

    TEST_CASE("fewer images than a batch, and a loss that is not finite, are errors that name the unit") {
        TrainerSetting setting("cpu", false, 32);
        UnitOptions o = options(10, 1e-2);
        o.batch = kTrainerImages + 1;
        CHECK_THROWS_WITH_AS(
            setting.trainer(setting.unit(0), o),
            "stem: 12 calibration images are fewer than a batch of 13; give more, or a smaller `minibatch`", DataError);
        o.batch = 4;
        setting.network().layers[0].channel_shift[0] = std::numeric_limits<float>::infinity();
        const auto trainer = setting.trainer(setting.unit(0), o);
        CHECK_THROWS_WITH_AS(trainer->run(), "stem: the loss is not finite at iteration 1; give a smaller `lr`",
                             DataError);
    }
}
