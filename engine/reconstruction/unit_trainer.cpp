#include "engine/reconstruction/unit_trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine/error.h"
#include "engine/passes/train.h"
#include "engine/program/buffers.h"
#include "engine/reconstruction/float_tail.h"
#include "engine/reconstruction/flops.h"
#include "engine/reconstruction/rounding_probe.h"

namespace adaq {
namespace {

enum RandomSite : uint32_t { kBatchSite, kMixingSite };  // Training's activation sites come behind

}  // namespace

UnitTrainer::UnitTrainer(Device& device, const Network& network, const Unit& unit, const UnitOptions& options,
                         const UnitCaches& caches, const Indexed<Shape>& shapes, const Network* original)
    : device_(device),
      unit_(unit),
      options_(options),
      state_(zeros(device, {kIterationValues})),
      loss_(zeros(device, {1})) {
    const int64_t images = caches.input->shape()[0];
    if (images < options.batch)
        data_error("{}: {} calibration images are fewer than a batch of {}; give more, or a smaller `minibatch`",
                   unit.name, images, options.batch);
    if (options.prediction) prediction_loss_ = zeros(device, {1});
    find_learned(network);
    begin_record(network);
    const Program program = emit(network, caches, shapes, original);
    record_.flops_per_iteration = product_flops(program);
    compiled_ = device.compile(program);
    for (const LearnedRounding& rounding : roundings_) rounding.round(device);
}

UnitTrainer::~UnitTrainer() = default;

void UnitTrainer::find_learned(const Network& network) {
    for (int i = unit_.first; i < unit_.last; ++i) {
        const Node& node = network.graph.node(i);
        if (options_.learn_rounding && node.layer >= 0) {
            roundings_.emplace_back(device_, network, node.layer, options_);
            if (options_.learn_channels) {
                channels_.emplace_back(device_, network, node.layer);
                roundings_.back().channel_scale = channels_.back().factor.value;
            }
        }
        if (options_.norms == NormStatistics::batch && node.layer >= 0 && network.layers[node.layer].norm)
            norms_.emplace_back(device_, network, node.layer);
        const ValueId value = Graph::output_of(i);
        if (options_.learn_scales && network.values[value]) scales_.emplace_back(device_, network, value);
    }
}

TensorId UnitTrainer::batch_indices(Program& program, TensorId state, int64_t images) {
    if (!options_.order.empty()) {
        chosen_batch_ = zeros(device_, {options_.batch});
        return program.bind(chosen_batch_);
    }
    const TensorId indices = program.temporary({options_.batch});
    program.add(DrawBatch{
        indices, state, images, options_.replacement, {options_.seed, unit_.stream, options_.phase, kBatchSite}});
    return indices;
}

/// The unit's input of an iteration: mixed for the reconstruction, and behind it, where there is a prediction, the same
/// images as the quantised network alone has them (docs/arithmetic.md section 8: two halves of one pass).
TensorId UnitTrainer::inputs(Program& program, const UnitCaches& caches, TensorId indices, TensorId state) const {
    const int64_t batch = options_.batch;
    const TensorId x = program.temporary(with_rows(caches.input->shape(), options_.prediction ? 2 * batch : batch));
    Gather gather{program.bind(caches.input), options_.prediction ? program.rows(x, 0, batch) : x, indices};
    if (options_.keep_input < 1.0f)
        gather.mixing = Mixing{program.bind(caches.float_input),
                               options_.keep_input,
                               {options_.seed, unit_.stream, options_.phase, kMixingSite},
                               state};
    program.add(gather);
    if (options_.prediction) program.add(Gather{gather.x, program.rows(x, batch, batch), indices});
    return x;
}

void UnitTrainer::emit_loss(Program& program, const UnitCaches& caches, TensorId y, TensorId dy,
                            TensorId indices) const {
    SquaredError error{y, program.bind(caches.target), dy, program.bind(loss_), indices};
    if (options_.loss == Reconstruction::fisher_diag) error.weight = program.bind(caches.weight);
    error.exponent = options_.exponent;
    const Shape& shape = program.shape(y);
    const auto numel = static_cast<double>(element_count(shape));
    error.factor = (options_.loss == Reconstruction::mean ? 1.0 : static_cast<double>(shape.back())) / numel;
    program.add(error);
}

Program UnitTrainer::emit(const Network& network, const UnitCaches& caches, const Indexed<Shape>& shapes,
                          const Network* original) {
    Program program;
    const TensorId state = program.bind(state_);
    BeginIteration begin{state, options_.schedule, {program.bind(loss_)}};
    if (options_.prediction) begin.losses.push_back(program.bind(prediction_loss_));
    for (const LearnedRounding& rounding : roundings_) begin.losses.push_back(program.bind(rounding.penalty));
    program.add(begin);
    const TensorId indices = batch_indices(program, state, caches.input->shape()[0]);
    const TensorId x = inputs(program, caches, indices, state);
    Training emitter(device_, network, unit_, options_, shapes, program, state);
    for (const LearnedRounding& rounding : roundings_) emitter.learn(rounding);
    for (const LearnedChannels& channels : channels_) emitter.learn(channels);
    for (const LearnedScale& scale : scales_) emitter.learn(scale);
    for (const MovingNorm& norm : norms_) emitter.move(norm);
    const TensorId y = emitter.forward(x), dy = program.temporary(program.shape(y));
    if (!options_.prediction) {
        emit_loss(program, caches, y, dy, indices);
    } else {
        const int64_t batch = options_.batch;
        emit_loss(program, caches, program.rows(y, 0, batch), program.rows(dy, 0, batch), indices);
        FloatTail tail(device_, *original, unit_, shapes, program);
        tail.prediction_difference(program.rows(y, batch, batch), program.rows(dy, batch, batch),
                                   {program.bind(caches.logits), indices, program.bind(prediction_loss_)},
                                   *options_.prediction);
    }
    emitter.backward(dy);
    emitter.step();
    return program;
}

double UnitTrainer::value_of(const Buffer& scalar) const {
    float value = 0.0f;
    device_.download(*scalar, std::span(&value, 1));
    return value;
}

void UnitTrainer::begin_record(const Network& network) {
    record_.name = unit_.name;
    record_.phase = options_.phase;
    record_.iterations = options_.schedule.iterations;
    for (const LearnedRounding& rounding : roundings_)
        record_.roundings.push_back({network.layers[rounding.layer].name, 0, 0.0, 0.0, {}});
    for (const LearnedChannels& channels : channels_) record_.channels.push_back({network.layers[channels.layer].name});
    for (const LearnedScale& scale : scales_)
        record_.scales.push_back({value_name(network.graph, scale.site), value_of(scale.scale), value_of(scale.scale)});
}

void UnitTrainer::end_record(double seconds) {
    record_.seconds = seconds;
    for (size_t i = 0; i < roundings_.size(); ++i)
        record_.roundings[i] = describe_rounding(device_, roundings_[i], record_.roundings[i].layer);
    for (size_t i = 0; i < channels_.size(); ++i)
        record_.channels[i] = channels_[i].describe(device_, record_.channels[i].layer);
    for (size_t i = 0; i < scales_.size(); ++i) record_.scales[i].learned = value_of(scales_[i].scale);
}

/// The losses of the iteration that is just done; throws where one of any iteration so far was not finite.
UnitProgress UnitTrainer::progress(int64_t iteration) const {
    UnitProgress progress{iteration, options_.schedule.iterations, value_of(loss_)};
    if (prediction_loss_) progress.prediction = value_of(prediction_loss_);
    for (const LearnedRounding& rounding : roundings_) progress.penalty += value_of(rounding.penalty);
    std::vector<float> state(kIterationValues);
    device_.download(*state_, state);
    const bool finite = std::isfinite(progress.reconstruction + progress.prediction + progress.penalty);
    if (state[kFirstBad] > 0.0f || !finite)
        data_error("{}: the loss is not finite at iteration {}; give a smaller `lr`{}", unit_.name,
                   state[kFirstBad] > 0.0f ? static_cast<int64_t>(state[kFirstBad]) : iteration,
                   scales_.empty() ? "" : " or `lr_scale`");
    return progress;
}

void UnitTrainer::advance(int64_t iterations) {
    if (!chosen_batch_) return compiled_->run(iterations);
    for (int64_t i = 0; i < iterations; ++i) {
        device_.upload(*chosen_batch_, options_.order[chosen_next_++ % options_.order.size()]);
        compiled_->run();
    }
}

void UnitTrainer::run(const Observer& observe, int64_t interval, const Poll& poll) {
    const auto start = std::chrono::steady_clock::now();
    const int64_t total = options_.schedule.iterations, every = interval > 0 ? interval : report_interval(total);
    RoundingProbe probe(device_, roundings_);
    record_.curve.clear();
    for (int64_t done = 0; done < total;) {
        // The first by itself: a curve shows where it starts.
        const int64_t next = done == 0 ? 1 : std::min(total, (done / every + 1) * every);
        if (chosen_batch_)
            advance(next - done);
        else
            replay_.run(
                *compiled_, next - done, [this] { value_of(loss_); }, poll);
        done = next;
        const UnitProgress now = progress(done);
        record_.curve.push_back({done, now.reconstruction, now.penalty, probe.measure(), now.prediction});
        if (observe) observe(now);
    }
    end_record(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

void UnitTrainer::freeze(Network& network) const {
    for (const LearnedRounding& rounding : roundings_) rounding.freeze(device_, network);
    for (const LearnedChannels& channels : channels_) channels.freeze(device_, network);
    for (const LearnedScale& scale : scales_) scale.freeze(device_, network);
    for (const MovingNorm& norm : norms_) norm.freeze(device_, network);
}

}  // namespace adaq
