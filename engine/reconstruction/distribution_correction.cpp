#include "engine/reconstruction/distribution_correction.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/error.h"
#include "engine/program/buffers.h"
#include "engine/reconstruction/replay.h"
#include "engine/reconstruction/statistics_emitter.h"

namespace adaq {
namespace {

/// Batches of one size: one iteration compiled, replayed for each of them.
class BatchCorrection {
  public:
    BatchCorrection(Device& device, const std::string& name, const CorrectionOptions& options, const Shape& batch,
                    StatisticsEmitter& emitter)
        : device_(device),
          name_(name),
          steps_(options.steps),
          original_(device.create(batch)),
          corrected_(device.create(batch)),
          first_moment_(device.create(batch)),
          second_moment_(device.create(batch)),
          state_(device.create({kIterationValues})),
          losses_(zeros(device, {1 + static_cast<int64_t>(emitter.norms())})),
          nothing_(element_count(batch)) {
        compiled_ = device.compile(iteration(options, emitter));
    }

    /// Images [first, first + batch) of one tensor, corrected, into the same rows of another.
    void run(const Buffer& from, int64_t first, const Buffer& to, const Poll& poll) {
        start(from, first);
        replay_.run(
            *compiled_, steps_, [&] { static_cast<void>(get(device_, *losses_)); }, poll);
        check_finite();
        Program program;
        program.add(Gather{program.bind(corrected_), rows(program, to, first)});
        device_.compile(program)->run();
    }

  private:
    Program iteration(const CorrectionOptions& options, StatisticsEmitter& emitter) {
        Program program;
        const TensorId all = program.bind(losses_), input = program.bind(corrected_);
        std::vector<TensorId> losses;
        for (int64_t i = 0; i < losses_->shape()[0]; ++i) losses.push_back(program.rows(all, i, 1));
        Schedule schedule;
        schedule.iterations = options.steps;
        schedule.scale_rate = options.rate;
        const TensorId state = program.bind(state_);
        program.add(BeginIteration{state, schedule, losses, options.plateau});

        const Shape& shape = corrected_->shape();
        SquaredError shift{input, program.bind(original_), program.temporary(shape), losses[0]};
        shift.factor = static_cast<double>(shape.back()) / static_cast<double>(element_count(shape)) / options.lambda;
        program.add(shift);
        losses.erase(losses.begin());
        const TensorId gradient = emitter.emit(program, input, losses, shift.dy);
        program.add(AdamStep{input, gradient, program.bind(first_moment_), program.bind(second_moment_), state});
        return program;
    }

    TensorId rows(Program& program, const Buffer& whole, int64_t first) const {
        return program.rows(program.bind(whole), first, corrected_->shape()[0]);
    }

    void start(const Buffer& from, int64_t first) {
        Program program;
        const TensorId images = rows(program, from, first);
        program.add(Gather{images, program.bind(original_)});
        program.add(Gather{images, program.bind(corrected_)});
        device_.compile(program)->run();
        device_.upload(*first_moment_, nothing_);
        device_.upload(*second_moment_, nothing_);
        device_.upload(*state_, std::vector<float>(kIterationValues));
    }

    void check_finite() const {
        const std::vector<float> losses = get(device_, *losses_), state = get(device_, *state_);
        const bool finite = std::all_of(losses.begin(), losses.end(), [](float loss) { return std::isfinite(loss); });
        if (finite && state[kFirstBad] == 0.0f) return;
        data_error("{}: the distribution correction's loss is not finite at step {}", name_,
                   state[kFirstBad] > 0.0f ? static_cast<int64_t>(state[kFirstBad]) : steps_);
    }

    Device& device_;
    std::string name_;
    int64_t steps_;
    Buffer original_, corrected_, first_moment_, second_moment_;
    Buffer state_, losses_;       // losses: the shift's, then the norms'
    std::vector<float> nothing_;  // what moments start from
    std::unique_ptr<CompiledProgram> compiled_;
    Replay replay_;
};

}  // namespace

Buffer corrected_input(Device& device, const Network& original, const Unit& unit, const Buffer& float_input,
                       const Indexed<Shape>& shapes, const CorrectionOptions& options, CacheMemory& memory,
                       const Poll& poll) {
    require(!original.folded, "distribution correction: the batch norms of {} are folded", unit.name);
    require(options.batch > 0 && options.lambda > 0.0, "distribution correction: batch {}, lambda {}", options.batch,
            options.lambda);
    StatisticsEmitter emitter(device, original, unit, shapes);
    if (emitter.norms() == 0 || options.steps == 0) return float_input;
    const int64_t images = float_input->shape()[0];
    const Buffer corrected = memory.create(float_input->shape());
    std::unique_ptr<BatchCorrection> correction;
    int64_t compiled_for = 0;
    for (int64_t first = 0; first < images; first += options.batch) {
        const int64_t batch = std::min(options.batch, images - first);
        if (batch != compiled_for) {
            correction.reset();  // its memory first
            correction = std::make_unique<BatchCorrection>(device, unit.name, options,
                                                           with_rows(float_input->shape(), batch), emitter);
            compiled_for = batch;
        }
        correction->run(float_input, first, corrected, poll);
    }
    return corrected;
}

}  // namespace adaq
