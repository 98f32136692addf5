// Where arithmetic has an edge, the value each device must give there, known beforehand: V at ln 11, h at 0 and 1, an
// error of exactly 0, losses that are not finite; and slopes of the operations that are smooth between their edges.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/rounding.h"
#include "kernels/reference/device.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

struct Rounded {
    std::vector<double> w_hat, gradient;  // of V, by dL/dw_hat = 1
};

/// A step that rounds w, of one channel with zero point 0; its tensors in b, "scale" among them.
RoundingStep step_of(ProgramBuilder& b, const std::vector<float>& w, const std::vector<float>& v,
                     const std::vector<float>& gradient, int bits) {
    const Shape shape{1, static_cast<int64_t>(w.size())};
    RoundingStep op;
    op.rounding = {b.put("w", shape, w),  b.put("v", shape, v),
                   b.out("w_hat", shape), b.put("scale", {1}, {1.0f}),
                   b.zeros("zero", {1}),  kNone,
                   {bits, false}};
    op.w_hat_gradient = b.put("g", shape, gradient);
    op.first_moment = b.zeros("m", shape);
    op.second_moment = b.zeros("u", shape);
    op.state = b.zeros("state", {kIterationValues});
    return op;
}

/// With scale 1; the gradient read off Adam's first moment after one step.
Rounded round(const std::string& device, const std::vector<float>& w, const std::vector<float>& v, int bits) {
    const Shape shape{1, static_cast<int64_t>(w.size())};
    ProgramBuilder b(device);
    const RoundingStep op = step_of(b, w, v, std::vector<float>(w.size(), 1.0f), bits);
    Rounding soft = op.rounding;
    soft.w_hat = b.out("soft", shape);
    b.add(BeginIteration{op.state, {}, {}});
    b.add(RoundWeights{soft});
    b.add(op);
    b.run();
    Rounded result{b.get("soft"), b.get("m")};
    for (double& g : result.gradient) g *= 10.0;
    return result;
}

/// (f(x + h) - f(x - h)) / 2h of one element of a tensor of the reference, f = the sum of an output.
double slope(ProgramBuilder& b, const std::string& input, size_t index, const std::string& output) {
    double& x = dynamic_cast<reference::ReferenceTensor&>(*b.buffer(input)).values.at(index);
    const double before = x;
    const auto value = [&](double at) {
        x = at;
        b.run();
        double sum = 0;
        for (double y : b.get(output)) sum += y;
        return sum;
    };
    const double difference = (value(before + 1e-5) - value(before - 1e-5)) / 2e-5;
    x = before;
    return difference;
}

}  // namespace

