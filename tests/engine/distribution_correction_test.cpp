// PD-Quant's distribution correction: PyTorch's numbers (tools/make_correction_fixtures.py), devices that agree, and
// statistics that come closer to the batch norms'.
#include "engine/reconstruction/distribution_correction.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>

#include "engine/error.h"
#include "engine/program/buffers.h"
#include "engine/reconstruction/cached_walk.h"
#include "engine/reconstruction/statistics_emitter.h"
#include "loaders/weights/weights.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/places.h"
#include "support/reconstruction_fixtures.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kSize = 16;  // of the thin networks' images: their last maps are of one element

const std::vector<Json>& cases() {
    static const Json all = Json::parse(std::ifstream(fixtures_folder() + "/reconstruction/corrections.json"));
    return all.get_ref<const std::vector<Json>&>();
}

std::vector<double> corrected(Device& device, const Json& given) {
    const Network network = make_unit(given);
    const Unit unit{"a unit", 0, network.graph.node_count(), kImage, 0};
    CorrectionOptions options;
    options.steps = given["steps"];
    options.rate = given["rate"];
    options.plateau.patience = given["patience"];
    CacheMemory memory(device, int64_t{1} << 30);
    const Buffer input = put(device, given["input"]["shape"].get<Shape>(), floats(given["input"]));
    return doubles(
        device, corrected_input(device, network, unit, input, Indexed<Shape>(given["shapes"].get<std::vector<Shape>>()),
                                options, memory, {}));
}

/// A thin network, and the input of one of its units for a few images.
class Setting {
  public:
    Setting(const std::string& device, const std::string& network, int unit, int64_t images = 5)
        : device_(make_device(device, 2)), memory_(*device_, int64_t{1} << 30) {
        const StoredModel model = load_weights(fixtures_folder() + "/networks/" + network);
        network_ = make_network(model, false);
        const Unit& u = network_.graph.units[static_cast<size_t>(unit)];
        unit_ = {u.name, u.first, u.last, network_.graph.node(u.first).inputs[0], 0};
        Values values(7);
        const int64_t channels = model.graph.input_channels;
        const Tensor x({images, kSize, kSize, channels}, values.reals(images * kSize * kSize * channels));
        shapes_ = value_shapes(network_.graph, kSize, kSize);
        CachedWalk walk(*device_, network_, put(*device_, x.shape, x.values), memory_);
        for (int i = 0; i < u.first; ++i) walk.compute(i, i + 1);
        input_ = walk.value(unit_.input);
    }

    Buffer correct(const Buffer& input, const CorrectionOptions& options, const std::function<void()>& poll = {}) {
        return corrected_input(*device_, network_, unit_, input, shapes_, options, memory_, poll);
    }
    /// The norms' distances, each a mean over the images.
    std::vector<double> distances(const Buffer& input) {
        StatisticsEmitter emitter(*device_, network_, unit_, shapes_);
        const auto norms = static_cast<int64_t>(emitter.norms());
        const Buffer losses = zeros(*device_, {norms});
        Program program;
        std::vector<TensorId> parts;
        for (int64_t i = 0; i < norms; ++i) parts.push_back(program.rows(program.bind(losses), i, 1));
        emitter.emit(program, program.bind(input), parts, kNone);
        device_->compile(program)->run();
        return doubles(*device_, losses);
    }

    Device& device() { return *device_; }
    const Network& network() const { return network_; }
    const Buffer& input() const { return input_; }

  private:
    std::unique_ptr<Device> device_;
    CacheMemory memory_;
    Network network_;
    Unit unit_;
    Indexed<Shape> shapes_;
    Buffer input_;
};

CorrectionOptions few_steps(int64_t steps) {
    CorrectionOptions options;
    options.steps = steps;
    options.batch = 2;
    return options;
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

}  // namespace

