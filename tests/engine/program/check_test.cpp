// The checker of programs: each operation as it should be is accepted, and with any one thing wrong refused.
#include <doctest/doctest.h>

#include <functional>

#include "engine/program/device.h"

using namespace adaq;

namespace {

/// A program's tensors, by shape.
class Tensors {
  public:
    TensorId bound(const Shape& shape, DType dtype = DType::f32) {
        return program_.bind(std::make_shared<Plain>(shape, dtype));
    }
    TensorId unwritten(const Shape& shape, DType dtype = DType::f32) { return program_.temporary(shape, dtype); }
    Program& program() { return program_; }

  private:
    struct Plain : DeviceTensor {
        using DeviceTensor::DeviceTensor;
    };
    Program program_;
};

/// `make` gives a right operation; each of `mistakes` does something wrong to it.
template <typename Make, typename Op = std::invoke_result_t<Make, Tensors&>>
void refuses(Make make, const std::vector<std::function<void(Op&, Tensors&)>>& mistakes) {
    Tensors right;
    right.program().add(make(right));
    CHECK_NOTHROW(check(right.program()));
    for (size_t i = 0; i < mistakes.size(); ++i) {
        CAPTURE(i);
        Tensors wrong;
        Op op = make(wrong);
        mistakes[i](op, wrong);
        wrong.program().add(op);
        CHECK_THROWS_AS(check(wrong.program()), std::logic_error);
    }
}

OutputQuantiser dropping_quantiser(Tensors& t) {
    OutputQuantiser q{{4, true}, t.bound({1})};
    q.dropping = Dropping{0.5f, {1, 65535, 15, 4095}, t.bound({kIterationValues})};
    return q;
}

Rounding rounding(Tensors& t) {
    const Shape w{4, 3, 3, 2};
    return {t.bound(w), t.bound(w), t.unwritten(w), t.bound({4}), t.bound({4}), t.bound({4}), {4, false}};
}

}  // namespace

