// See unit_timing.h.
#include "tools/run/unit_timing.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <random>
#include <tuple>

#include "engine/executor.h"
#include "engine/reconstruction/unit_trainer.h"
#include "tools/run/interrupt.h"

namespace adaq {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Such as a ReLU leaves behind: a half is 0, the rest in (0, 1).
std::vector<float> made_up(int64_t count) {
    std::mt19937 random(1);
    std::vector<float> values(static_cast<size_t>(count));
    for (float& value : values) value = std::max(0.0f, static_cast<float>(random()) * 0x1p-31f - 1.0f);
    return values;
}

Buffer made_up(Device& device, Shape shape, int64_t images) {
    shape.insert(shape.begin(), images);
    const Buffer buffer = device.create(shape);
    device.upload(*buffer, made_up(element_count(shape)));
    return buffer;
}

/// What an iteration's time depends on.
using Kind = std::tuple<NodeKind, int, int, int, bool, bool, Shape, Shape>;

class Timer {
  public:
    Timer(Device& device, const Network& network, const std::vector<Shape>& shapes, const UnitOptions& options,
          int64_t images)
        : device_(device), network_(network), shapes_(shapes), options_(options), images_(images) {}

    Kind kind(int index) const {
        const Node& n = node(index);
        const auto output = static_cast<size_t>(Graph::output_of(index));
        return {n.kind,         n.kernel,       n.stride, n.padding, n.relu, network_.values[output].has_value(),
                input_shape(n), shapes_[output]};
    }
    double flops(int index) const {  // forward and the gradient to the weights
        const Node& n = node(index);
        const Layer& layer = network_.layers[static_cast<size_t>(n.layer)];
        const int64_t outputs = element_count(shapes_[static_cast<size_t>(Graph::output_of(index))]);
        return 2.0 * 2.0 * static_cast<double>(options_.batch * outputs * layer.weights_per_channel());
    }
    /// The fastest of three to ten iterations, behind a first one that does not count.
    double seconds(int index) const {
        const Node& n = node(index);
        UnitTrainer trainer(device_, network_, {n.name, index, index + 1, n.inputs[0], static_cast<uint32_t>(n.layer)},
                            options_,
                            {made_up(device_, input_shape(n), images_), nullptr,
                             made_up(device_, shapes_[static_cast<size_t>(Graph::output_of(index))], images_)},
                            shapes_);
        wait(trainer, 1);
        const auto start = Clock::now();
        double best = std::numeric_limits<double>::infinity();
        for (int i = 0; i < 10 && (i < 3 || seconds_since(start) < 0.2); ++i) {
            stop_if_interrupted();
            const auto begin = Clock::now();
            wait(trainer, 1);
            best = std::min(best, seconds_since(begin));
        }
        return best;
    }

  private:
    const Node& node(int index) const { return network_.graph.nodes[static_cast<size_t>(index)]; }
    const Shape& input_shape(const Node& n) const { return shapes_[static_cast<size_t>(n.inputs[0])]; }
    void wait(UnitTrainer& trainer, int64_t iterations) const {
        trainer.advance(iterations);
        float loss = 0.0f;
        device_.download(*trainer.reconstruction_loss(), std::span(&loss, 1));
    }

    Device& device_;
    const Network& network_;
    const std::vector<Shape>& shapes_;
    const UnitOptions& options_;
    int64_t images_;
};

}  // namespace

UnitTiming time_units(Device& device, const Network& network, const std::vector<Shape>& shapes,
                      const UnitOptions& options, int64_t images, double budget) {
    const Timer timer(device, network, shapes, options, std::min(images, options.batch));
    std::vector<int> nodes;
    for (int i = 0; i < static_cast<int>(network.graph.nodes.size()); ++i)
        if (network.graph.nodes[static_cast<size_t>(i)].layer >= 0) nodes.push_back(i);
    std::stable_sort(nodes.begin(), nodes.end(), [&](int a, int b) { return timer.flops(a) > timer.flops(b); });
    UnitTiming timing;
    timing.seconds.resize(network.layers.size());
    timing.flops.resize(network.layers.size());
    std::map<Kind, double> known;
    double seconds_timed = 0.0, flops_timed = 0.0;
    const auto start = Clock::now();
    for (int index : nodes) {
        const auto layer = static_cast<size_t>(network.graph.nodes[static_cast<size_t>(index)].layer);
        const double flops = timer.flops(index);
        timing.flops[layer] = flops;
        const auto like = known.find(timer.kind(index));
        if (like != known.end()) {
            timing.seconds[layer] = like->second;
            ++timing.like_others;
        } else if (timing.timed == 0 || seconds_since(start) < budget) {
            timing.seconds[layer] = known[timer.kind(index)] = timer.seconds(index);
            seconds_timed += timing.seconds[layer];
            flops_timed += flops;
            ++timing.timed;
        } else {
            timing.seconds[layer] = seconds_timed * flops / flops_timed;
        }
    }
    return timing;
}

double time_forward(Device& device, const Network& network, int64_t height, int64_t width) {
    constexpr int64_t kImages = 8;
    Executor executor(device, network, kImages, height, width);
    const std::vector<float> images = made_up(kImages * height * width * network.architecture.input_channels);
    std::vector<float> logits(static_cast<size_t>(kImages * executor.classes()));
    executor.run(images, logits);
    double best = std::numeric_limits<double>::infinity();
    for (int i = 0; i < 3; ++i) {
        const auto start = Clock::now();
        executor.run(images, logits);
        best = std::min(best, seconds_since(start));
    }
    return best / kImages;
}

double time_ranges(Device& device, const SchemeOptions& range, int64_t group) {
    constexpr int64_t kValues = int64_t{1} << 17;
    const int64_t groups = group > 0 ? std::max<int64_t>(1, kValues / group) : 1;
    const Shape shape{groups, group > 0 ? group : kValues};
    const Buffer values = device.create(shape);
    std::vector<float> numbers = made_up(element_count(shape));
    for (size_t i = 0; i < numbers.size(); i += 2) numbers[i] = -numbers[i];  // norm-legacy knows both signs alone
    device.upload(*values, numbers);
    const auto start = Clock::now();
    choose_range(device, *values, groups, range, "made-up values");
    return seconds_since(start) / static_cast<double>(element_count(shape));
}

}  // namespace adaq