TEST_SUITE("edges") {
    TEST_CASE("at |V| = ln 11 h is 0 or 1 exactly, and the gradient still passes, beyond, it does not") {
        const float edge = std::log(11.0f);
        // 1.2 (1 - sigma) sigma at V = ln 11, where sigma = 11 / 12
        const double by_v = 1.2 * 11.0 / 144.0;
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            const Rounded r = round(device, {1.5f, 1.5f, 1.5f, 1.5f, -2.0f, 0.0f},
                                    {edge, -edge, edge + 1e-3f, -edge - 1e-3f, 0.0f, -0.0f}, 4);
            CHECK(std::vector<double>(r.w_hat.begin(), r.w_hat.begin() + 4) == std::vector<double>{2, 1, 2, 1});
            CHECK(distance(r.w_hat, {2, 1, 2, 1, -1.5, 0.5}) < 1e-7);
            const std::vector<double> expected{by_v, by_v, 0, 0, 0.3, 0.3};
            CHECK(distance(r.gradient, expected) < 1e-6);
        }
    }

    TEST_CASE("a rounded weight on the clamp's edge passes its gradient, one outside does not") {
        const float edge = std::log(11.0f);
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            // two bits: integers -2 ... 1; floor(w) + h is 1, 2, 1.5, -2, -3, -2.5
            const Rounded r =
                round(device, {0.5f, 1.5f, 1.5f, -1.5f, -2.5f, -2.5f}, {edge, edge, 0.0f, -edge, -edge, 0.0f}, 2);
            CHECK(r.w_hat == std::vector<double>{1, 1, 1, -2, -2, -2});
            const std::vector<bool> passes{true, false, false, true, false, false};
            for (size_t i = 0; i < passes.size(); ++i) CHECK((r.gradient[i] != 0.0) == passes[i]);
        }
    }

    TEST_CASE("an error of exactly 0 has no slope, whatever the exponent and weight") {
        for (const std::string& device : all_devices()) {
            for (double exponent : {1.0, 2.0, 2.4}) {
                CAPTURE(device);
                CAPTURE(exponent);
                ProgramBuilder b(device);
                b.add(SquaredError{b.put("y", {1, 4}, {0.0f, -0.0f, 3.0f, -1.0f}),
                                   b.put("target", {1, 4}, {-0.0f, 0.0f, 3.0f, 1.0f}), b.out("dy", {1, 4}),
                                   b.out("loss", {1}), kNone, kNone, exponent, 1.0});
                b.run();
                const std::vector<double> dy = b.get("dy");
                for (size_t i : {0, 1, 2}) CHECK(dy[i] == 0.0);
                CHECK(dy[3] == doctest::Approx(-exponent * std::pow(2.0, exponent - 1.0)));
                CHECK(b.get("loss")[0] == doctest::Approx(std::pow(2.0, exponent)));
            }
        }
    }

    TEST_CASE("what is not finite in an output or in logits reaches the loss, and the iteration state") {
        const float infinity = std::numeric_limits<float>::infinity();
        for (const std::string& device : all_devices()) {
            for (float bad : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
                for (const char* where : {"y", "y2.4", "logits"}) {
                    CAPTURE(device);
                    CAPTURE(bad);
                    CAPTURE(where);
                    ProgramBuilder b(device);
                    const std::vector<float> values{0.5f, -1.0f, 2.0f};
                    const TensorId target = b.put("target", {1, 3}, values),
                                   state = b.zeros("state", {kIterationValues});
                    const TensorId square = b.out("square", {1}), power = b.out("power", {1}), kl = b.out("kl", {1});
                    b.add(BeginIteration{state, {}, {square, power, kl}});
                    b.add(SquaredError{b.put("y", {1, 3}, values), target, b.out("dy", {1, 3}), square});
                    b.add(SquaredError{b.put("y2.4", {1, 3}, values), target, b.out("dy2", {1, 3}), power, kNone, kNone,
                                       2.4});
                    b.add(KlDivergence{b.put("logits", {1, 3}, values), target, b.out("dlogits", {1, 3}), kl});
                    b.run(2);
                    b.set(where, {0.5f, bad, 2.0f});
                    b.run(2);
                    CHECK(b.get("state")[kFirstBad] == 3);
                }
            }
        }
    }

    TEST_CASE(
        "the reference rounds in float32 what is float32, so that ties fall as everywhere, and in float64 the rest") {
        // 0.35f / 0.1f is 3.49999989: in float32 that is 3.5, a tie, which goes to 4.
        ProgramBuilder b("reference");
        b.add(FakeQuantise{
            b.put("x", {2}, {0.35f, 0.35f}), b.out("y", {2}), {{4, false}, b.put("scale", {1}, {0.1f}), 0.0f, true}});
        dynamic_cast<reference::ReferenceTensor&>(*b.buffer("x")).values[1] += 1e-12;  // no longer a float
        b.run();
        CHECK(b.get("y") == std::vector<double>{4.0, 3.0});
    }

    TEST_CASE(
        "pooling, addition, the fully connected layer and rounding have the slopes that their backward passes say") {
        Values values(21);
        ProgramBuilder b("reference");
        const std::vector<float> x = values.reals(2 * 5 * 5 * 2), other = values.reals(2 * 5 * 5 * 2);
        const TensorId x_id = b.put("x", {2, 5, 5, 2}, x), pooled = b.out("pooled", {2, 3, 3, 2});
        const auto ones = [&](const std::string& name, const Shape& shape) {
            return b.put(name, shape, std::vector<float>(static_cast<size_t>(element_count(shape)), 1.0f));
        };
        b.add(MaxPool{x_id, pooled});
        b.add(MaxPoolGradient{x_id, ones("d1", {2, 3, 3, 2}), b.out("max pool", {2, 5, 5, 2})});
        b.add(GlobalAveragePool{x_id, b.out("averaged", {2, 2}), 3.0f});
        b.add(GlobalAveragePoolGradient{ones("d2", {2, 2}), b.out("average pool", {2, 5, 5, 2}), 3.0f});
        const TensorId sum = b.out("sum", {2, 5, 5, 2});
        b.add(Addition{x_id, b.put("other", {2, 5, 5, 2}, other), sum});
        b.add(
            ActivationBackward{ones("d3", {2, 5, 5, 2}), b.out("add", {2, 5, 5, 2}), kNone, {sum, Activation::relu()}});
        b.run();
        const auto pool = b.get("max pool"), average = b.get("average pool"), add = b.get("add");
        for (size_t i = 0; i < x.size(); i += 7) {
            CHECK(slope(b, "x", i, "pooled") == doctest::Approx(pool[i]).epsilon(1e-6));
            CHECK(slope(b, "x", i, "averaged") == doctest::Approx(average[i]).epsilon(1e-6));
            CHECK(slope(b, "x", i, "sum") == doctest::Approx(add[i]).epsilon(1e-6));
        }

        ProgramBuilder l("reference");
        const TensorId a = l.put("a", {2, 3}, values.reals(6)), w = l.put("w", {4, 3}, values.reals(12));
        const TensorId dy = l.put("dy", {2, 4}, std::vector<float>(8, 1.0f));
        l.add(Linear{a, w, l.out("y", {2, 4})});
        l.add(LinearToData{dy, w, l.out("da", {2, 3})});
        l.add(LinearToWeights{a, dy, l.out("dw", {4, 3})});
        l.run();
        const auto da = l.get("da"), dw = l.get("dw");
        for (size_t i = 0; i < da.size(); ++i) CHECK(std::abs(slope(l, "a", i, "y") - da[i]) < 1e-8);
        for (size_t i = 0; i < dw.size(); ++i) CHECK(std::abs(slope(l, "w", i, "y") - dw[i]) < 1e-8);
    }

    TEST_CASE("a gradient that is not finite shows in its weight and in the penalty, and in no other weight") {
        constexpr float kInfinity = std::numeric_limits<float>::infinity();
        std::vector<float> gradient(40, 0.5f);
        gradient[3] = kInfinity;
        gradient[17] = std::numeric_limits<float>::quiet_NaN();
        gradient[38] = -kInfinity;
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            ProgramBuilder b(device);
            RoundingStep op = step_of(b, std::vector<float>(40, 0.3f), std::vector<float>(40, 0.2f), gradient, 4);
            op.penalty = b.out("penalty", {1});
            Schedule schedule;
            schedule.iterations = 5;  // the second is regularised
            b.add(BeginIteration{op.state, schedule, {}});
            b.add(op);
            for (int run = 0; run < 2; ++run) {
                b.run();
                const std::vector<double> w_hat = b.get("w_hat");
                for (size_t i = 0; i < w_hat.size(); ++i) {
                    CAPTURE(i);
                    CHECK(std::isnan(w_hat[i]) == !std::isfinite(gradient[i]));
                }
            }
            CHECK(std::isnan(b.get("penalty")[0]));
        }
    }

    TEST_CASE("a step goes by the weights and the scale as they are, also after another upload") {
        const std::vector<float> v(20, -0.4f), gradient(20, 0.25f), first(20, 0.3f), second(20, -2.6f);
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            ProgramBuilder b(device), fresh(device);
            for (ProgramBuilder* builder : {&b, &fresh}) {
                const RoundingStep op = step_of(*builder, builder == &b ? first : second, v, gradient, 4);
                builder->add(BeginIteration{op.state, {}, {}});
                builder->add(op);
            }
            fresh.set("scale", {0.5f});
            fresh.run();
            b.run();
            for (const char* zero : {"m", "u"}) b.set(zero, std::vector<float>(20));
            b.set("state", std::vector<float>(kIterationValues));
            b.set("v", v);
            b.set("w", second);
            b.set("scale", {0.5f});
            b.run();
            CHECK(b.get("w_hat") == fresh.get("w_hat"));
            CHECK(b.get("w_hat")[0] == doctest::Approx(-2.6).epsilon(0.2));
        }
    }

    TEST_CASE("soft rounding and its penalty have the slopes that they say") {
        for (double v : {-2.3, -1.0, -0.01, 0.02, 0.7, 2.39}) {
            CAPTURE(v);
            const double h = soft_rounding(v).h;
            CHECK((soft_rounding(v + 1e-6).h - soft_rounding(v - 1e-6).h) / 2e-6 ==
                  doctest::Approx(soft_rounding(v).derivative).epsilon(1e-7));
            for (double beta : {2.0, 7.3, 20.0}) {
                const auto by_h =
                    (rounding_penalty(h + 1e-6, beta).value - rounding_penalty(h - 1e-6, beta).value) / 2e-6;
                CHECK(std::abs(by_h - rounding_penalty(h, beta).by_h) < 1e-6);
            }
        }
        CHECK(rounding_penalty(0.5, 20.0).by_h == 0.0);
        CHECK(rounding_penalty(0.0, 20.0).value == 0.0);
        CHECK(rounding_penalty(1.0, 2.0).value == 0.0);
    }
}