TEST_SUITE("check") {
    TEST_CASE("convolution and linear gradients") {
        refuses(
            [](Tensors& t) {
                ConvolutionToData op{t.bound({2, 3, 3, 4}), t.bound({4, 3, 3, 5}), t.unwritten({2, 5, 5, 5}),
                                     ConvolutionWindow::square(2, 1)};
                op.addend = t.bound({2, 5, 5, 5});
                op.activation =
                    ActivationGradient{t.bound({2, 5, 5, 5}), Activation::relu(), dropping_quantiser(t), t.bound({1})};
                return op;
            },
            {[](auto& op, Tensors& t) {
                 op.dy = t.unwritten({2, 3, 3, 4});
             },
             [](auto& op, Tensors& t) {
                 op.dy = t.bound({2, 3, 2, 4});
             },
             [](auto& op, Tensors& t) {
                 op.w = t.bound({4, 3, 3, 6});
             },
             [](auto& op, Tensors&) { op.window.stride_h = 1; },
             [](auto& op, Tensors&) { op.window.stride_w = 0; },
             [](auto& op, Tensors&) { op.window.right = -1; },
             [](auto& op, Tensors&) { op.window.dilation_h = 2; },
             [](auto& op, Tensors&) { op.window.dilation_w = 0; },
             [](auto& op, Tensors&) { op.window.groups = 5; },
             [](auto& op, Tensors&) { op.window.groups = 0; },
             [](auto& op, Tensors&) { op.window.bottom = 3; },
             [](auto& op, Tensors&) { op.dx = kNone; },
             [](auto& op, Tensors&) { op.dx = 99; },
             [](auto& op, Tensors& t) {
                 op.addend = t.bound({2, 5, 5, 4});
             },
             [](auto& op, Tensors& t) {
                 op.addend = t.unwritten({2, 5, 5, 5});
             },
             [](auto& op, Tensors&) { op.activation->value = kNone; },
             [](auto& op, Tensors& t) {
                 op.activation->value = t.bound({2, 5, 5, 1});
             },
             [](auto& op, Tensors& t) { op.activation->scale_gradient = t.bound({2}); },
             [](auto& op, Tensors&) { op.activation->quantiser.reset(); },  // a scale's gradient is still asked for
             [](auto& op, Tensors&) { op.activation->quantiser->codes = true; },
             [](auto& op, Tensors& t) { op.activation->quantiser->scale = t.bound({2}); },
             [](auto& op, Tensors&) { op.activation->quantiser->dropping->keep = 1.5f; },
             [](auto& op, Tensors&) { op.activation->quantiser->dropping->state = kNone; },
             [](auto& op, Tensors&) { op.activation->quantiser->dropping->stream.site = 4096; }});
        refuses(
            [](Tensors& t) {
                return ConvolutionToWeights{t.bound({2, 5, 5, 5}), t.bound({2, 3, 3, 4}), t.unwritten({4, 3, 3, 5}),
                                            ConvolutionWindow::square(2, 1)};
            },
            {[](auto& op, Tensors& t) {
                 op.x = t.bound({2, 7, 5, 5});
             },
             [](auto& op, Tensors& t) {
                 op.dy = t.bound({1, 3, 3, 4});
             },
             [](auto& op, Tensors& t) {
                 op.dw = t.bound({4, 3, 3, 4});
             },
             [](auto& op, Tensors&) { op.window = ConvolutionWindow::square(2, 0); },
             [](auto& op, Tensors&) { op.window.groups = 2; }});
        refuses(
            [](Tensors& t) {
                return LinearToData{t.bound({2, 4}), t.bound({4, 5}), t.unwritten({2, 5})};
            },
            {[](auto& op, Tensors& t) {
                 op.w = t.bound({5, 4});
             },
             [](auto& op, Tensors& t) {
                 op.dy = t.bound({3, 4});
             },
             [](auto& op, Tensors& t) {
                 op.dx = t.bound({2, 4});
             }});
        refuses(
            [](Tensors& t) {
                return LinearToWeights{t.bound({2, 5}), t.bound({2, 4}), t.unwritten({4, 5})};
            },
            {[](auto& op, Tensors& t) {
                 op.x = t.bound({3, 5});
             },
             [](auto& op, Tensors& t) {
                 op.dw = t.bound({5, 4});
             }});
    }

    TEST_CASE("batch norm and pooling") {
        refuses(
            [](Tensors& t) {
                const Shape x{2, 3, 3, 4};
                return BatchNorm{t.bound(x),   t.unwritten(x), t.bound({4}),     t.bound({4}),
                                 t.bound({4}), t.bound({4}),   t.unwritten({4}), t.unwritten({4})};
            },
            {[](auto& op, Tensors& t) {
                 op.y = t.bound({2, 3, 3, 5});
             },
             [](auto& op, Tensors& t) { op.gamma = t.bound({5}); },
             [](auto& op, Tensors& t) { op.running_variance = t.unwritten({4}); },
             [](auto& op, Tensors& t) { op.mean = t.bound({1}); },
             [](auto& op, Tensors& t) { op.epilogue.shift = t.bound({4}); },
             [](auto& op, Tensors& t) {
                 op.epilogue.residual = t.bound({2, 3, 4, 3});
             },
             [](auto& op, Tensors& t) { op.epilogue.saved = t.bound({4}); },
             [](auto& op, Tensors& t) {
                 op.x = op.y = t.bound({1, 1, 1, 4});
             }});  // one value a channel
        refuses(
            [](Tensors& t) {
                const Shape x{1, 1, 1, 4};  // enough where the statistics are fixed
                BatchNorm op{t.bound(x),   t.unwritten(x), t.bound({4}),     t.bound({4}),
                             t.bound({4}), t.bound({4}),   t.unwritten({4}), t.unwritten({4})};
                op.fixed = true;
                return op;
            },
            {[](auto& op, Tensors&) { op.fixed = false; }});
        refuses(
            [](Tensors& t) {
                const Shape x{2, 3, 3, 4};
                return BatchNormGradient{t.bound(x),   t.bound(x),   t.unwritten(x),
                                         t.bound({4}), t.bound({4}), t.bound({4})};
            },
            {[](auto& op, Tensors& t) {
                 op.dy = t.bound({2, 3, 3, 1});
             },
             [](auto& op, Tensors& t) { op.mean = t.unwritten({4}); },
             [](auto& op, Tensors& t) {
                 op.dx = t.bound({2, 9, 4});
             }});
        refuses(
            [](Tensors& t) {
                return MaxPool{t.bound({1, 5, 5, 2}), t.unwritten({1, 3, 3, 2})};
            },
            {[](auto& op, Tensors&) { op.window.stride_h = 0; }, [](auto& op, Tensors&) { op.window.left = -1; },
             [](auto& op, Tensors&) { op.window = PoolingWindow::square(3, 2, 3); },
             [](auto& op, Tensors&) { op.window.kernel_w = 9; }});
        refuses(
            [](Tensors& t) {
                return MaxPoolGradient{t.bound({1, 5, 5, 2}), t.bound({1, 3, 3, 2}), t.unwritten({1, 5, 5, 2})};
            },
            {[](auto& op, Tensors& t) {
                 op.dy = t.bound({1, 2, 3, 2});
             },
             [](auto& op, Tensors& t) {
                 op.dx = t.bound({1, 3, 3, 2});
             },
             [](auto& op, Tensors&) { op.window.stride_w = 1; }});
        refuses(
            [](Tensors& t) {
                return GlobalAveragePoolGradient{t.bound({2, 4}), t.unwritten({2, 3, 3, 4})};
            },
            {[](auto& op, Tensors& t) {
                 op.dy = t.bound({2, 3});
             },
             [](auto& op, Tensors& t) {
                 op.dx = t.bound({2, 9, 4});
             }});
    }

    TEST_CASE("fake quantisation and rounding") {
        refuses([](Tensors& t) { return RoundWeights{rounding(t)}; },
                {[](auto& op, Tensors& t) { op.rounding.v = t.bound({4}); },
                 [](auto& op, Tensors& t) { op.rounding.scale = t.bound({2}); },
                 [](auto& op, Tensors& t) { op.rounding.zero_point = t.bound({1}); },
                 [](auto& op, Tensors& t) { op.rounding.channel_scale = t.bound({1}); },
                 [](auto& op, Tensors& t) {
                     op.rounding.w_hat = t.bound({4, 3, 3, 1});
                 }});
        refuses(
            [](Tensors& t) {
                const Shape w{4, 3, 3, 2};
                return RoundingStep{rounding(t), t.bound(w),      t.bound(w), t.bound(w), t.bound({kIterationValues}),
                                    1.0,         t.unwritten({1})};
            },
            {[](auto& op, Tensors& t) {
                 op.w_hat_gradient = t.unwritten({4, 3, 3, 2});
             },
             [](auto& op, Tensors& t) { op.second_moment = t.bound({4}); },
             [](auto& op, Tensors& t) { op.state = t.bound({1}); },
             [](auto& op, Tensors& t) { op.penalty = t.bound({4}); }});
        refuses(
            [](Tensors& t) {
                return ChannelScaleGradient{t.bound({4, 9}), t.bound({4, 9}), t.bound({4}), t.unwritten({4})};
            },
            {[](auto& op, Tensors& t) {
                 op.w_hat_gradient = t.bound({9, 4});
             },
             [](auto& op, Tensors& t) { op.factor = t.bound({9}); },
             [](auto& op, Tensors& t) { op.gradient = t.unwritten({1}); }});
        refuses(
            [](Tensors& t) {
                return ChannelShiftGradient{t.bound({2, 3, 3, 4}), t.unwritten({4})};
            },
            {[](auto& op, Tensors& t) {
                 op.dy = t.unwritten({2, 3, 3, 4});
             },
             [](auto& op, Tensors& t) { op.gradient = t.unwritten({3}); }});
        refuses(
            [](Tensors& t) {
                return AdamStep{t.bound({1}), t.bound({1}), t.bound({1}), t.bound({1}), t.bound({kIterationValues})};
            },
            {[](auto& op, Tensors& t) { op.gradient = t.bound({2}); },
             [](auto& op, Tensors& t) { op.first_moment = t.unwritten({1}); },
             [](auto& op, Tensors&) { op.state = kNone; }});
    }

    TEST_CASE("execution in integers") {
        constexpr DType kCodes = DType::u8;
        const CodeQuantiser quantiser{0.5f, 3.0f, {4, true}};
        refuses(
            [&](Tensors& t) {
                IntegerConvolution op{{t.bound({2, 5, 5, 4}, kCodes), t.bound({8, 3, 3, 4}, DType::i8),
                                       t.unwritten({2, 3, 3, 8}, kCodes)}};
                op.w_zero = t.bound({8}, DType::i32);
                op.epilogue = {t.bound({8}), t.bound({8}), t.bound({2, 3, 3, 8}, kCodes), 0.5f, 3};
                op.epilogue.quantiser = quantiser;
                return op;
            },
            {[](auto& op, Tensors& t) {
                 op.x = t.bound({2, 5, 5, 3}, kCodes);
             },
             [](auto& op, Tensors& t) {
                 op.x = t.bound({2, 5, 5, 4}, DType::i8);
             },
             [](auto& op, Tensors& t) {
                 op.w = t.bound({8, 3, 3, 4});
             },
             [](auto& op, Tensors& t) {
                 op.y = t.unwritten({2, 5, 5, 8}, kCodes);
             },
             [](auto& op, Tensors& t) {
                 op.y = t.unwritten({2, 3, 3, 8}, DType::i32);
             },
             [](auto& op, Tensors& t) { op.w_zero = t.bound({4}, DType::i32); },
             [](auto& op, Tensors& t) { op.epilogue.scale = t.bound({4}); },
             [](auto& op, Tensors& t) {
                 op.epilogue.residual = t.bound({2, 3, 3, 4}, kCodes);
             },
             [](auto& op, Tensors&) { op.epilogue.quantiser.reset(); },
             [](auto& op, Tensors&) { op.window.stride_h = 0; }, [](auto& op, Tensors&) { op.window.groups = 4; },
             [](auto& op, Tensors&) { op.x_zero = 256; }, [](auto& op, Tensors&) { op.x_most = 256; },
             [](auto& op, Tensors&) { op.x_zero = 16, op.x_most = 15; }});
        refuses(
            [&](Tensors& t) {
                IntegerLinear op{{t.bound({2, 6}, kCodes), t.bound({3, 6}, DType::i8), t.unwritten({2, 3})}};
                op.epilogue.shift = t.bound({3});
                return op;
            },
            {[](auto& op, Tensors& t) {
                 op.x = t.bound({2, 5}, kCodes);
             },
             [](auto& op, Tensors& t) {
                 op.y = t.unwritten({2, 4});
             },
             [](auto& op, Tensors& t) {
                 op.y = t.unwritten({2, 3}, kCodes);
             }});
        refuses(
            [&](Tensors& t) {
                const Shape shape{2, 3, 3, 4};
                IntegerAddition op{t.bound(shape, kCodes), t.bound(shape), t.unwritten(shape, kCodes), 0.5f, 1.0f, 3};
                op.quantiser = quantiser;
                return op;
            },
            {[](auto& op, Tensors& t) {
                 op.b = t.bound({2, 3, 3, 5});
             },
             [](auto& op, Tensors&) { op.b_scale = 0.5f; }, [](auto& op, Tensors&) { op.a_zero = -1; },
             [](auto& op, Tensors&) { op.quantiser.reset(); }});
        refuses(
            [](Tensors& t) {
                return SumOverMap{t.bound({2, 3, 3, 4}, kCodes), t.unwritten({2, 4}, DType::i32), 7};
            },
            {[](auto& op, Tensors& t) {
                 op.y = t.unwritten({2, 3}, DType::i32);
             },
             [](auto& op, Tensors&) { op.scale = 0.5f; },
             [](auto& op, Tensors& t) {
                 op.x = t.bound({2, 3, 3, 4});
             }});
        refuses(
            [&](Tensors& t) {
                return QuantiseToCodes{t.bound({2, 3}), t.unwritten({2, 3}, kCodes), quantiser};
            },
            {[](auto& op, Tensors& t) {
                 op.x = t.bound({2, 3}, kCodes);
             },
             [](auto& op, Tensors& t) {
                 op.y = t.unwritten({3, 2}, kCodes);
             },
             [](auto& op, Tensors& t) {
                 op.y = t.unwritten({2, 3}, DType::i32);
             }});
        refuses(
            [](Tensors& t) {
                return LookUp{t.bound({2, 3, 3, 4}, kCodes), t.unwritten({2, 3, 3, 4}, kCodes),
                              t.bound({4, 256}, kCodes)};
            },
            {[](auto& op, Tensors& t) {
                 op.x = t.bound({2, 3, 3, 4});
             },
             [](auto& op, Tensors& t) {
                 op.y = t.unwritten({2, 3, 4, 3}, kCodes);
             },
             [](auto& op, Tensors& t) {
                 op.table = t.bound({4, 255}, kCodes);
             },
             [](auto& op, Tensors& t) {
                 op.table = t.bound({4, 256});
             }});
    }

    TEST_CASE("losses, batches and iteration state") {
        refuses(
            [](Tensors& t) {
                return SquaredError{t.bound({2, 5}),  t.bound({8, 5}), t.unwritten({2, 5}),
                                    t.unwritten({1}), t.bound({2}),    t.bound({8, 5})};
            },
            {[](auto& op, Tensors&) { op.indices = kNone; }, [](auto& op, Tensors& t) { op.indices = t.bound({3}); },
             [](auto& op, Tensors& t) {
                 op.target = t.bound({8, 4});
             },
             [](auto& op, Tensors& t) {
                 op.weight = t.bound({2, 5});
             },
             [](auto& op, Tensors& t) { op.loss = t.bound({2}); }, [](auto& op, Tensors&) { op.exponent = 0.5; }});
        refuses(
            [](Tensors& t) {
                return KlDivergence{t.bound({2, 5}), t.bound({8, 5}), t.unwritten({2, 5}), t.unwritten({1}),
                                    t.bound({2})};
            },
            {[](auto& op, Tensors&) { op.temperature = 0.0; },
             [](auto& op, Tensors& t) {
                 op.target = t.bound({8, 6});
             },
             [](auto& op, Tensors& t) {
                 op.dlogits = t.bound({8, 5});
             }});
        refuses(
            [](Tensors& t) {
                return BeginIteration{t.bound({kIterationValues}), {}, {t.unwritten({1})}};
            },
            {[](auto& op, Tensors& t) { op.state = t.bound({1}); },
             [](auto& op, Tensors&) { op.schedule.iterations = 0; },
             [](auto& op, Tensors&) { op.schedule.warm_up = -0.5; },
             [](auto& op, Tensors& t) { op.losses.push_back(t.bound({2})); }});
        refuses(
            [](Tensors& t) {
                return BeginIteration{t.bound({kIterationValues}), {}, {t.unwritten({1})}, Plateau{}};
            },
            {[](auto& op, Tensors&) { op.losses.clear(); }, [](auto& op, Tensors&) { op.plateau->patience = -1; },
             [](auto& op, Tensors&) { op.schedule.cosine_scale_rate = true; }});
        refuses(
            [](Tensors& t) {
                const Shape x{2, 3, 3, 4};
                StatisticsLoss op{t.bound(x), t.unwritten(x), t.unwritten({1}), t.bound({4}), t.bound({4})};
                op.through = ThroughFixedNorm{t.bound(x), t.bound({4}), t.bound({4})};
                return op;
            },
            {[](auto& op, Tensors& t) {
                 op.x = t.bound({2, 9, 4});
             },
             [](auto& op, Tensors& t) {
                 op.dx = t.bound({2, 3, 3, 5});
             },
             [](auto& op, Tensors& t) { op.loss = t.bound({4}); },
             [](auto& op, Tensors& t) { op.mean = t.unwritten({4}); },
             [](auto& op, Tensors& t) { op.variance = t.bound({1}); }, [](auto& op, Tensors&) { op.epsilon = 0.0; },
             [](auto& op, Tensors& t) {
                 op.through->dy = t.bound({2, 3, 3, 1});
             },
             [](auto& op, Tensors& t) { op.through->gamma = t.bound({2}); },
             [](auto& op, Tensors&) { op.through->inverse_std = kNone; }});
        refuses(
            [](Tensors& t) {
                return DrawBatch{t.unwritten({4}), t.bound({kIterationValues}), 4, false, {}};
            },
            {[](auto& op, Tensors&) { op.population = 3; }, [](auto& op, Tensors&) { op.population = (1 << 24) + 1; },
             [](auto& op, Tensors&) { op.stream.phase = 16; }, [](auto& op, Tensors&) { op.stream.unit = 65536; }});
        refuses(
            [](Tensors& t) {
                Gather op{t.bound({8, 5}), t.unwritten({2, 5}), t.bound({2})};
                op.mixing = Mixing{t.bound({8, 5}), 0.5f, {}, t.bound({kIterationValues})};
                return op;
            },
            {[](auto& op, Tensors& t) {
                 op.y = t.bound({2, 4});
             },
             [](auto& op, Tensors&) { op.indices = kNone; },
             [](auto& op, Tensors& t) {
                 op.mixing->other = t.bound({2, 5});
             },
             [](auto& op, Tensors&) { op.mixing->keep = -0.5f; },
             [](auto& op, Tensors&) { op.mixing->state = kNone; }});
    }

    TEST_CASE("parts of a tensor: inside it, and read only after something of it was written") {
        Tensors t;
        Program& p = t.program();
        const TensorId x = t.bound({2, 3}), whole = t.unwritten({4, 3});
        CHECK_THROWS_AS(p.rows(whole, 3, 2), std::logic_error);
        CHECK_THROWS_AS(p.rows(whole, -1, 2), std::logic_error);
        CHECK_THROWS_AS(p.rows(whole, 0, 0), std::logic_error);
        const TensorId part = p.rows(whole, 2, 2);
        Program early = p;
        early.add(Gather{part, x});
        CHECK_THROWS_AS(check(early), std::logic_error);
        p.add(Gather{x, part});
        p.add(Gather{part, x});
        p.add(Gather{p.rows(part, 1, 1), p.rows(x, 0, 1)});
        CHECK_NOTHROW(check(p));
        CHECK(p.tensors().at(static_cast<size_t>(part)).first_row == 2);
    }
}
