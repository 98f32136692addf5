// The fully connected layer: 2*N*C*K flops over 4*K*C bytes of weights, a thousandth of a ResNet's work. Our own loop,
// not a library's, because the order of its sums must depend on C alone: each output adds its C terms one after the
// other, whatever the batch and the number of threads, so logits keep their bits.
#include <algorithm>

#include "kernels/cpu/epilogue.h"
#include "kernels/cpu/step.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

/// sum[k] += x * w[k]: vectorised over outputs, so that no output's own order changes.
ADAQ_VECTORISE void multiply_add(float x, const float* w, int64_t n, float* sum) {
    for (int64_t k = 0; k < n; ++k) sum[k] += x * w[k];
}

class LinearStep : public Step {
  public:
    LinearStep(const Program& program, const Linear& op, int64_t images)
        : op_(op),
          images_(images),
          features_(program.shape(op.w)[1]),
          outputs_(program.shape(op.w)[0]),
          transposed_(features_ * outputs_) {}

    void refresh(const View& view) override {
        if (fresh_ && version_ == view.version(op_.w)) return;
        const float* w = view.at(op_.w);
        for (int64_t k = 0; k < outputs_; ++k) {
            for (int64_t c = 0; c < features_; ++c) transposed_.data()[c * outputs_ + k] = w[k * features_ + c];
        }
        version_ = view.version(op_.w);
        fresh_ = true;
    }

    void run(const View& view) override {
        const float *x = view.at(op_.x), *scale = view.at(op_.epilogue.scale), *shift = view.at(op_.epilogue.shift);
        float* y = view.at(op_.y);
#pragma omp parallel for schedule(static)
        for (int64_t n = 0; n < images_; ++n) {
            float* sum = y + n * outputs_;
            std::fill_n(sum, outputs_, 0.0f);
            for (int64_t c = 0; c < features_; ++c) {
                multiply_add(x[n * features_ + c], transposed_.data() + c * outputs_, outputs_, sum);
            }
            for (int64_t k = 0; scale && k < outputs_; ++k) sum[k] *= scale[k];
            for (int64_t k = 0; shift && k < outputs_; ++k) sum[k] += shift[k];
        }
        finish_epilogue(op_.epilogue, view, images_ * outputs_, y);
    }

  private:
    Linear op_;
    int64_t images_, features_, outputs_;
    AlignedFloats transposed_;  // [C][K]
    uint64_t version_ = 0;
    bool fresh_ = false;
};

}  // namespace

std::unique_ptr<Step> make_step(const Program& program, const Linear& op, const StepSetting& setting) {
    return std::make_unique<LinearStep>(program, op, setting.images);
}

}  // namespace adaq::cpu
