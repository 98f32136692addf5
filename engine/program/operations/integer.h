// Execution in integers. A value that is quantised is its codes, u8: code c stands for (c - zero) * scale, where the
// code of zero is z - qmin of its quantiser, so that codes run from 0. A weight is i8 with a zero point a channel,
// where there are any. Sums of products of codes are exact integers; what follows them is float32, in the order that
// simulation has (engine/code_quantiser.h), so that both give the same bits.
//
// Tensors that stay float (behind a layer whose output is not quantised) go through the same operations.
#pragma once

#include <optional>

#include "engine/activation.h"
#include "engine/code_quantiser.h"
#include "engine/program/operations/window.h"
#include "engine/program/tensor_use.h"

namespace adaq {

class Checker;

/// v = activation((scale[k] * sum + shift[k] + summand) * factor + residual_scale * residual). y is f32 or, behind a
/// quantiser, the codes of v, u8; f32 behind a quantiser: what v's codes stand for.
struct IntegerEpilogue {
    TensorId scale = kNone;       // [K]; none: 1
    TensorId shift = kNone;       // [K]; none: 0
    TensorId residual = kNone;    // shape of y: f32, or u8 codes; none: 0
    float residual_scale = 1.0f;  // of codes; values have 1
    int residual_zero = 0;        // the code of zero; 0 where the residual is f32
    float summand = -0.0f;        // -0 leaves everything as it is
    float factor = 1.0f;          // summand and factor only where the residual is codes and residual_scale 1
    Activation activation = {};
    std::optional<CodeQuantiser> quantiser = std::nullopt;
};

void visit_integer_epilogue(auto& epilogue, const auto& visit) {
    visit(epilogue.scale, use::kRead);
    visit(epilogue.shift, use::kRead);
    visit(epilogue.residual, use::kReadRows);
}

/// The use of an output: behind a quantiser it may be codes in float32, too, those of a scale of 1.
inline TensorUse output_behind(const std::optional<CodeQuantiser>& quantiser) {
    TensorUse output = use::kWriteRows;
    output.codes = quantiser.has_value();
    return output;
}

/// How the sums of a layer are held: `narrow` where none can leave 32 bits, `wide` (64 bits) otherwise. Either way they
/// are exact, and rounded to float32 once.
enum class IntegerSums { narrow, wide };

/// What convolutions and fully connected layers have in common.
struct IntegerProduct {
    static constexpr bool kTakesCodes = true;
    TensorId x, w, y;
    TensorId w_zero = kNone;  // [K] i32; none: 0
    TensorId bias = kNone;    // [K] i32, added to sums of codes before they are rounded; none: 0
    int x_zero = 0;
    int x_most = 255;  // no code of x is larger
    IntegerSums sums = IntegerSums::narrow;
    IntegerEpilogue epilogue = {};

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.x, use::kReadRows);
        visit(op.w, use::kConstant);
        visit(op.y, output_behind(op.epilogue.quantiser));
        visit(op.w_zero, use::kRead);
        visit(op.bias, use::kRead);
        visit_integer_epilogue(op.epilogue, visit);
    }
    ProductTensors product() const { return {y, w}; }
};

/// y[N,P,Q,K] from sum over R,S,C of (x[N,H,W,C] - x_zero) * (w[K,R,S,C / groups] - w_zero[K]); outside the map x is
/// x_zero. Where x is f32 the terms are added by fused multiply-adds in the order r, s, c, from 0.
struct IntegerConvolution : IntegerProduct {
    static constexpr OperationTraits kTraits{"convolution of codes", Purpose::inference, Cost::product};
    ConvolutionWindow window = {};

    void check(const Checker& checker) const;
};

/// y[N,K] from sum over C of (x[N,C] - x_zero) * (w[K,C] - w_zero[K]). x: u8 codes, i32 sums of codes, or f32 (then by
/// fused multiply-adds in the order of c, from 0).
struct IntegerLinear : IntegerProduct {
    static constexpr OperationTraits kTraits{"fully connected layer of codes", Purpose::inference, Cost::product};

    void check(const Checker& checker) const;
};

/// y = activation(a_scale * (a - a_zero) + b_scale * (b - b_zero)), behind a quantiser as in an epilogue. Each term: u8
/// codes, or f32 with scale 1 and zero 0. With an offset, of codes: a_scale * (a - a_zero) + (b_scale * (b - b_zero) +
/// offset) by fused multiply-adds.
struct IntegerAddition {
    static constexpr OperationTraits kTraits{"addition of codes", Purpose::inference, Cost::memory};
    static constexpr bool kTakesCodes = true;
    TensorId a, b, y;
    float a_scale = 1.0f, b_scale = 1.0f;
    int a_zero = 0, b_zero = 0;
    std::optional<float> offset = std::nullopt;
    Activation activation = {};
    std::optional<CodeQuantiser> quantiser = std::nullopt;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.a, use::kReadRows);
        visit(op.b, use::kReadRows);
        visit(op.y, output_behind(op.quantiser));
    }
    void check(const Checker& checker) const;
};

/// y[N,C], or [N,1,1,C], = sum over H,W of x[N,H,W,C] - x_zero, as i32 (the layer behind it divides), or as f32, scale
/// * sum. The sum of an x that is f32 is held in float64, its terms in the order of positions, and rounded to float32
/// once.
struct SumOverMap {
    static constexpr OperationTraits kTraits{"sum over a map", Purpose::inference, Cost::memory};
    static constexpr bool kTakesCodes = true;
    TensorId x, y;
    int x_zero = 0;
    float scale = 1.0f;

    static void visit_tensors(auto& op, const auto& visit) { visit_rows(op.x, op.y, visit); }
    void check(const Checker& checker) const;
};

/// y = the codes of x f32, as behind an epilogue's quantiser.
struct QuantiseToCodes {
    static constexpr OperationTraits kTraits{"quantisation to codes", Purpose::inference, Cost::memory};
    static constexpr bool kTakesCodes = true;
    TensorId x, y;
    CodeQuantiser quantiser;

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.x, use::kReadRows);
        visit(op.y, output_behind(op.quantiser));
    }
    void check(const Checker& checker) const;
};

/// y[n,h,w,c] = table[c][x[n,h,w,c]]: pixels, u8 as decoded, to what the network reads: codes, u8, or f32 values. The
/// table has the type of y.
struct LookUp {
    static constexpr OperationTraits kTraits{"looking up of pixels", Purpose::inference, Cost::memory};
    static constexpr bool kTakesCodes = true;
    TensorId x, y;
    TensorId table;  // [C,256]

    static void visit_tensors(auto& op, const auto& visit) {
        visit(op.x, use::kReadRows);
        visit(op.y, use::kWriteRows);
        visit(op.table, use::kConstant);
    }
    void check(const Checker& checker) const;
};

}  // namespace adaq
