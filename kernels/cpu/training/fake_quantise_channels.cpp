// Fake quantisation of weights with a scale of each channel, both ways; a thread takes whole channels.
#include "kernels/cpu/training/steps.h"

namespace adaq::cpu {
namespace {

class FakeQuantiseChannelsStep : public Step {
  public:
    FakeQuantiseChannelsStep(const Program& program, const FakeQuantiseChannels& op)
        : op_(op), channels_(program.shape(op.x)[0]), elements_(element_count(program.shape(op.x)) / channels_) {}

    void run(const View& view) override {
        const float qmin = op_.grid.qmin(), qmax = op_.grid.qmax();
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < channels_; ++k) {
            const float scale = view.at(op_.scale)[k], zero_point = view.at(op_.zero_point)[k];
            const float* x = view.at(op_.x) + k * elements_;
            float* y = view.at(op_.y) + k * elements_;
            for (int64_t i = 0; i < elements_; ++i) y[i] = fake_quantise(x[i], scale, zero_point, qmin, qmax);
        }
    }

  private:
    FakeQuantiseChannels op_;
    int64_t channels_, elements_;
};

class FakeQuantiseChannelsGradientStep : public Step {
  public:
    FakeQuantiseChannelsGradientStep(const Program& program, const FakeQuantiseChannelsGradient& op)
        : op_(op), channels_(program.shape(op.x)[0]), elements_(element_count(program.shape(op.x)) / channels_) {}

    void run(const View& view) override {
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < channels_; ++k) view.at(op_.scale_gradient)[k] = channel(view, k);
    }

  private:
    float channel(const View& view, int64_t k) const {
        const float scale = view.at(op_.scale)[k], zero_point = view.at(op_.zero_point)[k], qmin = op_.grid.qmin(),
                    qmax = op_.grid.qmax();
        const float *x = view.at(op_.x) + k * elements_, *dy = view.at(op_.dy) + k * elements_;
        float* dx = view.at(op_.dx) + k * elements_;
        double by_scale = 0.0;
        for (int64_t i = 0; i < elements_; ++i) {
            const float ratio = x[i] / scale, q = std::rint(ratio) + zero_point;
            const bool below = q<qmin, above = q> qmax;
            const float slope = below ? qmin - zero_point : above ? qmax - zero_point : q - zero_point - ratio;
            by_scale += static_cast<double>(dy[i] * slope);
            dx[i] = below || above ? 0.0f : dy[i];
        }
        return static_cast<float>(by_scale);
    }

    FakeQuantiseChannelsGradient op_;
    int64_t channels_, elements_;
};

}  // namespace

std::unique_ptr<Step> make_training_step(const Program& program, const FakeQuantiseChannels& op,
                                         const TrainingSetting&) {
    return std::make_unique<FakeQuantiseChannelsStep>(program, op);
}

std::unique_ptr<Step> make_training_step(const Program& program, const FakeQuantiseChannelsGradient& op,
                                         const TrainingSetting&) {
    return std::make_unique<FakeQuantiseChannelsGradientStep>(program, op);
}

}  // namespace adaq::cpu
