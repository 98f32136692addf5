// Random layers for the tests of integer kernels, and what they have to give: plain loops in 64 bits and the plain
// epilogue.
#pragma once

#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/cpu/integer/convolution.h"
#include "kernels/cpu/integer/reciprocal.h"
#include "support/operations.h"

namespace adaq::test {

namespace integer = cpu::integer;

inline int draw(Values& values, int lo, int hi) { return static_cast<int>(values.whole(lo, hi)); }

/// Codes lie at both ends half of the time, so that sums of products are as large as they get.
template <typename Code>
std::vector<Code> draw_codes(Values& values, int64_t count, int lo, int hi) {
    std::vector<Code> codes(static_cast<size_t>(count));
    for (Code& code : codes) {
        const int kind = draw(values, 0, 3);
        code = static_cast<Code>(kind == 0 ? lo : kind == 1 ? hi : draw(values, lo, hi));
    }
    return codes;
}

inline integer::Geometry draw_geometry(Values& values, bool grouped) {
    integer::Geometry g{};
    g.r = draw(values, 1, 4), g.s = draw(values, 1, 4);
    g.stride_h = draw(values, 1, 3), g.stride_w = draw(values, 1, 2);
    g.dilation_h = draw(values, 1, 4) == 1 ? 2 : 1, g.dilation_w = draw(values, 1, 4) == 1 ? 2 : 1;
    if (draw(values, 0, 2) > 0) {
        g.top = draw(values, 0, 3), g.left = draw(values, 0, 3);
        g.bottom = draw(values, 0, 3), g.right = draw(values, 0, 3);
    }
    const auto least = [](int64_t window, int64_t dilation, int64_t padding) {
        return static_cast<int>(std::max<int64_t>(1, (window - 1) * dilation + 1 - padding));
    };
    g.h = least(g.r, g.dilation_h, g.top + g.bottom) + draw(values, 0, 6);
    g.w = least(g.s, g.dilation_w, g.left + g.right) + draw(values, 0, draw(values, 0, 1) == 0 ? 6 : 40);
    g.c = draw(values, 0, 1) == 0 ? draw(values, 1, 9) : 4 * draw(values, 1, 20);
    g.k = draw(values, 0, 1) == 0 ? draw(values, 1, 20) : 16 * draw(values, 1, 5);
    if (draw(values, 0, 4) == 0) g.r = g.s = g.dilation_h = g.dilation_w = g.stride_h = g.stride_w = 1;
    if (grouped) {
        g.groups = draw(values, 2, 4);
        const int most = draw(values, 0, 1) == 0 ? 5 : 40;
        g.c = g.groups * draw(values, 1, most), g.k = g.groups * draw(values, 1, most);
        if (draw(values, 0, 2) == 0) g.groups = g.c = g.k = draw(values, 2, 150);
    }
    return g;
}

/// What an epilogue reads.
struct EpilogueData {
    std::vector<float> scale, shift, residual_values;
    std::vector<uint8_t> residual_codes;
    integer::Epilogue epilogue;

    /// spread: about as large as sums get.
    EpilogueData(Values& values, int64_t k, int64_t outputs, float spread) {
        for (int64_t i = 0; i < k; ++i) {
            scale.push_back((values.real() + 1.25f) * (draw(values, 0, 3) == 0 ? -1.0f : 1.0f) / spread);
            shift.push_back(values.real());
        }
        if (draw(values, 0, 3) > 0) epilogue.scale = scale.data();
        if (draw(values, 0, 3) > 0) epilogue.shift = shift.data();
        epilogue.residual.scale = values.real() * 0.02f;
        const int residual = draw(values, 0, 2);
        if (residual == 1) {
            residual_values = values.reals(outputs);
            epilogue.residual.values = residual_values.data();
        } else if (residual == 2) {
            residual_codes = draw_codes<uint8_t>(values, outputs, 0, 255);
            epilogue.residual.codes = residual_codes.data();
            epilogue.residual.zero = draw(values, 0, 255);
            if (draw(values, 0, 1) == 0) {  // what they are added to is scaled, and not they
                epilogue.residual.scale = 1.0f;
                epilogue.factor = 50.0f + 25.0f * values.real();
                if (draw(values, 0, 1) == 0) epilogue.summand = values.real();
            }
        }
        if (draw(values, 0, 1) == 0) epilogue.lowest = 0.0f;
        if (draw(values, 0, 2) == 0) epilogue.highest = 0.6f;
        if (draw(values, 0, 2) == 0) return;
        const int bits = draw(values, 2, 8), qmin = draw(values, 0, 1) == 0 ? 0 : -(1 << (bits - 1)),
                  qmax = qmin + (1 << bits) - 1;
        const float range = (epilogue.scale != nullptr ? 2.0f : 2.0f * spread) * epilogue.factor;
        epilogue.quantiser =
            integer::Quantiser{range / static_cast<float>(1 << bits), draw(values, qmin, qmax), qmin, qmax};
        const int way = draw(values, 0, 3);
        if (way == 0) epilogue.quantiser->factor = 1.1f / epilogue.quantiser->scale;
        if (way == 0 && draw(values, 0, 1) == 0) shift_codes(values);
        if (way > 1) epilogue.quantiser->products = integer::products_have_codes(*epilogue.quantiser);
    }
    /// The quantiser has a factor. Its product gets a summand, and counts codes.
    void shift_codes(Values& values) {
        integer::Quantiser& quantiser = *epilogue.quantiser;
        quantiser.zero_point = quantiser.qmin;
        quantiser.shift = (values.real() + 1.001f) * 0.5f * static_cast<float>(quantiser.qmax - quantiser.qmin);
    }
    EpilogueData(const EpilogueData&) = delete;
    EpilogueData& operator=(const EpilogueData&) = delete;
};

/// What a layer wrote, with a margin that must stay as it was.
class Output {
  public:
    explicit Output(int64_t count) : count_(count), values_(size(), -77.0f), codes_(size(), 0xA5) {}
    integer::Result result() { return {values_.data() + kMargin, codes_.data() + kMargin}; }
    bool operator==(const Output& other) const {
        return codes_ == other.codes_ &&
               std::memcmp(values_.data(), other.values_.data(), values_.size() * sizeof(float)) == 0;
    }