TEST_SUITE("distribution correction") {
    TEST_CASE("units are nudged as PyTorch nudges them: batches, plateaus and all") {
        for (const std::string& name : all_devices()) {
            for (const Json& given : cases()) {
                CAPTURE(name);
                CAPTURE(given["name"]);
                const auto device = make_device(name, 2);
                const std::vector<double> wanted = numbers(given["corrected"]);
                const double error = relative_norm(corrected(*device, given), wanted);
                CHECK(error < (name == "reference" ? 1e-9 : 1e-5));
                CHECK(relative_norm(numbers(given["input"]), wanted) > 5e-3);  // a nudge, well above that
            }
        }
    }

    TEST_CASE("every device nudges as the reference does, identity, downsample and bottleneck blocks") {
        for (const std::string& device : devices_under_test()) {
            for (const std::string network : {"basic.bin", "bottleneck.bin"}) {
                for (int unit : {0, 1, 2, 4}) {
                    CAPTURE(device);
                    CAPTURE(network);
                    CAPTURE(unit);
                    Setting ours(device, network, unit, 3), theirs("reference", network, unit, 3);
                    const CorrectionOptions options = few_steps(6);
                    const auto a = doubles(ours.device(), ours.correct(ours.input(), options)),
                               b = doubles(theirs.device(), theirs.correct(theirs.input(), options));
                    CHECK(relative_norm(a, b) < 1e-5);
                }
            }
        }
    }

    TEST_CASE("what enters each norm comes closer to that norm's statistics, for a small shift") {
        for (const std::string network : {"basic.bin", "bottleneck.bin"}) {
            for (int unit : {0, 1, 2, 4}) {
                CAPTURE(network);
                CAPTURE(unit);
                Setting setting("cpu", network, unit);
                const CorrectionOptions options = few_steps(200);
                const Buffer after = setting.correct(setting.input(), options);
                CHECK(after->shape() == setting.input()->shape());
                const std::vector<double> v = doubles(setting.device(), after),
                                          x = doubles(setting.device(), setting.input());
                double shift = 0.0;
                for (size_t i = 0; i < x.size(); ++i) shift += (v[i] - x[i]) * (v[i] - x[i]);
                shift *= static_cast<double>(after->shape().back()) / static_cast<double>(x.size()) / options.lambda;
                const double before = sum(setting.distances(setting.input())), now = sum(setting.distances(after));
                CHECK(shift > 0.0);
                CHECK(now + shift < before);
                CorrectionOptions free = options;
                free.lambda = 1.0;  // a shift that costs little goes further
                CHECK(sum(setting.distances(setting.correct(setting.input(), free))) < 0.95 * now);
            }
        }
    }

    TEST_CASE("the distance is that of the convolution's own output, counted out by hand") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            Setting setting(device, "basic.bin", 0, 2);
            const Layer& layer = setting.network().layers[0];
            const ConvolutionWindow window = convolution_window_of(setting.network().graph.nodes[0]);
            const int64_t channels = layer.channels(), edge = kSize / 2;
            const Buffer y = setting.device().create({2, edge, edge, channels});
            Program program;
            program.add(Convolution{program.bind(setting.input()),
                                    program.bind(put(setting.device(), layer.shape, layer.weight.values)),
                                    program.bind(y), window});
            setting.device().compile(program)->run();
            const std::vector<double> values = doubles(setting.device(), y);
            double distance = 0.0;
            for (int64_t c = 0; c < channels; ++c) {
                for (int64_t n = 0; n < 2; ++n) {
                    const int64_t positions = edge * edge;
                    double total = 0.0, squares = 0.0;
                    const auto at = [&](int64_t i) {
                        return values[static_cast<size_t>((n * positions + i) * channels + c)];
                    };
                    for (int64_t i = 0; i < positions; ++i) total += at(i);
                    const double mean = total / static_cast<double>(positions);
                    for (int64_t i = 0; i < positions; ++i) squares += (at(i) - mean) * (at(i) - mean);
                    const double deviation = std::sqrt(squares / static_cast<double>(positions - 1) + 1e-6);
                    const auto k = static_cast<size_t>(c);
                    const double wanted = std::sqrt(static_cast<double>(layer.norm->variance[k]) + 1e-6);
                    distance += std::pow(mean - layer.norm->mean[k], 2) + std::pow(deviation - wanted, 2);
                }
            }
            const std::vector<double> found = setting.distances(setting.input());
            REQUIRE(found.size() == 1);
            CHECK(found[0] == doctest::Approx(distance / 2).epsilon(1e-5));
        }
    }

    TEST_CASE("each batch is corrected by itself, in order, the last one smaller") {
        for (const std::string& device : devices_under_test()) {
            CAPTURE(device);
            Setting setting(device, "basic.bin", 2, 5);
            const CorrectionOptions options = few_steps(4);
            const std::vector<float> all = get(setting.device(), *setting.correct(setting.input(), options)),
                                     x = get(setting.device(), *setting.input());
            const auto row = static_cast<std::ptrdiff_t>(x.size() / 5);
            for (std::ptrdiff_t first : {0, 2, 4}) {
                CAPTURE(first);
                Shape shape = setting.input()->shape();
                shape[0] = first == 4 ? 1 : 2;
                const auto begin = first * row, end = (first + static_cast<std::ptrdiff_t>(shape[0])) * row;
                const Buffer some = put(setting.device(), shape, {x.begin() + begin, x.begin() + end});
                CHECK(get(setting.device(), *setting.correct(some, options)) ==
                      std::vector<float>(all.begin() + begin, all.begin() + end));
            }
        }
    }

    TEST_CASE("a unit without batch norms keeps its input, and so does one that takes no steps") {
        Setting head("reference", "basic.bin", 5);
        CHECK(head.correct(head.input(), few_steps(3)) == head.input());
        Setting stem("reference", "basic.bin", 0);
        CHECK(stem.correct(stem.input(), few_steps(0)) == stem.input());
    }

    TEST_CASE("whoever polls may stop it, and changes nothing otherwise") {
        Setting setting("cpu", "basic.bin", 1);
        const CorrectionOptions options = few_steps(30);
        int polls = 0;
        const auto polled = get(setting.device(), *setting.correct(setting.input(), options, [&] { ++polls; })),
                   alone = get(setting.device(), *setting.correct(setting.input(), options));
        CHECK(polls > 0);
        CHECK(polled == alone);
        struct Stop {};
        CHECK_THROWS_AS(setting.correct(setting.input(), options, [] { throw Stop(); }), Stop);
    }

    TEST_CASE("a loss that is not finite names the unit and the step") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            Setting setting(device, "basic.bin", 1, 3);
            std::vector<float> x = get(setting.device(), *setting.input());
            x.back() = std::numeric_limits<float>::infinity();  // in the second batch
            const Buffer input = put(setting.device(), setting.input()->shape(), x);
            CHECK_THROWS_WITH_AS(setting.correct(input, few_steps(3)),
                                 "layer1.0: the distribution correction's loss is not finite at step 1", DataError);
        }
    }
}
