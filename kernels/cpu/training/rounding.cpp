// AdaRound's weights from V, and the fused step: 18 bytes read and 16 written an element, about 120 flops, two
// divisions and a square root (docs/arithmetic.md section 5): bound by these, and by memory where weights outgrow the
// caches.
#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <vector>

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
    float *v, *first, *second;

    Moved from(int64_t i) const { return {gradient + i, v + i, first + i, second + i}; }
};

constexpr float kSpan = static_cast<float>(kZeta - kGamma), kLowest = static_cast<float>(kGamma),
                kEdge = static_cast<float>(kRoundingEdge), kSnap = static_cast<float>(kRoundingSnap);

/// h(V), t = tanh(V / 2): the sigmoid is (1 + t) / 2.
inline float rectified(float v, float t) {
    float h = 0.5f * kSpan * t + (0.5f * kSpan + kLowest);
    h = v <= -kSnap ? 0.0f : h;
    return v >= kSnap ? 1.0f : h;
}

inline float rectified(float v) { return rectified(v, fast_tanh_of_half(v)); }

inline float dequantised(float q, const Channel& c) {
    q = q < c.qmin ? c.qmin : q;
    q = q > c.qmax ? c.qmax : q;
    return c.factor * (c.scale * (q - c.zero_point));
}

ADAQ_VECTORISE void round_soft(Channel c, const float* w, const float* v, int64_t n, float* w_hat) {
    for (int64_t i = 0; i < n; ++i)
        w_hat[i] = dequantised(std::floor(w[i] / c.scale) + rectified(v[i]) + c.zero_point, c);
}

// The step goes over a block several times: what an element needs one after the other (a tanh, a power, Adam's division
// and root, a tanh again) is a chain of several hundred cycles, and a processor overlaps only as many elements as fit
// the instructions that it looks ahead.
constexpr int64_t kBlock = 128;  // elements: operands and what passes hand on fit the first-level cache

/// What the passes over a block hand on.
struct Block {
    float t[kBlock];      // tanh(V / 2)
    float below[kBlock];  // as floats
    float power[kBlock];  // |2h - 1|^(beta - 1) with the sign of 2h - 1
};

/// floor(w / s) + z, which no step changes. Two beyond the grid stand for whatever is farther out: no h in [0, 1]
/// brings either back onto it.
ADAQ_VECTORISE void round_down(Channel c, const float* w, int64_t n, int16_t* below) {
    for (int64_t i = 0; i < n; ++i) {
        float q = std::floor(w[i] / c.scale) + c.zero_point;
        q = q >= c.qmin - 2.0f ? q : c.qmin - 2.0f;
        q = q <= c.qmax + 2.0f ? q : c.qmax + 2.0f;
        below[i] = static_cast<int16_t>(q);
    }
}

ADAQ_VECTORISE void begin_block(const int16_t* below, const float* v, int64_t n, Block& block) {
    for (int64_t i = 0; i < n; ++i) {
        block.t[i] = fast_tanh_of_half(v[i]);
        block.below[i] = static_cast<float>(below[i]);
    }
}

/// x, or not a number where v is none. By integers: what is built without NaN in mind loses it in a minimum.
inline float poisoned(float x, float v) {
    const bool none = std::bit_cast<uint32_t>(v) << 1 > 0xFF000000u;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(x) | (none ? 0x7FC00000u : 0u));
}

/// penalty[i]: what the regulariser adds to the loss.
ADAQ_VECTORISE void regularise(StepSettings s, const float* v, int64_t n, Block& block, float* penalty) {
    for (int64_t i = 0; i < n; ++i) {
        const float centred = 2.0f * rectified(v[i], block.t[i]) - 1.0f, size = std::fabs(centred),
                    power = fast_power(size, s.beta - 1.0f);
        penalty[i] = poisoned(s.lambda * (1.0f - power * size), v[i]);
        block.power[i] = centred > 0.0f ? power : centred < 0.0f ? -power : 0.0f;
    }
}

/// dL/dh of the loss, where the clamp lets it through.
inline float by_loss(const Channel& c, float below, float h, float gradient) {
    const float q = below + h;
    return q >= c.qmin && q <= c.qmax ? gradient * (c.factor * c.scale) : 0.0f;
}

/// dh/dV, t = tanh(V / 2).
inline float slope(float v, float t) { return std::fabs(v) <= kEdge ? 0.25f * kSpan * (1.0f - t * t) : 0.0f; }

