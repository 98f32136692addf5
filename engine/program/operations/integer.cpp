// Checks of integer execution: shapes, and which element types meet.
#include "engine/program/operations/integer.h"

#include "engine/program/checker.h"

namespace adaq {
namespace {

constexpr int kMostCode = 255;

void code(int value, const char* what) { require(value >= 0 && value <= kMostCode, "{}: code {}", what, value); }

void quantiser_fits(const CodeQuantiser& q) {
    require(q.scale > 0.0f, "code quantiser: scale {}", q.scale);
    code(q.zero(), "code quantiser, zero");
    require(q.levels() <= kMostCode + 1, "code quantiser: {} levels", q.levels());
    const bool shifts = q.shift != 0.0f;
    require(q.factor >= 0.0f && (!shifts || q.factor > 0.0f), "code quantiser: a factor of {} and a shift of {}",
            q.factor, q.shift);
    require(q.factor == 0.0f || q.counts == (shifts ? CodeQuantiser::Counts::codes : CodeQuantiser::Counts::values),
            "code quantiser: a factor of {} and a shift of {} for what counts something else", q.factor, q.shift);
}

void output_type(const Checker& c, TensorId y, const std::optional<CodeQuantiser>& quantiser) {
    const DType found = c.type(y, {DType::u8, DType::f32}, "output");
    require(quantiser || found == DType::f32, "output: codes without a quantiser");
    if (quantiser) quantiser_fits(*quantiser);
}

/// A term of a sum: codes, or values as they are.
void term(const Checker& c, TensorId id, const Shape& expected, float scale, int zero, const char* what) {
    c.same(id, expected, what);
    const DType found = c.type(id, {DType::u8, DType::f32}, what);
    code(zero, what);
    require(found == DType::u8 || (scale == 1.0f && zero == 0), "{}: f32 with a scale of {} and a zero of {}", what,
            scale, zero);
}

void epilogue_fits(const Checker& c, const IntegerEpilogue& e, TensorId y, const Shape& expected) {
    c.same(y, expected, "output");
    output_type(c, y, e.quantiser);
    for (TensorId per_channel : {e.scale, e.shift}) {
        if (per_channel == kNone) continue;
        c.vectors({per_channel}, expected.back(), "epilogue");
        c.type(per_channel, {DType::f32}, "epilogue");
    }
    if (e.residual != kNone) term(c, e.residual, expected, e.residual_scale, e.residual_zero, "residual");
    if (e.factor != 1.0f || e.summand != 0.0f) {
        c.type(e.residual, {DType::u8}, "residual behind a factor");
        require(e.residual_scale == 1.0f, "epilogue: a factor of {} beside a residual with a scale of {}", e.factor,
                e.residual_scale);
    }
}

template <typename Op>
void operands_fit(const Checker& c, const Op& op, std::initializer_list<DType> inputs) {
    const DType found = c.type(op.x, inputs, "layer of codes, x");
    c.type(op.w, {DType::i8}, "layer of codes, w");
    code(op.x_zero, "layer of codes, x_zero");
    code(op.x_most, "layer of codes, x_most");
    require(op.x_zero <= op.x_most, "layer of codes: a zero of {}, and codes up to {}", op.x_zero, op.x_most);
    require(found == DType::u8 || op.x_zero == 0, "layer of codes: x has no codes, and a zero of {}", op.x_zero);
    require(found == DType::u8 || op.bias == kNone, "layer of codes: x has no codes, and its sums an integer bias");
    for (TensorId per_channel : {op.w_zero, op.bias}) {
        if (per_channel == kNone) continue;
        c.vectors({per_channel}, c.shape(op.w, 0, "w")[0], "integers of channels");
        c.type(per_channel, {DType::i32}, "integers of channels");
    }
}

}  // namespace

void IntegerConvolution::check(const Checker& c) const {
    const Shape &in = c.shape(x, 4, "convolution of codes, x"), &filter = c.shape(w, 4, "convolution of codes, w");
    operands_fit(c, *this, {DType::u8, DType::f32});
    epilogue_fits(c, epilogue, y, Checker::convolved(in, filter, window));
}

void IntegerLinear::check(const Checker& c) const {
    const Shape &in = c.shape(x, 0, "linear of codes, x"), &matrix = c.shape(w, 2, "linear of codes, w");
    const int64_t features = Checker::features(in, "linear of codes, x");
    require(features == matrix[1], "linear of codes: x has {} features, w {}", features, matrix[1]);
    operands_fit(c, *this, {DType::u8, DType::i32, DType::f32});
    epilogue_fits(c, epilogue, y, {in[0], matrix[0]});
}

void IntegerAddition::check(const Checker& c) const {
    const Shape& expected = c.shape(y, 0, "addition of codes, y");
    term(c, a, expected, a_scale, a_zero, "addition of codes, a");
    term(c, b, expected, b_scale, b_zero, "addition of codes, b");
    if (offset)
        for (TensorId id : {a, b}) c.type(id, {DType::u8}, "addition of codes with an offset");
    output_type(c, y, quantiser);
}

void SumOverMap::check(const Checker& c) const {
    c.pooled_whole(y, c.shape(x, 4, "sum over a map, x"), "sum over a map, y");
    const bool codes = c.type(x, {DType::u8, DType::f32}, "sum over a map, x") == DType::u8;
    const bool integers = c.type(y, {DType::i32, DType::f32}, "sum over a map, y") == DType::i32;
    code(x_zero, "sum over a map, x_zero");
    require(codes || x_zero == 0, "sum over a map: values with a zero of {}", x_zero);
    require(!integers || (codes && scale == 1.0f), "sum over a map: integers of values, or with a scale");
}

void QuantiseToCodes::check(const Checker& c) const {
    c.same(y, c.shape(x, 0, "quantisation to codes, x"), "quantisation to codes, y");
    c.type(x, {DType::f32}, "quantisation to codes, x");
    output_type(c, y, quantiser);
}

void LookUp::check(const Checker& c) const {
    const Shape& in = c.shape(x, 4, "looking up of pixels, x");
    c.same(y, in, "looking up of pixels, y");
    c.type(x, {DType::u8}, "looking up of pixels, x");
    const DType made = c.type(y, {DType::u8, DType::f32}, "looking up of pixels, y");
    c.same(table, {in[3], 256}, "looking up of pixels, table");
    c.type(table, {made}, "looking up of pixels, table");
}

}  // namespace adaq
