// Operations of training at ResNet's windows, odd sizes and every form of epilogue: each device against the reference,
// and the reference's backward passes against central differences of its forward ones.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "kernels/reference/device.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr Stream kStream{5, 2, 1, 7};

struct Window {
    int64_t n, h, w, c, k, r;
    int stride, padding;
    Shape x() const { return {n, h, w, c}; }
    Shape filter() const { return {k, r, r, c}; }
    Shape y() const { return {n, window_extent(h, r, stride, padding), window_extent(w, r, stride, padding), k}; }
};

const std::vector<Window>& windows() {
    static const std::vector<Window> list{
        {1, 17, 15, 3, 16, 7, 2, 3}, {2, 9, 9, 16, 32, 3, 1, 1}, {2, 8, 8, 16, 24, 3, 2, 1}, {3, 7, 7, 32, 16, 1, 2, 0},
        {1, 1, 1, 64, 64, 1, 1, 0},  {5, 2, 2, 24, 40, 3, 1, 1}, {2, 1, 1, 32, 16, 3, 2, 1}, {2, 5, 6, 13, 11, 3, 1, 1},
        {2, 6, 7, 8, 8, 1, 1, 0},    {1, 1, 1, 1, 1, 1, 1, 0},   {9, 4, 4, 16, 16, 3, 1, 1}, {1, 6, 5, 5, 3, 3, 2, 1}};
    return list;
}

/// What a device makes of a program, and what the reference does.
void compare(const std::function<void(ProgramBuilder&)>& build, const std::vector<std::string>& outputs, int runs = 1,
             double tolerance = 1e-5) {
    ProgramBuilder reference("reference");
    build(reference);
    reference.run(runs);
    for (const std::string& device : devices_under_test()) {
        CAPTURE(device);
        ProgramBuilder builder(device);
        build(builder);
        builder.run(runs);
        for (const std::string& output : outputs) {
            CAPTURE(output);
            CHECK(distance(builder.get(output), reference.get(output)) < tolerance);
        }
    }
}

/// Which parts an activation has.
struct Form {
    bool relu, quantise, drop, addend, limited;  // limited: the ReLU has an upper limit
    explicit Form(int bits)
        : relu(bits & 1), quantise(bits & 2), drop((bits & 6) == 6), addend(bits & 8), limited(bits & 16) {}

    Activation activation(float highest) const {
        return !relu ? Activation::none() : limited ? Activation::clamp(0.0f, highest) : Activation::relu();
    }
};

/// All that there are: an upper limit goes with a ReLU alone.
std::vector<int> forms() {
    std::vector<int> all;
    for (int bits = 0; bits < 32; ++bits)
        if (bits < 16 || Form(bits).relu) all.push_back(bits);
    return all;
}

/// Every form of every window; of emulation a third, another one with the next window.
void for_each_form(const std::function<void(const Window&, const Form&, uint64_t seed)>& check) {
    for (size_t i = 0; i < windows().size(); ++i) {
        const Window& w = windows()[i];
        for (const int bits : forms()) {
            if (kEmulated && (i + static_cast<size_t>(bits)) % 3 != 0) continue;
            CAPTURE(bits);
            CAPTURE(to_string(w.x()));
            check(w, Form(bits), static_cast<uint64_t>(bits + w.c));
        }
    }
}

OutputQuantiser quantiser(ProgramBuilder& b, const Form& form, TensorId state) {
    OutputQuantiser q{{3, form.relu}, b.put("scale", {1}, {0.1875f}), form.relu ? 0.0f : 1.0f};
    if (form.drop) q.dropping = Dropping{0.5f, kStream, state};
    return q;
}

ActivationGradient activation(ProgramBuilder& b, Values& values, const Shape& shape, const Form& form, TensorId state) {
    std::vector<float> v = values.reals(element_count(shape));
    const Activation clamp = form.activation(0.75f);  // of which a part lies beyond
    for (float& x : v) x = clamp(x);
    ActivationGradient a{b.put("value", shape, v), clamp};
    if (form.quantise) {
        a.quantiser = quantiser(b, form, state);
        a.scale_gradient = b.out("scale_gradient", {1});
        a.scale_gradient_factor = 0.25;
    }
    return a;
}

