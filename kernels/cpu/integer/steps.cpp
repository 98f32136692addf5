// Steps of execution in integers, and of sums whose order or exactness is asked for: plain loops.
#include <algorithm>
#include <cmath>

#include "kernels/cpu/integer/steps.h"
#include "kernels/cpu/pointwise.h"

namespace adaq::cpu {
namespace {

struct Pixel {
    const View& view;
    TensorId id;
    DType type;
    float operator[](int64_t i) const {
        const float* place = view.at(id);
        if (type == DType::u8) return reinterpret_cast<const uint8_t*>(place)[i];
        if (type == DType::i8) return reinterpret_cast<const int8_t*>(place)[i];
        if (type == DType::i32) return static_cast<float>(reinterpret_cast<const int32_t*>(place)[i]);
        return place[i];
    }
};

void write(const View& view, TensorId y, DType type, int64_t i, float v, const std::optional<CodeQuantiser>& q) {
    float* const place = view.at(y);
    if (!q)
        place[i] = v;
    else if (type == DType::u8)
        reinterpret_cast<uint8_t*>(place)[i] = (*q)(v);
    else
        place[i] = static_cast<float>((*q)(v)-q->zero()) * q->scale;
}

class Epilogues {
  public:
    Epilogues(const Program& program, const View& view, const IntegerEpilogue& e, TensorId y)
        : view_(view),
          e_(e),
          y_(y),
          type_(program.tensor(y).type.dtype),
          residual_{view, e.residual, e.residual == kNone ? DType::f32 : program.tensor(e.residual).type.dtype} {}
    void finish(int64_t i, int64_t k, float sum) const {
        SumToValue v;
        if (e_.scale != kNone) v.scale = view_.at(e_.scale)[k];
        if (e_.shift != kNone) v.shift = view_.at(e_.shift)[k];
        if (e_.residual != kNone) {
            v.has_residual = true;
            v.residual = residual_[i] - static_cast<float>(e_.residual_zero);
            v.residual_scale = e_.residual_scale;
        }
        v.activation = e_.activation;
        write(view_, y_, type_, i, v(sum), e_.quantiser);
    }

  private:
    const View& view_;
    const IntegerEpilogue& e_;
    TensorId y_;
    DType type_;
    Pixel residual_;
};

struct Geometry {
    Shape x, w, y;
    int stride, padding;
    /// sum over the window of image n's output (p, q), channel k, of add(index of x, index of w).
    template <typename Add>
    void window(int64_t n, int64_t p, int64_t q, int64_t k, const Add& add) const {
        for (int64_t r = 0; r < w[1]; ++r) {
            for (int64_t s = 0; s < w[2]; ++s) {
                const int64_t h = p * stride - padding + r, c = q * stride - padding + s;
                if (h < 0 || h >= x[1] || c < 0 || c >= x[2]) continue;
                for (int64_t i = 0; i < x[3]; ++i)
                    add(((n * x[1] + h) * x[2] + c) * x[3] + i, ((k * w[1] + r) * w[2] + s) * x[3] + i);
            }
        }
    }
    template <typename Visit>
    void outputs(int64_t images, const Visit& visit) const {
        int64_t i = 0;
        for (int64_t n = 0; n < images; ++n)
            for (int64_t p = 0; p < y[1]; ++p)
                for (int64_t q = 0; q < y[2]; ++q)
                    for (int64_t k = 0; k < y[3]; ++k) visit(i++, n, p, q, k);
    }
};

class IntegerConvolutionStep : public Step {
  public:
    IntegerConvolutionStep(const Program& program, const IntegerConvolution& op, int64_t images)
        : program_(program),
          op_(op),
          geometry_{program.shape(op.x), program.shape(op.w), program.shape(op.y), op.stride, op.padding},
          images_(images) {}
    void run(const View& view) override {
        const Pixel x{view, op_.x, program_.tensor(op_.x).type.dtype}, w{view, op_.w, DType::i8},
            zero{view, op_.w_zero, DType::i32};
        const Epilogues epilogue(program_, view, op_.epilogue, op_.y);
        geometry_.outputs(images_, [&](int64_t i, int64_t n, int64_t p, int64_t q, int64_t k) {
            const float w_zero = op_.w_zero == kNone ? 0.0f : zero[k];
            int64_t sum = 0;
            float value = 0.0f;
            geometry_.window(n, p, q, k, [&](int64_t xi, int64_t wi) {
                const float a = x[xi] - static_cast<float>(op_.x_zero), b = w[wi] - w_zero;
                if (x.type == DType::u8)
                    sum += static_cast<int64_t>(a) * static_cast<int64_t>(b);
                else
                    value = std::fma(a, b, value);
            });
            epilogue.finish(i, k, x.type == DType::u8 ? static_cast<float>(sum) : value);
        });
    }

