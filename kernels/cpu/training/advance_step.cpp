// The step values of an iteration, in double, kept as floats.
#include <cmath>
#include <numbers>

#include "kernels/cpu/training/steps.h"

namespace adaq::cpu {
namespace {

class AdvanceStepStep : public Step {
  public:
    explicit AdvanceStepStep(const AdvanceStep& op) : op_(op) {}

    void run(const View& view) override {
        float* state = view.at(op_.state);
        double sum = 0.0;
        for (TensorId loss : op_.losses) {
            sum += static_cast<double>(*view.at(loss));
            if (state[kIteration] > 0 && state[kFirstBad] == 0 && !std::isfinite(*view.at(loss)))
                state[kFirstBad] = state[kIteration];
        }
        const StepSchedule& s = op_.schedule;
        const double t = state[kIteration] + 1.0, total = static_cast<double>(s.iterations), warm = s.warm_up * total;
        const double progress = t > warm ? (t - warm) / (total - warm) : 0.0;
        state[kIteration] = static_cast<float>(t);
        state[kRegulariserOn] = t >= warm ? 1.0f : 0.0f;
        state[kBeta] = static_cast<float>(s.beta_start + (s.beta_end - s.beta_start) * progress);
        state[kRoundingRate] = static_cast<float>(s.rounding_rate);
        state[kFirstCorrection] = static_cast<float>(1.0 / (1.0 - std::pow(0.9, t)));
        state[kSecondCorrection] = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(0.999, t)));
        if (op_.plateau && t > 1.0) {
            follow(static_cast<float>(sum), state);
        } else {
            const double cosine = (1.0 + std::cos(std::numbers::pi * (t - 1.0) / total)) / 2.0;
            state[kScaleRate] = static_cast<float>(s.scale_rate * (s.cosine_scale_rate ? cosine : 1.0));
            state[kChannelRate] = static_cast<float>(s.channel_rate * (s.cosine_scale_rate ? cosine : 1.0));
            state[kBestLoss] = INFINITY;
            state[kBadIterations] = 0.0f;
        }
    }

  private:
    void follow(float loss, float* state) const {
        const PlateauState<float> next =
            follow_plateau({state[kBestLoss], state[kBadIterations], state[kScaleRate]}, *op_.plateau, loss);
        state[kBestLoss] = next.best;
        state[kBadIterations] = next.bad;
        state[kScaleRate] = next.rate;
    }

    AdvanceStep op_;
};

}  // namespace

std::unique_ptr<Step> make_training_step(const Program&, const AdvanceStep& op, const TrainingSetting&) {
    return std::make_unique<AdvanceStepStep>(op);
}

}  // namespace adaq::cpu