std::vector<std::string> gradient_outputs(const Form& form) {
    return form.quantise ? std::vector<std::string>{"dx", "scale_gradient"} : std::vector<std::string>{"dx"};
}

TensorId iteration(ProgramBuilder& b) {
    const TensorId state = b.zeros("state", {kIterationValues});
    b.add(BeginIteration{state, {}, {}});
    return state;
}

}  // namespace

TEST_SUITE("training operations") {
    TEST_CASE("the forward pass saves what the quantiser sees, and drops as the stream says") {
        for_each_form([&](const Window& w, const Form& form, uint64_t seed) {
            Values values(seed);
            const auto x = values.wholes(element_count(w.x()), -3, 3),
                       f = values.wholes(element_count(w.filter()), -3, 3), shift = values.wholes(w.k, -3, 3),
                       residual = values.wholes(element_count(w.y()), -3, 3);
            compare(
                [&](ProgramBuilder& b) {
                    const TensorId state = iteration(b);
                    Convolution op{b.put("x", w.x(), x), b.put("w", w.filter(), f), b.out("y", w.y()),
                                   ConvolutionWindow::square(w.stride, w.padding)};
                    op.epilogue.shift = b.put("shift", {w.k}, shift);
                    if (form.addend) op.epilogue.residual = b.put("residual", w.y(), residual);
                    op.epilogue.activation = form.activation(6.0f);
                    if (form.quantise) op.epilogue.quantiser = quantiser(b, form, state);
                    op.epilogue.saved = b.out("saved", w.y());
                    b.add(op);
                },
                {"y", "saved"}, 2);
        });
    }

    TEST_CASE("convolution's gradient to data, with the way back through any activation") {
        for_each_form([&](const Window& w, const Form& form, uint64_t seed) {
            compare(
                [&](ProgramBuilder& b) {
                    Values values(seed);
                    const TensorId state = iteration(b);
                    ConvolutionToData op{b.put("dy", w.y(), values.reals(element_count(w.y()))),
                                         b.put("w", w.filter(), values.reals(element_count(w.filter()))),
                                         b.out("dx", w.x()), ConvolutionWindow::square(w.stride, w.padding)};
                    if (form.addend) op.addend = b.put("addend", w.x(), values.reals(element_count(w.x())));
                    if (form.relu || form.quantise) op.activation = activation(b, values, w.x(), form, state);
                    b.add(op);
                },
                gradient_outputs(form), 2);
        });
    }

    TEST_CASE("convolution's gradient to weights") {
        for (const Window& w : windows()) {
            CAPTURE(to_string(w.x()));
            compare(
                [&](ProgramBuilder& b) {
                    Values values(static_cast<uint64_t>(w.c + w.k));
                    b.add(ConvolutionToWeights{b.put("x", w.x(), values.reals(element_count(w.x()))),
                                               b.put("dy", w.y(), values.reals(element_count(w.y()))),
                                               b.out("dw", w.filter()),
                                               ConvolutionWindow::square(w.stride, w.padding)});
                },
                {"dw"}, 2);
        }
    }

    TEST_CASE("the fully connected layer in three directions") {
        for (const auto& [n, c, k] :
             std::vector<std::array<int64_t, 3>>{{1, 1, 1}, {3, 17, 5}, {32, 64, 33}, {2, 512, 100}}) {
            for (int bits : {0, 1, 2, 3, 6, 7, 15}) {
                const Form form(bits);
                CAPTURE(bits);
                CAPTURE(c);
                compare(
                    [&, n = n, c = c, k = k](ProgramBuilder& b) {
                        Values values(static_cast<uint64_t>(bits + c));
                        const TensorId state = iteration(b), x = b.put("x", {n, c}, values.reals(n * c)),
                                       w = b.put("w", {k, c}, values.reals(k * c)),
                                       dy = b.put("dy", {n, k}, values.reals(n * k));
                        Linear forward{x, w, b.out("y", {n, k})};
                        forward.epilogue.shift = b.put("shift", {k}, values.reals(k));
                        b.add(forward);
                        b.add(LinearToWeights{x, dy, b.out("dw", {k, c})});
                        LinearToData op{dy, w, b.out("dx", {n, c})};
                        if (form.addend) op.addend = b.put("addend", {n, c}, values.reals(n * c));
                        if (form.relu || form.quantise) op.activation = activation(b, values, {n, c}, form, state);
                        b.add(op);
                    },
                    {"y", "dw", "dx"});
            }
        }
    }

    TEST_CASE("batch norm with batch statistics, residual and quantiser, both ways") {
        for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{1, 1, 2, 1}, Shape{4, 6, 6, 64}, Shape{3, 7, 7, 33}}) {
            for (const int bits : forms()) {
                const Form form(bits);
                CAPTURE(bits);
                CAPTURE(to_string(shape));
                compare(
                    [&](ProgramBuilder& b) {
                        Values values(static_cast<uint64_t>(bits + shape[3]));
                        const TensorId state = iteration(b);
                        const int64_t count = element_count(shape), c = shape[3];
                        std::vector<float> x = values.reals(count);
                        for (float& v : x) v += 3.0f;  // a mean that is large beside the deviation
                        BatchNorm op{b.put("x", shape, x),
                                     b.out("y", shape),
                                     b.put("gamma", {c}, values.reals(c)),
                                     b.put("beta", {c}, values.reals(c)),
                                     b.put("running_mean", {c}, values.reals(c)),
                                     b.put("running_variance", {c}, values.reals(c)),
                                     b.out("mean", {c}),
                                     b.out("inverse_std", {c})};
                        op.epilogue.activation = form.activation(3.0f);
                        if (form.addend) op.epilogue.residual = b.put("residual", shape, values.reals(count));
                        op.epilogue.saved = b.out("saved", shape);
                        // A value near a tie would fall either way: quantised behind the norm, on the reference's
                        // values.
                        b.add(op);
                        b.add(BatchNormGradient{b.put("dy", shape, values.reals(count)), op.x, b.out("dx", shape),
                                                op.gamma, op.mean, op.inverse_std});
                        static_cast<void>(state);
                    },
                    {"y", "saved", "mean", "running_mean", "running_variance", "dx"}, 2, 2e-5);
            }
        }
    }

    TEST_CASE("the way back through an activation alone, ties and clamp edges and infinities among the values") {
        for (int64_t count : {1, 7, 8, 1000, 4099}) {
            for (const int bits : forms()) {
                const Form form(bits);
                CAPTURE(bits);
                CAPTURE(count);
                compare(
                    [&](ProgramBuilder& b) {
                        Values values(static_cast<uint64_t>(bits + count));
                        const TensorId state = iteration(b);
                        const TensorId dy = b.put("dy", {count}, values.reals(count));
                        ActivationGradient a = activation(b, values, {count}, form, state);
                        std::vector<float> v = values.wholes(count, form.relu ? 0 : -24, 24);
                        for (float& x : v) x *= 0.1875f / 2;  // halves of steps: every other one a tie
                        if (count > 10) v[3] = v[9] = std::numeric_limits<float>::infinity();
                        b.set("value", v);
                        const TensorId addend = form.addend ? b.put("addend", {count}, values.reals(count)) : kNone;
                        b.add(ActivationBackward{dy, b.out("dx", {count}), addend, a});
                    },
                    gradient_outputs(form), 3);
            }
        }
    }

    TEST_CASE("fake quantisation of a tensor and of channels, at ties, edges, infinities and the limits of z") {
        for (int bits : {2, 3, 4, 8}) {
            for (float zero_point : {0.0f, 1.0f, -3.0f, -128.0f, 127.0f}) {
                for (bool drop : {false, true}) {
                    CAPTURE(bits);
                    CAPTURE(zero_point);
                    compare(
                        [&](ProgramBuilder& b) {
                            Values values(static_cast<uint64_t>(bits));
                            const TensorId state = iteration(b);
                            std::vector<float> x = values.wholes(3 * 5 * 7, -600, 600);
                            for (float& v : x) v *= 0.125f;
                            x[1] = std::numeric_limits<float>::infinity();
                            x[2] = -x[1];
                            const TensorId id = b.put("x", {3, 5, 7}, x);
                            OutputQuantiser q{{bits, false}, b.put("scale", {1}, {0.25f}), zero_point};
                            if (drop) q.dropping = Dropping{0.25f, kStream, state};
                            b.add(FakeQuantise{id, b.out("y", {3, 5, 7}), q});
                            b.set("x", x);
                        },
                        {"y"}, 2, 1e-12);
                }
            }
        }
    }

    TEST_CASE("pooling and its gradients, ties and all") {
        for (const Shape& shape : {Shape{2, 9, 7, 5}, Shape{1, 1, 1, 1}, Shape{1, 8, 8, 64}, Shape{3, 5, 6, 33}}) {
            CAPTURE(to_string(shape));
            const Shape pooled{shape[0], window_extent(shape[1], 3, 2, 1), window_extent(shape[2], 3, 2, 1), shape[3]};
            compare(
                [&](ProgramBuilder& b) {
                    Values values(17);
                    const TensorId x = b.put("x", shape, values.wholes(element_count(shape), 0, 3));
                    b.add(MaxPool{x, b.out("y", pooled)});
                    b.add(MaxPoolGradient{x, b.put("dy", pooled, values.reals(element_count(pooled))),
                                          b.out("dx", shape)});
                    const Shape averaged{shape[0], shape[3]};
                    b.add(GlobalAveragePool{x, b.out("average", averaged)});
                    b.add(GlobalAveragePoolGradient{b.put("da", averaged, values.reals(element_count(averaged))),
                                                    b.out("dx average", shape), 2.0f});
                },
                {"y", "dx", "average", "dx average"});
        }
    }

    TEST_CASE("rounding steps: every grid, one scale or many, V at its edges, with and without the regulariser") {
        for (const Shape& shape : {Shape{4, 3, 3, 5}, Shape{1, 1}, Shape{7, 129}, Shape{16, 1, 1, 64}}) {
            for (int bits : {2, 4, 8}) {
                for (bool per_channel : {true, false}) {
                    for (double warm_up : {0.0, 0.5}) {
                        CAPTURE(to_string(shape));
                        CAPTURE(bits);
                        compare(
                            [&](ProgramBuilder& b) {
                                Values values(static_cast<uint64_t>(bits + shape[0]));
                                const int64_t count = element_count(shape), k = shape[0], groups = per_channel ? k : 1;
                                std::vector<float> scale = values.reals(groups), v = values.reals(count);
                                for (float& s : scale) s = 0.0625f * (1.5f + s);
                                for (float& x : v) x *= 3.0f;
                                if (count > 4) {
                                    v[0] = std::log(11.0f);
                                    v[1] = -std::log(11.0f);
                                    v[2] = 0.0f;
                                    v[3] = 100.0f;
                                }
                                RoundingStep op;
                                op.rounding = {b.put("w", shape, values.reals(count)),
                                               b.put("v", shape, v),
                                               b.out("w_hat", shape),
                                               b.put("scale", {groups}, scale),
                                               b.put("zero", {groups}, values.wholes(groups, -2, 2)),
                                               b.put("factor", {k}, values.reals(k)),
                                               {bits, false}};
                                op.w_hat_gradient = b.put("g", shape, values.reals(count));
                                op.first_moment = b.zeros("m", shape);
                                op.second_moment = b.zeros("u", shape);
                                op.state = b.zeros("state", {kIterationValues});
                                op.lambda = 0.01;
                                op.penalty = b.out("penalty", {1});
                                Schedule schedule;
                                schedule.iterations = 10;
                                schedule.warm_up = warm_up;
                                schedule.rounding_rate = 0.01;
                                b.add(RoundWeights{op.rounding});
                                b.add(BeginIteration{op.state, schedule, {op.penalty}});
                                b.add(op);
                            },
                            {"v", "w_hat", "m", "u", "penalty"}, 6, 3e-5);
                    }
                }
            }
        }
    }

    TEST_CASE("gradients of what whole channels have in common") {
        for (const Shape& shape :
             {Shape{1, 1}, Shape{4, 3, 3, 5}, Shape{7, 129}, Shape{300, 1, 1, 64}, Shape{2, 3000}}) {
            CAPTURE(to_string(shape));
            compare(
                [&](ProgramBuilder& b) {
                    Values values(31);
                    const int64_t count = element_count(shape);
                    std::vector<float> factor = values.reals(shape[0]);
                    for (float& f : factor) f += 2.0f;
                    b.add(ChannelScaleGradient{b.put("w", shape, values.reals(count)),
                                               b.put("dw", shape, values.reals(count)),
                                               b.put("factor", {shape[0]}, factor), b.out("by factor", {shape[0]})});
                },
                {"by factor"});
        }
        for (const Shape& shape :
             {Shape{1, 1, 1, 1}, Shape{5, 3}, Shape{2, 9, 7, 5}, Shape{3, 40, 40, 33}, Shape{2, 2, 2, 3000}}) {
            CAPTURE(to_string(shape));
            compare(
                [&](ProgramBuilder& b) {
                    Values values(32);
                    b.add(ChannelShiftGradient{b.put("dy", shape, values.reals(element_count(shape))),
                                               b.out("by shift", {shape.back()})});
                },
                {"by shift"});
        }
    }

    TEST_CASE("Adam goes at the rate that it is told") {
        compare(
            [](ProgramBuilder& b) {
                const TensorId state = b.zeros("state", {kIterationValues});
                Schedule schedule;
                schedule.iterations = 4;
                schedule.scale_rate = 0.01;
                schedule.channel_rate = 0.2;
                schedule.cosine_scale_rate = true;
                b.add(BeginIteration{state, schedule, {}});
                for (const IterationValue rate : {kScaleRate, kChannelRate}) {
                    const std::string n = rate == kScaleRate ? "scale" : "channel";
                    AdamStep step{b.put(n, {1}, {0.5f}), b.put(n + " g", {1}, {0.3f}), b.zeros(n + " m", {1}),
                                  b.zeros(n + " u", {1}), state};
                    step.rate = rate;
                    b.add(step);
                }
            },
            {"scale", "channel", "state"}, 3, 1e-6);
    }

    TEST_CASE("Adam moves scales, and never below their least") {
        compare(
            [](ProgramBuilder& b) {
                const TensorId state = b.zeros("state", {kIterationValues});
                Schedule schedule;
                schedule.scale_rate = 0.01;
                b.add(BeginIteration{state, schedule, {}});
                b.add(AdamStep{b.put("x", {3}, {0.5f, 0.02f, 1.0f}), b.put("g", {3}, {0.3f, 5.0f, -2.0f}),
                               b.zeros("m", {3}), b.zeros("u", {3}), state, 1e-8f});
            },
            {"x", "m", "u"}, 5, 1e-6);
    }

    TEST_CASE("losses over many elements") {
        for (const Shape& shape : {Shape{1, 1}, Shape{3, 5, 5, 7}, Shape{32, 4, 4, 64}}) {
            for (double exponent : {2.0, 2.4}) {
                CAPTURE(to_string(shape));
                compare(
                    [&](ProgramBuilder& b) {
                        Values values(3);
                        Shape cache = shape;
                        cache[0] = 40;
                        std::vector<float> rows;
                        for (int64_t i = 0; i < shape[0]; ++i) rows.push_back(static_cast<float>((i * 7) % 40));
                        b.add(SquaredError{b.put("y", shape, values.reals(element_count(shape))),
                                           b.put("target", cache, values.reals(element_count(cache))),
                                           b.out("dy", shape), b.out("loss", {1}), b.put("indices", {shape[0]}, rows),
                                           b.put("weight", cache, values.reals(element_count(cache))), exponent, 0.5});
                    },
                    {"dy", "loss"});
            }
        }
        compare(
            [](ProgramBuilder& b) {
                Values values(4);
                std::vector<float> logits = values.reals(32 * 1000), wanted = values.reals(32 * 1000);
                for (float& x : logits) x *= 40.0f;
                for (float& x : wanted) x *= 40.0f;
                b.add(KlDivergence{b.put("logits", {32, 1000}, logits), b.put("target", {32, 1000}, wanted),
                                   b.out("dlogits", {32, 1000}), b.out("loss", {1}), kNone, 4.0, 1.0 / 32});
            },
            {"dlogits", "loss"});
    }

    TEST_CASE("the reference's backward passes are the slopes of its forward ones") {
        for (const Window& w : {Window{1, 5, 4, 2, 3, 3, 1, 1},
                                {1, 5, 5, 2, 2, 3, 2, 1},
                                {1, 7, 6, 1, 2, 7, 2, 3},
                                {2, 3, 3, 3, 2, 1, 2, 0}}) {
            CAPTURE(to_string(w.x()));
            Values values(8);
            const auto dy = values.reals(element_count(w.y()));
            ProgramBuilder forward("reference"), backward("reference");
            const auto x = values.reals(element_count(w.x())), f = values.reals(element_count(w.filter()));
            forward.add(Convolution{forward.put("x", w.x(), x), forward.put("w", w.filter(), f),
                                    forward.out("y", w.y()), ConvolutionWindow::square(w.stride, w.padding)});
            const TensorId dy_id = backward.put("dy", w.y(), dy);
            backward.add(ConvolutionToData{dy_id, backward.put("w", w.filter(), f), backward.out("dx", w.x()),
                                           ConvolutionWindow::square(w.stride, w.padding)});
            backward.add(ConvolutionToWeights{backward.put("x", w.x(), x), dy_id, backward.out("dw", w.filter()),
                                              ConvolutionWindow::square(w.stride, w.padding)});
            backward.run();
            CHECK(distance(backward.get("dx"), central_differences(forward, "x", "y", dy)) < 1e-8);
            CHECK(distance(backward.get("dw"), central_differences(forward, "w", "y", dy)) < 1e-8);
        }
        Values values(9);
        const Shape shape{2, 3, 3, 2};
        const auto x = values.reals(36), dy = values.reals(36), gamma = values.reals(2);
        ProgramBuilder norm("reference");
        BatchNorm op{norm.put("x", shape, x), norm.out("y", shape),        norm.put("gamma", {2}, gamma),
                     norm.zeros("beta", {2}), norm.zeros("rm", {2}),       norm.zeros("rv", {2}),
                     norm.out("mean", {2}),   norm.out("inverse_std", {2})};
        norm.add(op);
        norm.add(BatchNormGradient{norm.put("dy", shape, dy), op.x, norm.out("dx", shape), op.gamma, op.mean,
                                   op.inverse_std});
        norm.run();
        const std::vector<double> dx = norm.get("dx");
        CHECK(distance(dx, central_differences(norm, "x", "y", dy)) < 1e-6);
        ProgramBuilder loss("reference");
        loss.add(SquaredError{loss.put("y", {2, 18}, x), loss.put("target", {2, 18}, dy), loss.out("dy", {2, 18}),
                              loss.out("loss", {1}), kNone, kNone, 2.4, 0.5});
        loss.run();
        const std::vector<double> slope = loss.get("dy");
        CHECK(distance(slope, central_differences(loss, "y", "loss", {1.0f})) < 1e-5);
        ProgramBuilder kl("reference");
        kl.add(KlDivergence{kl.put("logits", {2, 18}, x), kl.put("target", {2, 18}, dy), kl.out("dlogits", {2, 18}),
                            kl.out("loss", {1}), kNone, 2.0, 3.0});
        kl.run();
        const std::vector<double> by_logits = kl.get("dlogits");
        CHECK(distance(by_logits, central_differences(kl, "logits", "loss", {1.0f})) < 1e-7);
    }
}
