// Gradients of the fully connected layer: 2*N*C*K flops each, a thousandth of a ResNet's work. Vectorised over C.
#include <algorithm>

#include "kernels/cpu/training/activation_backward.h"
#include "kernels/cpu/training/steps.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

ADAQ_VECTORISE void add_scaled(float factor, const float* x, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

class LinearToDataStep : public Step {
  public:
    LinearToDataStep(const Program& program, const LinearToData& op)
        : op_(op),
          rows_(program.shape(op.dx)[0]),
          features_(program.shape(op.dx)[1]),
          outputs_(program.shape(op.w)[0]) {}

    void run(const View& view) override {
        float* dx = view.at(op_.dx);
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < rows_; ++n) {
            float* row = dx + n * features_;
            std::fill_n(row, features_, 0.0f);
            for (int64_t k = 0; k < outputs_; ++k)
                add_scaled(view.at(op_.dy)[n * outputs_ + k], view.at(op_.w) + k * features_, features_, row);
        }
        if (op_.activation || op_.addend != kNone)
            pass_back(op_.activation.value_or(ActivationGradient{}), view, dx, view.at(op_.addend), rows_ * features_,
                      dx);
    }

  private:
    LinearToData op_;
    int64_t rows_, features_, outputs_;
};

class LinearToWeightsStep : public Step {
  public:
    LinearToWeightsStep(const Program& program, const LinearToWeights& op)
        : op_(op),
          rows_(program.shape(op.x)[0]),
          features_(program.shape(op.x)[1]),
          outputs_(program.shape(op.dw)[0]) {}

    void run(const View& view) override {
#pragma omp parallel for schedule(static)
        for (int64_t k = 0; k < outputs_; ++k) {
            float* row = view.at(op_.dw) + k * features_;
            std::fill_n(row, features_, 0.0f);
            for (int64_t n = 0; n < rows_; ++n)
                add_scaled(view.at(op_.dy)[n * outputs_ + k], view.at(op_.x) + n * features_, features_, row);
        }
    }

  private:
    LinearToWeights op_;
    int64_t rows_, features_, outputs_;
};

}  // namespace

std::unique_ptr<Step> make_training_step(const Program& program, const LinearToData& op, int) {
    return std::make_unique<LinearToDataStep>(program, op);
}

std::unique_ptr<Step> make_training_step(const Program& program, const LinearToWeights& op, int) {
    return std::make_unique<LinearToWeightsStep>(program, op);
}

}  // namespace adaq::cpu