  private:
    const Program& program_;
    IntegerConvolution op_;
    Geometry geometry_;
    int64_t images_;
};

/// A convolution of a simulation whose sums run in one order, or are exact beyond 2^24.
class OrderedConvolutionStep : public Step {
  public:
    OrderedConvolutionStep(const Program& program, const Convolution& op, int64_t images)
        : op_(op),
          geometry_{program.shape(op.x), program.shape(op.w), program.shape(op.y), op.stride, op.padding},
          images_(images) {}
    void run(const View& view) override {
        const float *x = view.at(op_.x), *w = view.at(op_.w), *scale = view.at(op_.epilogue.scale),
                    *shift = view.at(op_.epilogue.shift);
        float* sums = view.scratch();
        geometry_.outputs(images_, [&](int64_t i, int64_t n, int64_t p, int64_t q, int64_t k) {
            double exact = 0.0;
            float value = 0.0f;
            geometry_.window(n, p, q, k, [&](int64_t xi, int64_t wi) {
                if (op_.sums == Sums::exact)
                    exact += static_cast<double>(x[xi]) * w[wi];
                else
                    value = std::fma(x[xi], w[wi], value);
            });
            float sum = op_.sums == Sums::exact ? static_cast<float>(exact) : value;
            if (scale) sum *= scale[k];
            if (shift) sum += shift[k];
            sums[i] = sum;
        });
        const int64_t count = images_ * geometry_.y[1] * geometry_.y[2] * geometry_.y[3];
        const Target y = view.target(op_.y);
        if (y.values()) std::copy_n(sums, count, y.values());
        finish_epilogue(op_.epilogue, view, count, sums, y);
    }
    int64_t scratch_floats() const override { return images_ * geometry_.y[1] * geometry_.y[2] * geometry_.y[3]; }

  private:
    Convolution op_;
    Geometry geometry_;
    int64_t images_;
};

class IntegerLinearStep : public Step {
  public:
    IntegerLinearStep(const Program& program, const IntegerLinear& op, int64_t images)
        : program_(program), op_(op), images_(images) {}
    void run(const View& view) override {
        const DType type = program_.tensor(op_.x).type.dtype;
        const Pixel w{view, op_.w, DType::i8}, zero{view, op_.w_zero, DType::i32};
        const Epilogues epilogue(program_, view, op_.epilogue, op_.y);
        const int64_t features = program_.shape(op_.w)[1], outputs = program_.shape(op_.w)[0];
        for (int64_t i = 0; i < images_ * outputs; ++i) {
            const int64_t n = i / outputs, k = i % outputs;
            const float w_zero = op_.w_zero == kNone ? 0.0f : zero[k];
            int64_t sum = 0;
            float value = 0.0f;
            for (int64_t c = 0; c < features; ++c) {
                const float b = w[k * features + c] - w_zero;
                const float* place = view.at(op_.x);
                if (type == DType::f32)
                    value = std::fma(place[n * features + c], b, value);
                else
                    sum += static_cast<int64_t>(b) *
                           ((type == DType::u8 ? reinterpret_cast<const uint8_t*>(place)[n * features + c]
                                               : reinterpret_cast<const int32_t*>(place)[n * features + c]) -
                            op_.x_zero);
            }
            epilogue.finish(i, k, type == DType::f32 ? value : static_cast<float>(sum));
        }
    }

