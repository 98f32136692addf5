// The CPU's tanh, logarithm and powers against the standard library's in double; and that a training program gives the
// same bits twice.
#include <doctest/doctest.h>

#include <cmath>

#include "kernels/cpu/training/vector_math.h"
#include "support/operations.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

TEST_SUITE("cpu vector math") {
    TEST_CASE("tanh of half is within 3e-7 where a soft rounding moves, and stays at its ends outside") {
        double worst = 0;
        float x = -2.4f;
        while (x <= 2.4f) {
            const double exact = std::tanh(static_cast<double>(x) / 2);
            worst = std::max(worst, std::abs(static_cast<double>(cpu::fast_tanh_of_half(x)) - exact) / std::abs(exact));
            x += 0.000117f;
        }
        CHECK(worst < 3e-7);
        CHECK(cpu::fast_tanh_of_half(0.0f) == 0.0f);
        CHECK(cpu::fast_tanh_of_half(-1e30f) == cpu::fast_tanh_of_half(-2.4f));
        CHECK(cpu::fast_tanh_of_half(1e30f) == cpu::fast_tanh_of_half(2.4f));
    }

    TEST_CASE("the logarithm is within 2e-7 of its size or of 1") {
        double worst = 0;
        float x = 1.2e-38f;
        while (x < 1e38f) {
            const double exact = std::log2(static_cast<double>(x));
            worst = std::max(worst, std::abs(cpu::fast_log2(x) - exact) / std::max(1.0, std::abs(exact)));
            x *= 1.0007f;
        }
        CHECK(worst < 2e-7);
        CHECK(cpu::fast_log2(1.0f) == 0.0f);
        CHECK(cpu::fast_log2(8.0f) == 3.0f);
    }

    TEST_CASE("powers are within 1.2e-7 times (3 + |exponent log2 x|)") {
        double worst = 0;
        for (float exponent : {1.0f, 1.4f, 2.4f, 6.5f, 19.0f}) {
            float x = 0.01f;
            while (x < 3.0f) {
                const double exact = std::pow(static_cast<double>(x), static_cast<double>(exponent));
                const double room = 3.0 + std::abs(exponent * std::log2(static_cast<double>(x)));
                if (exact >= 1e-36)  // else it comes out as about 2^-126
                    worst = std::max(worst, std::abs(cpu::fast_power(x, exponent) / exact - 1.0) / room);
                x += 0.000317f;
            }
            CHECK(cpu::fast_power(1.0f, exponent) == 1.0f);
            CHECK(cpu::fast_power(0.0f, exponent) < 1e-37f);
        }
        CHECK(worst < 1.2e-7);
    }

    TEST_CASE("two runs of a training program give the same bits") {
        const auto train = [] {
            ProgramBuilder b("cpu");
            Values values(1);
            const Shape x_shape{8, 14, 14, 32}, w_shape{32, 3, 3, 32};
            const TensorId x = b.put("x", x_shape, values.reals(element_count(x_shape))),
                           target = b.put("target", x_shape, values.reals(element_count(x_shape))),
                           y = b.temporary(x_shape), dy = b.temporary(x_shape), dw = b.temporary(w_shape);
            RoundingStep step;
            step.rounding = {b.put("w", w_shape, values.reals(element_count(w_shape))),
                             b.put("v", w_shape, values.reals(element_count(w_shape))),
                             b.out("w_hat", w_shape),
                             b.put("scale", {1}, {0.125f}),
                             b.put("zero", {1}, {0.0f}),
                             kNone,
                             {4, false}};
            step.w_hat_gradient = dw;
            step.first_moment = b.zeros("m", w_shape);
            step.second_moment = b.zeros("u", w_shape);
            step.state = b.zeros("state", {kIterationValues});
            const TensorId loss = b.out("loss", {1});
            b.add(BeginIteration{step.state, {}, {loss}});
            b.add(RoundWeights{step.rounding});
            b.add(Convolution{x, step.rounding.w_hat, y, ConvolutionWindow::square(1, 1)});
            b.add(SquaredError{y, target, dy, loss});
            b.add(ConvolutionToWeights{x, dy, dw, ConvolutionWindow::square(1, 1)});
            b.add(step);
            b.run(5);
            return std::pair(b.get("v"), b.get("loss"));
        };
        CHECK(train() == train());
    }
}
