// What PD-Quant's distribution correction asks of the devices: the distance of each image's statistics from a batch
// norm's, fixed norms, Adam on many elements, and a rate that falls on a plateau. (PyTorch's numbers: gradients_test.)
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/reference/device.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// x, and a norm whose statistics are others.
struct Given {
    Shape shape;
    std::vector<float> x, dy, mean, variance, gamma, inverse_std;

    Given(const Shape& s, float offset) : shape(s) {
        Values values(static_cast<uint64_t>(element_count(s)));
        const int64_t count = element_count(s), c = s[3];
        x = values.reals(count);
        for (float& v : x) v += offset;
        dy = values.reals(count);
        mean = values.reals(c);
        variance = values.reals(c);
        for (float& v : variance) v = 1.5f + v;
        gamma = values.reals(c);
        inverse_std = values.reals(c);
    }
    StatisticsLoss add_to(ProgramBuilder& b, bool through) const {
        const Shape c{shape[3]};
        StatisticsLoss op{b.put("x", shape, x), b.out("dx", shape), b.out("loss", {1}), b.put("mean", c, mean),
                          b.put("variance", c, variance)};
        op.factor = 0.25;
        if (through)
            op.through = ThroughFixedNorm{b.put("dy", shape, dy), b.put("gamma", c, gamma),
                                          b.put("inverse_std", c, inverse_std)};
        b.add(op);
        return op;
    }
};

const std::vector<Shape>& shapes() {
    static const std::vector<Shape> list{{2, 3, 5, 7},  {1, 1, 1, 1},   {3, 1, 1, 8},   {1, 1, 2, 1},   {4, 6, 6, 64},
                                         {3, 7, 7, 33}, {2, 9, 31, 16}, {33, 2, 2, 72}, {1, 28, 28, 40}};
    return list;
}

double largest(const std::vector<double>& values) {
    double most = 0.0;
    for (double v : values) most = std::max(most, std::abs(v));
    return most;
}

}  // namespace