  private:
    const Program& program_;
    IntegerLinear op_;
    int64_t images_;
};

class IntegerAdditionStep : public Step {
  public:
    IntegerAdditionStep(const Program& program, const IntegerAddition& op, int64_t images)
        : program_(program), op_(op), count_(element_count(program.shape(op.y)) / program.shape(op.y)[0] * images) {}
    void run(const View& view) override {
        const Pixel a{view, op_.a, program_.tensor(op_.a).type.dtype},
            b{view, op_.b, program_.tensor(op_.b).type.dtype};
        SumToValue v;
        v.activation = op_.activation;
        for (int64_t i = 0; i < count_; ++i)
            write(view, op_.y, program_.tensor(op_.y).type.dtype, i,
                  v.clamped(op_.a_scale * (a[i] - static_cast<float>(op_.a_zero)) +
                            op_.b_scale * (b[i] - static_cast<float>(op_.b_zero))),
                  op_.quantiser);
    }

  private:
    const Program& program_;
    IntegerAddition op_;
    int64_t count_;
};

class SumOverMapStep : public Step {
  public:
    SumOverMapStep(const Program& program, const SumOverMap& op, int64_t images)
        : program_(program), op_(op), images_(images) {}
    void run(const View& view) override {
        const Shape& x = program_.shape(op_.x);
        const int64_t positions = x[1] * x[2], channels = x[3];
        const Pixel pixel{view, op_.x, program_.tensor(op_.x).type.dtype};
        for (int64_t i = 0; i < images_ * channels; ++i) {
            double sum = 0;
            for (int64_t t = 0; t < positions; ++t)
                sum += static_cast<double>(pixel[(i / channels * positions + t) * channels + i % channels]) - op_.x_zero;
            if (program_.tensor(op_.y).type.dtype == DType::i32)
                reinterpret_cast<int32_t*>(view.at(op_.y))[i] = static_cast<int32_t>(sum);
            else
                view.at(op_.y)[i] = op_.scale * static_cast<float>(sum);
        }
    }

  private:
    const Program& program_;
    SumOverMap op_;
    int64_t images_;
};

class QuantiseToCodesStep : public Step {
  public:
    QuantiseToCodesStep(const Program& program, const QuantiseToCodes& op, int64_t images)
        : program_(program), op_(op), count_(element_count(program.shape(op.y)) / program.shape(op.y)[0] * images) {}
    void run(const View& view) override {
        for (int64_t i = 0; i < count_; ++i)
            write(view, op_.y, program_.tensor(op_.y).type.dtype, i, view.at(op_.x)[i], op_.quantiser);
    }

  private:
    const Program& program_;
    QuantiseToCodes op_;
    int64_t count_;
};

}  // namespace

std::unique_ptr<Step> make_ordered_step(const Program& program, const Convolution& op, const StepSetting& setting) {
    return std::make_unique<OrderedConvolutionStep>(program, op, setting.images);
}
std::unique_ptr<Step> make_step(const Program& program, const IntegerConvolution& op, const StepSetting& setting) {
    return std::make_unique<IntegerConvolutionStep>(program, op, setting.images);
}
std::unique_ptr<Step> make_step(const Program& program, const IntegerLinear& op, const StepSetting& setting) {
    return std::make_unique<IntegerLinearStep>(program, op, setting.images);
}
std::unique_ptr<Step> make_step(const Program& program, const IntegerAddition& op, const StepSetting& setting) {
    return std::make_unique<IntegerAdditionStep>(program, op, setting.images);
}
std::unique_ptr<Step> make_step(const Program& program, const SumOverMap& op, const StepSetting& setting) {
    return std::make_unique<SumOverMapStep>(program, op, setting.images);
}
std::unique_ptr<Step> make_step(const Program& program, const QuantiseToCodes& op, const StepSetting& setting) {
    return std::make_unique<QuantiseToCodesStep>(program, op, setting.images);
}

}  // namespace adaq::cpu