  private:
    static constexpr int64_t kMargin = 64;
    size_t size() const { return static_cast<size_t>(count_ + 2 * kMargin); }
    int64_t count_;
    std::vector<float> values_;
    std::vector<uint8_t> codes_;
};

/// Both neighbours and further ones of every float whose quotient is a tie, or nearly so.
inline std::vector<float> near_ties(const integer::Quantiser& q) {
    std::vector<float> values;
    for (int code = q.qmin - q.zero_point - 2; code <= q.qmax - q.zero_point + 2; ++code) {
        float v = static_cast<float>((static_cast<double>(code) + 0.5) * static_cast<double>(q.scale));
        for (int i = 0; i < 20; ++i) v = std::nextafterf(v, -std::numeric_limits<float>::infinity());
        for (int i = 0; i < 40; ++i) {
            values.push_back(v);
            v = std::nextafterf(v, std::numeric_limits<float>::infinity());
        }
    }
    return values;
}

inline int64_t outputs_of(const integer::Geometry& g, int64_t images) { return images * g.p() * g.q() * g.k; }

/// Calls tap(n, p, q, k, index of x or -1 in the padding, index of w), and after each output finish(k, index of y).
template <typename Tap, typename Finish>
void for_each_tap(const integer::Geometry& g, int64_t images, const Tap& tap, const Finish& finish) {
    int64_t y = 0;
    for (int64_t n = 0; n < images; ++n)
        for (int64_t p = 0; p < g.p(); ++p)
            for (int64_t q = 0; q < g.q(); ++q)
                for (int64_t k = 0; k < g.k; ++k) {
                    for (int64_t r = 0; r < g.r; ++r)
                        for (int64_t s = 0; s < g.s; ++s)
                            for (int64_t c = 0; c < g.c / g.groups; ++c) {
                                const int64_t row = p * g.stride_h - g.top + r * g.dilation_h,
                                              column = q * g.stride_w - g.left + s * g.dilation_w,
                                              channel = k / (g.k / g.groups) * (g.c / g.groups) + c;
                                const bool inside = row >= 0 && row < g.h && column >= 0 && column < g.w;
                                tap(inside ? ((n * g.h + row) * g.w + column) * g.c + channel : -1,
                                    ((k * g.r + r) * g.s + s) * (g.c / g.groups) + c, k);
                            }
                    finish(k, y++);
                }
}

/// A convolution of codes with all that it reads.
struct Layer {
    integer::Geometry g;
    int64_t images;
    std::vector<uint8_t> x;
    std::vector<int8_t> w;
    std::vector<int32_t> w_zero, bias;
    int x_zero, x_most = 255;
    EpilogueData data;

    Layer(Values& values, const integer::Geometry& geometry, int64_t image_count)
        : g(geometry),
          images(image_count),
          x(draw_codes<uint8_t>(values, images * g.h * g.w * g.c, 0, 255)),
          w(draw_codes<int8_t>(values, g.weights(), -128, 127)),
          x_zero(draw(values, 0, 1) == 0 ? 0 : draw(values, 0, 255)),
          data(values, g.k, outputs_of(g, images), 4800.0f * std::sqrt(static_cast<float>(g.r * g.s * g.group_c()))) {
        if (draw(values, 0, 2) == 0)
            for (int64_t k = 0; k < g.k; ++k) w_zero.push_back(draw(values, -255, 255));
        if (draw(values, 0, 1) == 0) return;
        const int most = draw(values, 0, 3) == 0 ? 1'000'000'000 : 100'000;  // beyond what sums come to, and within
        for (int64_t k = 0; k < g.k; ++k) bias.push_back(draw(values, -most, most));
    }

    Output expected() const {
        Output y(outputs_of(g, images));
        const integer::Result result = y.result();
        const auto start = [&](int64_t k) -> int64_t { return bias.empty() ? 0 : bias[static_cast<size_t>(k)]; };
        int64_t sum = start(0);
        for_each_tap(
            g, images,
            [&](int64_t i, int64_t j, int64_t k) {
                const int zero = w_zero.empty() ? 0 : w_zero[static_cast<size_t>(k)];
                if (i >= 0) sum += int64_t{x[static_cast<size_t>(i)] - x_zero} * (w[static_cast<size_t>(j)] - zero);
            },
            [&](int64_t k, int64_t i) {
                integer::finish_plainly(static_cast<float>(sum), data.epilogue, k, result, i);
                sum = start((k + 1) % g.k);
            });
        return y;
    }
    integer::Convolution::Settings settings(bool wide = false) const {
        return {g, w, w_zero, x_zero, x_most, wide, bias};
    }
    Output run(const integer::Instructions& instructions, int threads, bool wide = false) const {
        const integer::Convolution convolution(settings(wide), instructions);
        Output y(outputs_of(g, images));
        const integer::AlignedBytes workspace(convolution.workspace_bytes(images, threads));
        convolution.run(x.data(), images, data.epilogue, y.result(), workspace.data(), threads);
        return y;
    }
};

}  // namespace adaq::test
