// See unit_timing.h.
#include "adaq/plan/unit_timing.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <map>
#include <numeric>
#include <random>

#include "adaq/state/poll.h"
#include "engine/passes/executor.h"
#include "engine/program/buffers.h"
#include "engine/reconstruction/unit_trainer.h"

namespace adaq {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Such as a ReLU leaves behind: a half is 0, the rest in (0, 1).
std::vector<float> made_up(int64_t count) {
    std::mt19937 random(1);
    std::vector<float> values(count);
    for (float& value : values) value = std::max(0.0f, static_cast<float>(random()) * 0x1p-31f - 1.0f);
    return values;
}

Buffer made_up(Device& device, Shape shape, int64_t images) {
    shape = stacked(images, std::move(shape));
    return put(device, shape, made_up(element_count(shape)));
}

class Timer {
  public:
    Timer(Device& device, const UnitsToTime& what, const UnitOptions& options, int64_t images, Observer& observer)
        : device_(device), what_(what), options_(options), images_(images), observer_(observer) {}

    /// What an iteration's time depends on: equal text, equal time.
    std::string kind(const Unit& unit) const {
        std::string text = options_.prediction ? unit.name : "";  // all behind the unit runs too
        for (int i = unit.first; i < unit.last; ++i) {
            const Node& n = node(i);
            const ValueId output = Graph::output_of(i);
            text += fmt::format("{} {} ", describe(n), what_.network.values[output].has_value());
            for (ValueId input : n.inputs)
                text += fmt::format("{} {} ", input - unit.first, to_string(what_.shapes[input]));
            text += to_string(what_.shapes[output]) + "; ";
        }
        return text;
    }
    /// Forward, to the weights, and to the data inside the unit; with a prediction twice as many images and the tail.
    double flops(const Unit& unit) const {
        double sum = 0.0;
        for (int i = unit.first; i < unit.last; ++i) {
            const Node& n = node(i);
            if (n.layer < 0) continue;
            const int products = 1 + (options_.learn_rounding ? 1 : 0) + (n.inputs[0] == unit.input ? 0 : 1);
            sum += products * product(i);
        }
        if (!options_.prediction) return sum;
        sum *= 2.0;
        for (int i = unit.last; i < what_.network.graph.node_count(); ++i)
            if (node(i).layer >= 0) sum += 2.0 * product(i);
        return sum;
    }
    /// The fastest of three to ten iterations, behind a first one that does not count.
    double seconds(const Unit& unit) const {
        const Buffer input = made_up(device_, what_.shapes[unit.input], images_),
                     output = made_up(device_, what_.shapes[unit.output()], images_),
                     logits = options_.prediction ? made_up(device_, what_.shapes.back(), images_) : nullptr;
        UnitTrainer trainer(device_, what_.network, unit, options_, {input, input, output, output, logits},
                            what_.shapes, &what_.original);
        wait(trainer, 1);
        const auto start = Clock::now();
        double best = std::numeric_limits<double>::infinity();
        for (int i = 0; i < 10 && (i < 3 || seconds_since(start) < 0.2); ++i) {
            poll(observer_);
            const auto begin = Clock::now();
            wait(trainer, 1);
            best = std::min(best, seconds_since(begin));
        }
        return best;
    }

  private:
    const Node& node(int index) const { return what_.network.graph.node(index); }
    /// Of one product of a layer on a batch.
    double product(int index) const {
        const Layer& layer = what_.network.layers[node(index).layer];
        const int64_t outputs = element_count(what_.shapes[Graph::output_of(index)]);
        return 2.0 * static_cast<double>(options_.batch * outputs * layer.weights_per_channel());
    }
    void wait(UnitTrainer& trainer, int64_t iterations) const {
        trainer.advance(iterations);
        float loss = 0.0f;
        device_.download(*trainer.reconstruction_loss(), std::span(&loss, 1));
    }

    Device& device_;
    const UnitsToTime& what_;
    const UnitOptions& options_;
    int64_t images_;
    Observer& observer_;
};

}  // namespace

UnitTiming time_units(Device& device, const UnitsToTime& what, const UnitOptions& options, int64_t images,
                      double budget, Observer& observer) {
    const Timer timer(device, what, options, std::min(images, options.batch), observer);
    std::vector<size_t> order(what.units.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return timer.flops(what.units[a]) > timer.flops(what.units[b]); });
    UnitTiming timing;
    timing.seconds.resize(what.units.size());
    timing.flops.resize(what.units.size());
    std::map<std::string, double> known;
    double seconds_timed = 0.0, flops_timed = 0.0;
    const auto start = Clock::now();
    for (size_t i : order) {
        const Unit& unit = what.units[i];
        const double flops = timer.flops(unit);
        timing.flops[i] = flops;
        const auto like = known.find(timer.kind(unit));
        if (like != known.end()) {
            timing.seconds[i] = like->second;
            ++timing.like_others;
        } else if (timing.timed == 0 || seconds_since(start) < budget) {
            timing.seconds[i] = known[timer.kind(unit)] = timer.seconds(unit);
            seconds_timed += timing.seconds[i];
            flops_timed += flops;
            ++timing.timed;
        } else {
            timing.seconds[i] = seconds_timed * flops / flops_timed;
        }
    }
    return timing;
}

double time_forward(Device& device, const Network& network, int64_t height, int64_t width) {
    constexpr int64_t kImages = 8;
    Executor executor(device, network, kImages, height, width);
    const std::vector<float> images = made_up(kImages * height * width * network.graph.input_channels);
    std::vector<float> logits(kImages * executor.classes());
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
