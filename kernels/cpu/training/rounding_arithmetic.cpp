// 18 bytes read and 16 written an element and step, about 120 flops, two divisions and a square root: bound by these,
// and by memory where weights outgrow the caches.
//
// No tie of a quantiser is decided by a sum of products here, so that contraction is allowed; and minima are single
// instructions, for NaN need not come through them (poisoned() sees to it that it shows). A function that is not in the
// anonymous namespace or static must not be called: not even the standard library's inline ones.
// tests/kernels/own_symbols.sh looks for such.
#include "kernels/cpu/training/rounding_arithmetic.h"

#include "engine/rounding.h"
#include "kernels/cpu/training/vector_math.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu::rounding {
namespace {

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

ADAQ_VECTORISE void fill_soft(Channel c, const float* w, const float* v, int64_t n, float* w_hat) {
    for (int64_t i = 0; i < n; ++i) w_hat[i] = dequantised(floorf(w[i] / c.scale) + rectified(v[i]) + c.zero_point, c);
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

ADAQ_VECTORISE void fill_down(Channel c, const float* w, int64_t n, int16_t* below) {
    for (int64_t i = 0; i < n; ++i) {
        float q = floorf(w[i] / c.scale) + c.zero_point;
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
    const bool none = bits_of(v) << 1 > 0xFF000000u;
    return float_of(bits_of(x) | (none ? 0x7FC00000u : 0u));
}

/// penalty[i]: what the regulariser adds to the loss.
ADAQ_VECTORISE void regularise(StepSettings s, const float* v, int64_t n, Block& block, float* penalty) {
    for (int64_t i = 0; i < n; ++i) {
        const float centred = 2.0f * rectified(v[i], block.t[i]) - 1.0f, size = fabsf(centred),
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
inline float slope(float v, float t) { return fabsf(v) <= kEdge ? 0.25f * kSpan * (1.0f - t * t) : 0.0f; }

/// Adam's step of one element along the gradient to V.
inline void move(const StepSettings& s, const Moved& m, int64_t i, float gradient) {
    const float first = 0.9f * m.first[i] + 0.1f * gradient,
                second = 0.999f * m.second[i] + 0.001f * gradient * gradient;
    m.first[i] = first;
    m.second[i] = second;
    m.v[i] -= s.rate * first / (sqrtf(second) * s.second_correction + 1e-8f);
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

}  // namespace

void round_soft(const Channel& channel, const float* w, const float* v, int64_t n, float* w_hat) {
    fill_soft(channel, w, v, n, w_hat);
}

void round_down(const Channel& channel, const float* w, int64_t n, int16_t* below) { fill_down(channel, w, n, below); }

void step(const Channel& channel, const StepSettings& settings, const int16_t* below, const Moved& moved, int64_t n,
          float* w_hat, float* penalty) {
    for (int64_t i = 0; i < n; i += kBlock) {
        const Moved of_block{moved.gradient + i, moved.v + i, moved.first + i, moved.second + i};
        step_block(channel, settings, below + i, of_block, n - i < kBlock ? n - i : kBlock, w_hat + i, penalty + i);
    }
}

}  // namespace adaq::cpu::rounding