TEST_SUITE("statistics loss") {
    TEST_CASE("every device finds the reference's loss and gradient, the norm's output read on or not") {
        for (const Shape& shape : shapes()) {
            for (bool through : {false, true}) {
                for (float offset : {0.0f, 30.0f}) {  // a mean that is large beside the deviation
                    const Given given(shape, offset);
                    ProgramBuilder reference("reference");
                    given.add_to(reference, through);
                    reference.run();
                    const std::vector<double> dx = reference.get("dx");
                    for (const std::string& device : devices_under_test()) {
                        CAPTURE(device);
                        CAPTURE(to_string(shape));
                        CAPTURE(through);
                        CAPTURE(offset);
                        ProgramBuilder b(device);
                        given.add_to(b, through);
                        b.run(2);
                        CHECK(b.get("loss")[0] == doctest::Approx(reference.get("loss")[0]).epsilon(1e-5));
                        const std::vector<double> ours = b.get("dx");
                        double worst = 0.0;
                        for (size_t i = 0; i < dx.size(); ++i) worst = std::max(worst, std::abs(ours[i] - dx[i]));
                        CHECK(worst < 1e-5 * largest(dx));
                    }
                }
            }
        }
    }

    TEST_CASE("the gradient is the slope of the loss") {
        for (const Shape& shape : {Shape{2, 3, 3, 2}, Shape{1, 1, 2, 3}, Shape{2, 1, 1, 3}}) {
            CAPTURE(to_string(shape));
            ProgramBuilder b("reference");
            Given(shape, 0.0f).add_to(b, false);
            b.run();
            const std::vector<double> dx = b.get("dx");
            auto& x = dynamic_cast<reference::ReferenceTensor&>(*b.buffer("x")).values;
            for (size_t i = 0; i < x.size(); ++i) {
                const double before = x[i];
                const auto loss_at = [&](double value) {
                    x[i] = value;
                    b.run();
                    return b.get("loss")[0];
                };
                const double slope = (loss_at(before + 1e-5) - loss_at(before - 1e-5)) / 2e-5;
                x[i] = before;
                CHECK(std::abs(slope - dx[i]) < 1e-8);
            }
        }
    }

    TEST_CASE("where the statistics are the norm's own, loss and gradient are 0") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            ProgramBuilder b(device);
            // Mean 3 and unbiased variance 4 / 3 of each channel.
            const TensorId x = b.put("x", {1, 2, 2, 2}, {2, 4, 4, 2, 2, 4, 4, 2});
            const TensorId mean = b.put("mean", {2}, {3, 3}), variance = b.put("variance", {2}, {4 / 3.0f, 4 / 3.0f});
            b.add(StatisticsLoss{x, b.out("dx", {1, 2, 2, 2}), b.out("loss", {1}), mean, variance});
            b.run();
            CHECK(b.get("loss")[0] < 1e-12);
            CHECK(largest(b.get("dx")) < 1e-7);
        }
    }

    TEST_CASE("a map of one element has no variance: its mean alone counts") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            ProgramBuilder b(device);
            const TensorId x = b.put("x", {2, 1, 1, 1}, {3, -1});
            const TensorId mean = b.put("mean", {1}, {1}), variance = b.put("variance", {1}, {100});
            StatisticsLoss op{x, b.out("dx", {2, 1, 1, 1}), b.out("loss", {1}), mean, variance};
            op.factor = 0.5;
            b.add(op);
            b.run();
            CHECK(b.get("loss") == std::vector<double>{0.5 * (4 + 4)});
            CHECK(b.get("dx") == std::vector<double>{2, -2});
        }
    }

    TEST_CASE("a map without any deviation has a finite loss and slope") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            ProgramBuilder b(device);
            const TensorId x = b.put("x", {1, 3, 3, 1}, std::vector<float>(9, 0.1f));
            const TensorId mean = b.put("mean", {1}, {0}), variance = b.put("variance", {1}, {1});
            b.add(StatisticsLoss{x, b.out("dx", {1, 3, 3, 1}), b.out("loss", {1}), mean, variance});
            b.run();
            // sigma is sqrt(1e-6), the norm's 1 + 5e-7.
            CHECK(b.get("loss")[0] == doctest::Approx(0.01 + std::pow(1.0000005 - 1e-3, 2)));
            for (double g : b.get("dx")) CHECK(g == doctest::Approx(0.2 / 9).epsilon(1e-4));
        }
    }

    TEST_CASE("a fixed norm normalises by its running statistics, which stay") {
        for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{1, 1, 1, 1}, Shape{4, 6, 6, 64}}) {
            const int64_t c = shape[3];
            const Given given(shape, 1.0f);
            for (const std::string& device : all_devices()) {
                CAPTURE(device);
                CAPTURE(to_string(shape));
                ProgramBuilder b(device);
                BatchNorm op{b.put("x", shape, given.x),
                             b.out("y", shape),
                             b.put("gamma", {c}, given.gamma),
                             b.put("beta", {c}, given.inverse_std),
                             b.put("running_mean", {c}, given.mean),
                             b.put("running_variance", {c}, given.variance),
                             b.out("mean", {c}),
                             b.out("inverse_std", {c})};
                op.fixed = true;
                op.epilogue.activation = Activation::relu();
                b.add(op);
                b.run(2);
                std::vector<double> y, inverse_std;
                for (size_t i = 0; i < given.x.size(); ++i) {
                    const size_t k = i % static_cast<size_t>(c);
                    const double normalised =
                        (static_cast<double>(given.x[i]) - given.mean[k]) / std::sqrt(given.variance[k] + 1e-5);
                    y.push_back(std::max(given.gamma[k] * normalised + given.inverse_std[k], 0.0));
                }
                for (float v : given.variance) inverse_std.push_back(1.0 / std::sqrt(static_cast<double>(v) + 1e-5));
                const double tolerance = device == "reference" ? 1e-12 : 1e-6;
                CHECK(distance(b.get("y"), y) < tolerance);
                CHECK(distance(b.get("inverse_std"), inverse_std) < tolerance);
                const std::vector<double> mean(given.mean.begin(), given.mean.end()),
                    variance(given.variance.begin(), given.variance.end());
                CHECK(b.get("mean") == mean);
                CHECK(b.get("running_mean") == mean);
                CHECK(b.get("running_variance") == variance);
            }
        }
    }

    TEST_CASE("Adam moves every element of a large tensor") {
        for (int64_t count : {1, 7, 8, 4099, 20000}) {
            Values values(12);
            const std::vector<float> x = values.reals(count), g = values.reals(count);
            const auto build = [&](ProgramBuilder& b) {
                const TensorId state = b.zeros("state", {kIterationValues});
                b.add(BeginIteration{state, {}, {}});
                b.add(AdamStep{b.put("x", {count}, x), b.put("g", {count}, g), b.zeros("m", {count}),
                               b.zeros("u", {count}), state});
            };
            ProgramBuilder reference("reference");
            build(reference);
            reference.run(3);
            for (const std::string& device : devices_under_test()) {
                CAPTURE(device);
                CAPTURE(count);
                ProgramBuilder b(device);
                build(b);
                b.run(3);
                for (const char* tensor : {"x", "m", "u"}) CHECK(distance(b.get(tensor), reference.get(tensor)) < 1e-6);
            }
        }
    }

    TEST_CASE("a plateau's rate starts anew when the state does, and takes all losses together") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            ProgramBuilder b(device);
            const TensorId state = b.zeros("state", {kIterationValues});
            Schedule schedule;
            schedule.scale_rate = 0.5;
            Plateau plateau;
            plateau.patience = 0;
            b.add(BeginIteration{state, schedule, {b.zeros("a", {1}), b.zeros("b", {1})}, plateau});
            const auto rate = [&] { return b.get("state")[kScaleRate]; };
            for (int round = 0; round < 2; ++round) {
                CAPTURE(round);
                b.set("state", std::vector<float>(kIterationValues));
                b.run();
                CHECK(rate() == 0.5);
                b.set("a", {4.0f});
                b.run();  // the first loss is the best
                CHECK(rate() == 0.5);
                b.set("b", {-1.0f});
                b.run();  // 3: better, although a stays
                CHECK(rate() == 0.5);
                b.set("b", {0.0f});
                b.run();
                CHECK(rate() == doctest::Approx(0.05));
                b.set("a", {std::numeric_limits<float>::quiet_NaN()});
                b.run();  // no better than any
                CHECK(rate() == doctest::Approx(0.005));
                CHECK(b.get("state")[kFirstBad] == 4);
            }
        }
    }
}
