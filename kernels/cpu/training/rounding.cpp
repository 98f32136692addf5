// AdaRound's weights from V, and the fused step: 20 bytes read and 16 written an element, about 60 flops and one
// division, one square root (methods.md section 5).
#include <algorithm>

#include "engine/rounding.h"
#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/training/steps.h"
#include "kernels/cpu/training/vector_math.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

/// What a run of elements of one channel shares.
struct Channel {
    float scale, zero_point, qmin, qmax, factor;
};

struct StepSettings {
    float lambda, beta, rate, second_correction;  // lambda 0: no regulariser; rate with the first correction in it
};

/// What a step moves.
struct Moved {
    const float* gradient;
    float *v, *first, *second, *penalty;
};

constexpr float kSpan = static_cast<float>(kZeta - kGamma), kLowest = static_cast<float>(kGamma),
                kEdge = static_cast<float>(kRoundingEdge), kSnap = static_cast<float>(kRoundingSnap);

inline float sigmoid(float v) { return 1.0f / (1.0f + fast_exp(-v)); }

inline float rectified(float v, float sigma) {
    float h = sigma * kSpan + kLowest;
    h = v <= -kSnap ? 0.0f : h;
    return v >= kSnap ? 1.0f : h;
}

inline float dequantised(float q, const Channel& c) {
    q = q < c.qmin ? c.qmin : q;
    q = q > c.qmax ? c.qmax : q;
    return c.factor * (c.scale * (q - c.zero_point));
}

ADAQ_VECTORISE void round_soft(Channel c, const float* w, const float* v, int64_t n, float* w_hat) {
    for (int64_t i = 0; i < n; ++i)
        w_hat[i] = dequantised(std::floor(w[i] / c.scale) + rectified(v[i], sigmoid(v[i])) + c.zero_point, c);
}

ADAQ_VECTORISE void round_hard(Channel c, const float* w, const float* v, int64_t n, float* w_hat) {
    for (int64_t i = 0; i < n; ++i)
        w_hat[i] = dequantised(std::floor(w[i] / c.scale) + (v[i] >= 0.0f ? 1.0f : 0.0f) + c.zero_point, c);
}

ADAQ_VECTORISE void step(Channel c, StepSettings s, const float* w, Moved m, int64_t n, float* w_hat) {
    const float slope = c.factor * c.scale;
// Seven tensors, none of which overlap: more than the compiler would check at run time.
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
        const float v = m.v[i], sigma = sigmoid(v), h = rectified(v, sigma), below = std::floor(w[i] / c.scale);
        const float by_v = std::fabs(v) <= kEdge ? kSpan * sigma * (1.0f - sigma) : 0.0f;
        const float q = below + h + c.zero_point;
        float gradient = q >= c.qmin && q <= c.qmax ? m.gradient[i] * slope * by_v : 0.0f;
        const float centred = 2.0f * h - 1.0f, size = std::fabs(centred), power = fast_power(size, s.beta - 1.0f);
        const float by_h = (centred > 0.0f ? -2.0f : centred < 0.0f ? 2.0f : 0.0f) * s.beta * power;
        gradient += s.lambda * by_h * by_v;
        m.penalty[i] = s.lambda * (1.0f - power * size);
        const float first = 0.9f * m.first[i] + 0.1f * gradient,
                    second = 0.999f * m.second[i] + 0.001f * gradient * gradient;
        m.first[i] = first;
        m.second[i] = second;
        const float moved = v - s.rate * first / (std::sqrt(second) * s.second_correction + 1e-8f);
        m.v[i] = moved;
        w_hat[i] = dequantised(below + rectified(moved, sigmoid(moved)) + c.zero_point, c);
    }
}

/// A rounding's tensors, in pieces that no channel's end divides.
class RoundingPieces {
  public:
    RoundingPieces(const Program& program, const Rounding& r)
        : rounding_(r),
          channels_(program.shape(r.w)[0]),
          elements_(element_count(program.shape(r.w)) / channels_),
          one_scale_(program.shape(r.scale)[0] == 1) {}

    /// work(channel, first, count) over all elements; returns the sum of what it returns, in a fixed order.
    template <typename Work>
    double for_each(const View& view, const Work& work) const {
        const int64_t of_channel = pieces_of(elements_);
        std::vector<double> sums(static_cast<size_t>(channels_ * of_channel));
#pragma omp parallel for schedule(static)
        for (int64_t piece = 0; piece < channels_ * of_channel; ++piece) {
            const int64_t k = piece / of_channel, offset = piece % of_channel * kPiece;
            sums[static_cast<size_t>(piece)] =
                work(channel(view, k), k * elements_ + offset, std::min(kPiece, elements_ - offset));
        }
        return std::accumulate(sums.begin(), sums.end(), 0.0);
    }

  private:
    Channel channel(const View& view, int64_t k) const {
        const int64_t group = one_scale_ ? 0 : k;
        return {view.at(rounding_.scale)[group], view.at(rounding_.zero_point)[group], rounding_.grid.qmin(),
                rounding_.grid.qmax(), rounding_.channel_scale == kNone ? 1.0f : view.at(rounding_.channel_scale)[k]};
    }
    Rounding rounding_;
    int64_t channels_, elements_;
    bool one_scale_;
};

class RoundWeightsStep : public Step {
  public:
    RoundWeightsStep(const Program& program, const RoundWeights& op) : op_(op), pieces_(program, op.rounding) {}
    void run(const View& view) override {
        const Rounding& r = op_.rounding;
        pieces_.for_each(view, [&](const Channel& c, int64_t first, int64_t n) {
            const auto round = op_.hard ? round_hard : round_soft;
            round(c, view.at(r.w) + first, view.at(r.v) + first, n, view.at(r.w_hat) + first);
            return 0.0;
        });
    }

  private:
    RoundWeights op_;
    RoundingPieces pieces_;
};

class RoundingStepStep : public Step {
  public:
    RoundingStepStep(const Program& program, const RoundingStep& op) : op_(op), pieces_(program, op.rounding) {}
    void run(const View& view) override {
        const Rounding& r = op_.rounding;
        const float* state = view.at(op_.state);
        const StepSettings settings{state[kRegulariserOn] > 0.0f ? static_cast<float>(op_.lambda) : 0.0f, state[kBeta],
                                    state[kRoundingRate] * state[kFirstCorrection], state[kSecondCorrection]};
        const double penalty = pieces_.for_each(view, [&](const Channel& c, int64_t first, int64_t n) {
            float penalties[kPiece];
            const Moved moved{view.at(op_.w_hat_gradient) + first, view.at(r.v) + first,
                              view.at(op_.first_moment) + first, view.at(op_.second_moment) + first, penalties};
            step(c, settings, view.at(r.w) + first, moved, n, view.at(r.w_hat) + first);
            return std::accumulate(penalties, penalties + n, 0.0);
        });
        if (op_.penalty != kNone) *view.at(op_.penalty) = static_cast<float>(penalty);
    }

  private:
    RoundingStep op_;
    RoundingPieces pieces_;
};

}  // namespace

std::unique_ptr<Step> make_training_step(const Program& program, const RoundWeights& op, const TrainingSetting&) {
    return std::make_unique<RoundWeightsStep>(program, op);
}

std::unique_ptr<Step> make_training_step(const Program& program, const RoundingStep& op, const TrainingSetting&) {
    return std::make_unique<RoundingStepStep>(program, op);
}

}  // namespace adaq::cpu
