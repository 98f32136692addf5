// Adam for scales: a handful of numbers.
#include <algorithm>
#include <cmath>

#include "kernels/cpu/training/steps.h"

namespace adaq::cpu {
namespace {

class AdamStepStep : public Step {
  public:
    AdamStepStep(const Program& program, const AdamStep& op) : op_(op), count_(element_count(program.shape(op.x))) {}
    void run(const View& view) override {
        const float* state = view.at(op_.state);
        const float rate = state[kScaleRate] * state[kFirstCorrection];
        float *x = view.at(op_.x), *first = view.at(op_.first_moment), *second = view.at(op_.second_moment);
        const float* gradient = view.at(op_.gradient);
        for (int64_t i = 0; i < count_; ++i) {
            first[i] = 0.9f * first[i] + 0.1f * gradient[i];
            second[i] = 0.999f * second[i] + 0.001f * gradient[i] * gradient[i];
            x[i] -= rate * first[i] / (std::sqrt(second[i]) * state[kSecondCorrection] + 1e-8f);
            x[i] = std::max(x[i], op_.minimum);
        }
    }

  private:
    AdamStep op_;
    int64_t count_;
};

}  // namespace

std::unique_ptr<Step> make_training_step(const Program& program, const AdamStep& op, const TrainingSetting&) {
    return std::make_unique<AdamStepStep>(program, op);
}

}  // namespace adaq::cpu
