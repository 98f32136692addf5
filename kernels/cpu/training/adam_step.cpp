// Adam for scales, a handful of numbers, and for the input of a unit, millions: 16 bytes read and 12 written an
// element.
#include <cmath>

#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

/// The step's size with the first moment's correction in it, the second's correction, the least value.
struct Adam {
    float rate, correction, minimum;
};

ADAQ_VECTORISE void step(const Adam& adam, const float* gradient, int64_t n, float* x, float* first, float* second) {
    const float rate = adam.rate, correction = adam.correction, minimum = adam.minimum;
    for (int64_t i = 0; i < n; ++i) {
        const float g = gradient[i], m = 0.9f * first[i] + 0.1f * g, u = 0.999f * second[i] + 0.001f * g * g;
        first[i] = m;
        second[i] = u;
        const float moved = x[i] - rate * m / (std::sqrt(u) * correction + 1e-8f);
        x[i] = moved < minimum ? minimum : moved;
    }
}

class CompiledAdamStep : public CompiledOperation {
  public:
    CompiledAdamStep(const Program& program, const AdamStep& op)
        : op_(op), count_(element_count(program.shape(op.x))) {}
    void run(const View& view) override {
        const float *state = view.at(op_.state), *gradient = view.at(op_.gradient);
        float *x = view.at(op_.x), *first = view.at(op_.first_moment), *second = view.at(op_.second_moment);
        const Adam adam{state[op_.rate] * state[kFirstCorrection], state[kSecondCorrection], op_.minimum};
        for_pieces(count_, [&](int64_t i, int64_t n) { step(adam, gradient + i, n, x + i, first + i, second + i); });
    }

  private:
    AdamStep op_;
    int64_t count_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const AdamStep& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledAdamStep>(program, op);
}

}  // namespace adaq::cpu
