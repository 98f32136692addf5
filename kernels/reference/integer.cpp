// Execution in integers by its definition: sums in 64 bits, then the float32 arithmetic that all devices share
// (engine/code_quantiser.h).
#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "kernels/reference/interpreter.h"

namespace adaq::reference {
namespace {

/// Output from v: a code, what it stands for, or v itself.
double written(float v, const std::optional<CodeQuantiser>& quantiser, DType type) {
    if (!quantiser) return v;
    const uint8_t code = (*quantiser)(v);
    if (type == DType::u8) return code;
    return static_cast<float>(code - quantiser->zero()) * quantiser->scale;
}

/// A sum of products that grows term by term: of codes in 64 bits, of values by fused multiply-adds in float32.
class Sum {
  public:
    explicit Sum(bool of_codes, double bias = 0.0) : of_codes_(of_codes), integer_(static_cast<int64_t>(bias)) {}
    void add(double x, double w) {
        if (of_codes_)
            integer_ += static_cast<int64_t>(x) * static_cast<int64_t>(w);
        else
            value_ = std::fma(static_cast<float>(x), static_cast<float>(w), value_);
    }
    float rounded() const { return of_codes_ ? static_cast<float>(integer_) : value_; }

  private:
    bool of_codes_;
    int64_t integer_;
    float value_ = 0.0f;
};

}  // namespace

/// y[i] of an output of whose channel k this is the sum.
void Interpreter::finish_integer(TensorId y, const IntegerEpilogue& e, int64_t i, int64_t k, float sum) {
    SumToValue to_value;
    if (e.scale != kNone) to_value.scale = static_cast<float>(at(e.scale)[k]);
    if (e.shift != kNone) to_value.shift = static_cast<float>(at(e.shift)[k]);
    if (e.residual != kNone) {
        to_value.has_residual = true;
        to_value.residual = static_cast<float>(at(e.residual)[i] - e.residual_zero);
        to_value.residual_scale = e.residual_scale;
        to_value.summand = e.summand;
        to_value.factor = e.factor;
    }
    to_value.activation = e.activation;
    at(y)[i] = written(to_value(sum), e.quantiser, type(y));
}

/// What other devices rely on.
void Interpreter::check_codes(const IntegerProduct& op) {
    if (type(op.x) != DType::u8) return;
    const double* const x = at(op.x);
    const int64_t count = element_count(shape(op.x));
    require(std::all_of(x, x + count, [&](double code) { return code <= op.x_most; }),
            "layer of codes: a code is larger than {}", op.x_most);
}

void Interpreter::operator()(const IntegerConvolution& op) {
    check_codes(op);
    const Shape &in = shape(op.x), &filter = shape(op.w), &out = shape(op.y);
    const double *x = at(op.x), *w = at(op.w), *zero = at(op.w_zero), *bias = at(op.bias);
    const bool codes = type(op.x) == DType::u8;
    const WindowAxis rows = op.window.rows(filter[1]), columns = op.window.columns(filter[2]);
    const int64_t of_group = filter[3], group_outputs = out[3] / op.window.groups;
#pragma omp parallel for collapse(2)
    for (int64_t n = 0; n < out[0]; ++n) {
        for (int64_t p = 0; p < out[1]; ++p) {
            for (int64_t i = 0; i < out[2] * out[3]; ++i) {
                const int64_t q = i / out[3], k = i % out[3];
                Sum sum(codes, bias ? bias[k] : 0.0);
                for (int64_t tap = 0; tap < filter[1] * filter[2]; ++tap) {
                    const int64_t h = rows.input(p, tap / filter[2]), column = columns.input(q, tap % filter[2]);
                    if (h < 0 || h >= in[1] || column < 0 || column >= in[2]) continue;
                    const double* pixel = x + ((n * in[1] + h) * in[2] + column) * in[3] + k / group_outputs * of_group;
                    const double* weights = w + (k * filter[1] * filter[2] + tap) * of_group;
                    for (int64_t c = 0; c < of_group; ++c)
                        sum.add(pixel[c] - op.x_zero, weights[c] - (zero ? zero[k] : 0.0));
                }
                finish_integer(op.y, op.epilogue, (n * out[1] + p) * out[2] * out[3] + i, k, sum.rounded());
            }
        }
    }
}

void Interpreter::operator()(const IntegerLinear& op) {
    check_codes(op);
    const int64_t rows = shape(op.x)[0], inputs = shape(op.w)[1], outputs = shape(op.w)[0];
    const double *x = at(op.x), *w = at(op.w), *zero = at(op.w_zero), *bias = at(op.bias);
    for (int64_t i = 0; i < rows * outputs; ++i) {
        const int64_t n = i / outputs, k = i % outputs;
        Sum sum(type(op.x) != DType::f32, bias ? bias[k] : 0.0);
        for (int64_t c = 0; c < inputs; ++c)
            sum.add(x[n * inputs + c] - op.x_zero, w[k * inputs + c] - (zero ? zero[k] : 0.0));
        finish_integer(op.y, op.epilogue, i, k, sum.rounded());
    }
}

void Interpreter::operator()(const IntegerAddition& op) {
    SumToValue to_value;
    to_value.activation = op.activation;
    for (int64_t i = 0; i < count(op.y); ++i) {
        const auto a = static_cast<float>(at(op.a)[i] - op.a_zero), b = static_cast<float>(at(op.b)[i] - op.b_zero);
        const float v =
            op.offset ? std::fma(op.a_scale, a, std::fma(op.b_scale, b, *op.offset)) : op.a_scale * a + op.b_scale * b;
        at(op.y)[i] = written(to_value.clamped(v), op.quantiser, type(op.y));
    }
}

void Interpreter::operator()(const SumOverMap& op) {
    const Shape& in = shape(op.x);
    const int64_t positions = in[1] * in[2], channels = in[3];
    for (int64_t i = 0; i < count(op.y); ++i) {
        const double* first = at(op.x) + i / channels * positions * channels + i % channels;
        double sum = 0.0;  // of codes: exact
        for (int64_t t = 0; t < positions; ++t) sum += first[t * channels] - op.x_zero;
        at(op.y)[i] = type(op.y) == DType::i32 ? sum : op.scale * static_cast<float>(sum);
    }
}

void Interpreter::operator()(const QuantiseToCodes& op) {
    for (int64_t i = 0; i < count(op.y); ++i)
        at(op.y)[i] = written(static_cast<float>(at(op.x)[i]), op.quantiser, type(op.y));
}

void Interpreter::operator()(const LookUp& op) {
    const int64_t channels = shape(op.x)[3];
    for (int64_t i = 0; i < count(op.y); ++i)
        at(op.y)[i] = at(op.table)[i % channels * 256 + static_cast<int64_t>(at(op.x)[i])];
}

}  // namespace adaq::reference