/// Adam's step of one element along the gradient to V.
inline void move(const StepSettings& s, const Moved& m, int64_t i, float gradient) {
    const float first = 0.9f * m.first[i] + 0.1f * gradient,
                second = 0.999f * m.second[i] + 0.001f * gradient * gradient;
    m.first[i] = first;
    m.second[i] = second;
    m.v[i] -= s.rate * first / (std::sqrt(second) * s.second_correction + 1e-8f);
}

/// Before the warm-up is over: no regulariser.
ADAQ_VECTORISE void move_free(Channel c, StepSettings s, Moved m, int64_t n, const Block& block) {
// More tensors, none of which overlap, than the compiler would check at run time.
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
        const float v = m.v[i], t = block.t[i];
        move(s, m, i, by_loss(c, block.below[i], rectified(v, t), m.gradient[i]) * slope(v, t));
    }
}

ADAQ_VECTORISE void move_regularised(Channel c, StepSettings s, Moved m, int64_t n, const Block& block) {
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
        const float v = m.v[i], t = block.t[i], by_h = -2.0f * s.lambda * s.beta * block.power[i];
        move(s, m, i, (by_loss(c, block.below[i], rectified(v, t), m.gradient[i]) + by_h) * slope(v, t));
    }
}

ADAQ_VECTORISE void end_block(Channel c, const float* v, int64_t n, const Block& block, float* w_hat) {
    for (int64_t i = 0; i < n; ++i) w_hat[i] = poisoned(dequantised(block.below[i] + rectified(v[i]), c), v[i]);
}

void step_block(const Channel& c, const StepSettings& s, const int16_t* below, const Moved& m, int64_t n, float* w_hat,
                float* penalty) {
    Block block;
    begin_block(below, m.v, n, block);
    if (s.lambda == 0.0f) {
        move_free(c, s, m, n, block);
    } else {
        regularise(s, m.v, n, block, penalty);
        move_regularised(c, s, m, n, block);
    }
    end_block(c, m.v, n, block, w_hat);
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
            round_soft(c, view.at(r.w) + first, view.at(r.v) + first, n, view.at(r.w_hat) + first);
            return 0.0;
        });
    }

  private:
    RoundWeights op_;
    RoundingPieces pieces_;
};

class RoundingStepStep : public Step {
  public:
    RoundingStepStep(const Program& program, const RoundingStep& op)
        : op_(op),
          pieces_(program, op.rounding),
          below_(static_cast<size_t>(element_count(program.shape(op.rounding.w)))) {}

    void refresh(const View& view) override {
        const Rounding& r = op_.rounding;
        const Versions versions{view.version(r.w), view.version(r.scale), view.version(r.zero_point)};
        if (versions_ == versions) return;
        versions_ = versions;
        pieces_.for_each(view, [&](const Channel& c, int64_t first, int64_t n) {
            round_down(c, view.at(r.w) + first, n, below_.data() + first);
            return 0.0;
        });
    }

    void run(const View& view) override {
        const Rounding& r = op_.rounding;
        const float* state = view.at(op_.state);
        const StepSettings settings{state[kRegulariserOn] > 0.0f ? static_cast<float>(op_.lambda) : 0.0f, state[kBeta],
                                    state[kRoundingRate] * state[kFirstCorrection], state[kSecondCorrection]};
        const double penalty = pieces_.for_each(view, [&](const Channel& c, int64_t first, int64_t n) {
            const Moved moved{view.at(op_.w_hat_gradient) + first, view.at(r.v) + first,
                              view.at(op_.first_moment) + first, view.at(op_.second_moment) + first};
            const int16_t* below = below_.data() + first;
            float *w_hat = view.at(r.w_hat) + first, penalties[kPiece];
            for (int64_t i = 0; i < n; i += kBlock)
                step_block(c, settings, below + i, moved.from(i), std::min(kBlock, n - i), w_hat + i, penalties + i);
            return settings.lambda == 0.0f ? 0.0 : sum_of(penalties, n);
        });
        if (op_.penalty != kNone) *view.at(op_.penalty) = static_cast<float>(penalty);
    }

  private:
    using Versions = std::array<uint64_t, 3>;  // of w, its scales and zero points

    RoundingStep op_;
    RoundingPieces pieces_;
    std::vector<int16_t> below_;
    std::optional<Versions> versions_;  // of what below_ was made from
};

}  // namespace

std::unique_ptr<Step> make_training_step(const Program& program, const RoundWeights& op, const TrainingSetting&) {
    return std::make_unique<RoundWeightsStep>(program, op);
}

std::unique_ptr<Step> make_training_step(const Program& program, const RoundingStep& op, const TrainingSetting&) {
    return std::make_unique<RoundingStepStep>(program, op);
}

}  // namespace adaq::cpu
