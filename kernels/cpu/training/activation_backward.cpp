// Reads the gradient, the saved value and the addend, writes the gradient: 8 to 16 bytes an element; LSQ's gradient to
// the scale (docs/arithmetic.md section 6) comes along.
#include "kernels/cpu/training/activation.h"

#include <algorithm>

#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/masks.h"
#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

struct Clamp {
    float scale, zero_point, qmin, qmax;
};

ADAQ_VECTORISE void add(const float* a, const float* b, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

ADAQ_VECTORISE void mask_lowest(const float* v, float lowest, int64_t n, float* g) {
    for (int64_t i = 0; i < n; ++i) g[i] = v[i] > lowest ? g[i] : 0.0f;
}

/// The same of a clamp with an upper limit.
ADAQ_VECTORISE void mask_limits(const float* v, float lowest, float highest, int64_t n, float* g) {
    for (int64_t i = 0; i < n; ++i) g[i] = v[i] > lowest && v[i] < highest ? g[i] : 0.0f;
}

/// g *= [inside the clamp], where kept; by_scale[i] = g[i] * d x-hat / d s, 0 where not kept.
ADAQ_VECTORISE void mask_clamp(const Clamp& c, const float* v, const float* kept, int64_t n, float* g,
                               float* by_scale) {
    const float scale = c.scale, zero_point = c.zero_point, qmin = c.qmin, qmax = c.qmax;
    for (int64_t i = 0; i < n; ++i) {
        const float ratio = v[i] / scale, q = std::rint(ratio) + zero_point;
        const bool below = q<qmin, above = q> qmax;
        const float inner = q - zero_point - ratio;
        const float slope = below ? qmin - zero_point : above ? qmax - zero_point : inner;
        by_scale[i] = kept[i] > 0.0f ? g[i] * slope : 0.0f;
        g[i] = kept[i] > 0.0f && (below || above) ? 0.0f : g[i];
    }
}

class CompiledActivationBackward : public CompiledOperation {
  public:
    CompiledActivationBackward(const Program& program, const ActivationBackward& op)
        : op_(op), count_(element_count(program.shape(op.dx))) {}
    void run(const View& view) override {
        pass_back(op_.activation, view, view.at(op_.dy), view.at(op_.addend), count_, view.target(op_.dx));
    }

  private:
    ActivationBackward op_;
    int64_t count_;
};

}  // namespace

void pass_back(const ActivationGradient& a, const View& view, const float* dy, const float* addend, int64_t count,
               Target dx) {
    const float* v = view.at(a.value);
    const auto& q = a.quantiser;
    const double by_scale = sum_pieces(count, [&](int64_t first, int64_t n) {
        TargetPiece<kPiece> piece(dx + first);
        float* const g = piece.values();
        if (addend)
            add(dy + first, addend + first, n, g);
        else if (g != dy + first)
            std::copy_n(dy + first, n, g);
        double sum = 0.0;
        if (q) {
            float kept[kPiece], slopes[kPiece];
            if (q->dropping)
                Mask(*q->dropping, view).fill(first, n, kept);
            else
                std::fill_n(kept, n, 1.0f);
            mask_clamp({*view.at(q->scale), q->zero_point, q->grid.qmin(), q->grid.qmax()}, v + first, kept, n, g,
                       slopes);
            sum = sum_of(slopes, n);
        }
        if (a.activation.limited())
            mask_limits(v + first, a.activation.lowest(), a.activation.highest(), n, g);
        else if (a.activation)
            mask_lowest(v + first, a.activation.lowest(), n, g);
        piece.store(n);
        return sum;
    });
    if (a.scale_gradient != kNone) *view.at(a.scale_gradient) = static_cast<float>(by_scale * a.scale_gradient_factor);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const ActivationBackward& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledActivationBackward>(program, op);
}

}  // namespace adaq::cpu
