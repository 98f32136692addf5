// Backward passes, losses and steps against PyTorch's numbers in double (tools/make_gradient_fixtures.py): the
// reference to 1e-9, the other devices to float32.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "support/devices.h"
#include "support/places.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

using Json = nlohmann::json;

const Json& gradient_fixtures() {
    static const Json json = Json::parse(std::ifstream(fixtures_folder() + "/operations/gradients.json"));
    return json;
}

/// A case of the file, its tensors made on demand.
class Case {
  public:
    Case(const Json& json, ProgramBuilder& builder) : json_(json), builder_(builder) {}

    TensorId in(const std::string& name) {
        const Json& tensor = json_["inputs"][name];
        return builder_.put(name, tensor["shape"].get<Shape>(), tensor["values"].get<std::vector<float>>());
    }
    TensorId maybe(const std::string& name) { return json_["inputs"].contains(name) ? in(name) : kNone; }
    TensorId out(const std::string& name) { return builder_.out(name, json_["outputs"][name]["shape"].get<Shape>()); }
    template <typename T>
    T setting(const std::string& name) const {
        return json_["settings"][name].get<T>();
    }
    Shape shape(const std::string& name) const { return json_["inputs"][name]["shape"].get<Shape>(); }
    Grid grid(bool one_sided = false) const { return {setting<int>("bits"), one_sided}; }
    void add(const Operation& operation) { builder_.add(operation); }
    ProgramBuilder& builder() { return builder_; }
    const Json& json() const { return json_; }

  private:
    const Json& json_;
    ProgramBuilder& builder_;
};

void batch_norm(Case& c) {
    const Shape x_shape = c.shape("x"), channels{x_shape.back()};
    BatchNorm op{c.in("x"),
                 c.out("y"),
                 c.in("gamma"),
                 c.in("beta"),
                 c.in("running_mean"),
                 c.in("running_variance"),
                 c.builder().out("mean", channels),
                 c.builder().out("inverse_std", channels)};
    c.add(op);
    c.add(BatchNormGradient{c.in("dy"), op.x, c.out("dx"), op.gamma, op.mean, op.inverse_std});
}

void statistics_loss(Case& c) {
    StatisticsLoss op{c.in("x"), c.out("dx"), c.out("loss"), c.in("mean"), c.in("variance")};
    op.factor = c.setting<double>("factor");
    c.add(op);
}

/// What enters a fixed norm whose output is read on.
void statistics_through_norm(Case& c) {
    const Shape x_shape = c.shape("x"), channels{x_shape.back()};
    const TensorId x = c.in("x"), mean = c.in("mean"), variance = c.in("variance");
    BatchNorm norm{x,
                   c.out("y"),
                   c.in("gamma"),
                   c.in("beta"),
                   mean,
                   variance,
                   c.builder().out("norm mean", channels),
                   c.builder().out("inverse_std", channels)};
    norm.fixed = true;
    c.add(norm);
    StatisticsLoss op{x, c.out("dx"), c.out("loss"), mean, variance};
    op.factor = c.setting<double>("factor");
    op.through = ThroughFixedNorm{c.in("dy"), norm.gamma, norm.inverse_std};
    c.add(op);
}

void activation_backward(Case& c) {
    ActivationGradient activation{c.in("value"), c.setting<bool>("relu") ? Activation::relu() : Activation::none()};
    activation.quantiser =
        OutputQuantiser{c.grid(c.setting<bool>("one_sided")), c.in("scale"), c.setting<float>("zero_point")};
    activation.scale_gradient = c.out("scale_gradient");
    c.add(ActivationBackward{c.in("dy"), c.out("dx"), kNone, activation});
}

const std::map<std::string, std::function<void(Case&)>>& operations() {
    static const std::map<std::string, std::function<void(Case&)>> table{
        {"convolution_to_data",
         [](Case& c) {
             c.add(ConvolutionToData{c.in("dy"), c.in("w"), c.out("dx"),
                                     ConvolutionWindow::square(c.setting<int>("stride"), c.setting<int>("padding"))});
         }},
        {"convolution_to_weights",
         [](Case& c) {
             c.add(
                 ConvolutionToWeights{c.in("x"), c.in("dy"), c.out("dw"),
                                      ConvolutionWindow::square(c.setting<int>("stride"), c.setting<int>("padding"))});
         }},
        {"linear_to_data",
         [](Case& c) {
             c.add(LinearToData{c.in("dy"), c.in("w"), c.out("dx")});
         }},
        {"linear_to_weights",
         [](Case& c) {
             c.add(LinearToWeights{c.in("x"), c.in("dy"), c.out("dw")});
         }},
        {"batch_norm", batch_norm},
        {"statistics_loss", statistics_loss},
        {"statistics_through_norm", statistics_through_norm},
        {"max_pool_gradient",
         [](Case& c) {
             c.add(MaxPoolGradient{c.in("x"), c.in("dy"), c.out("dx")});
         }},
        {"global_average_pool_gradient",
         [](Case& c) {
             c.add(GlobalAveragePoolGradient{c.in("dy"), c.out("dx")});
         }},
        {"activation_backward", activation_backward},
        {"squared_error",
         [](Case& c) {
             c.add(SquaredError{c.in("y"), c.in("target"), c.out("dy"), c.out("loss"), c.maybe("indices"),
                                c.maybe("weight"), c.setting<double>("exponent"), c.setting<double>("factor")});
         }},
        {"kl_divergence",
         [](Case& c) {
             c.add(KlDivergence{c.in("logits"), c.in("target"), c.out("dlogits"), c.out("loss"), c.maybe("indices"),
                                c.setting<double>("temperature"), c.setting<double>("factor")});
         }},
    };
    return table;
}

std::vector<double> part(const Json& stack, size_t index, size_t size) {
    const auto values = stack["values"].get<std::vector<double>>();
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(index * size);
    return {first, first + static_cast<std::ptrdiff_t>(size)};
}

double tolerance(const std::string& device) { return device == "reference" ? 1e-9 : 1e-5; }

}  // namespace

TEST_SUITE("gradients") {
    TEST_CASE("every backward pass and loss agrees with PyTorch") {
        for (const std::string& device : all_devices()) {
            for (const Json& json : gradient_fixtures()) {
                const auto name = json["operation"].get<std::string>();
                if (name == "rounding_step" || name == "plateau") continue;
                CAPTURE(device);
                CAPTURE(name);
                CAPTURE(json["settings"].dump());
                ProgramBuilder builder(device);
                Case c(json, builder);
                operations().at(name)(c);
                builder.run();
                for (const auto& [output, tensor] : json["outputs"].items()) {
                    CAPTURE(output);
                    CHECK(distance(builder.get(output), tensor["values"].get<std::vector<double>>()) <
                          tolerance(device));
                }
            }
        }
    }

    TEST_CASE("the rate follows PyTorch's ReduceLROnPlateau, loss for loss") {
        for (const std::string& device : all_devices()) {
            for (const Json& json : gradient_fixtures()) {
                if (json["operation"] != "plateau") continue;
                CAPTURE(device);
                CAPTURE(json["settings"].dump());
                ProgramBuilder builder(device);
                Case c(json, builder);
                Schedule schedule;
                schedule.scale_rate = c.setting<double>("rate");
                Plateau plateau;
                plateau.patience = c.setting<int64_t>("patience");
                const TensorId state = builder.zeros("state", {kIterationValues});
                builder.add(BeginIteration{state, schedule, {builder.zeros("loss", {1})}, plateau});
                const auto losses = json["inputs"]["losses"]["values"].get<std::vector<float>>();
                const auto rates = json["outputs"]["rates"]["values"].get<std::vector<double>>();
                for (size_t t = 0; t < losses.size(); ++t) {
                    CAPTURE(t);
                    builder.run();
                    CHECK(builder.get("state")[kScaleRate] ==
                          doctest::Approx(rates[t]).scale(0.0).epsilon(device == "reference" ? 1e-12 : 1e-6));
                    builder.set("loss", {losses[t]});
                }
            }
        }
    }

    TEST_CASE("eight rounding steps follow PyTorch's Adam, regulariser and all") {
        for (const std::string& device : all_devices()) {
            for (const Json& json : gradient_fixtures()) {
                if (json["operation"] != "rounding_step") continue;
                CAPTURE(device);
                CAPTURE(json["settings"].dump());
                ProgramBuilder builder(device);
                Case c(json, builder);
                const Shape shape = c.shape("w");
                Schedule schedule;
                schedule.iterations = c.setting<int64_t>("iterations");
                schedule.warm_up = c.setting<double>("warm_up");
                schedule.rounding_rate = c.setting<double>("rate");
                RoundingStep op;
                op.rounding = {c.in("w"),     c.in("v"),          c.out("w_hat"),
                               c.in("scale"), c.in("zero_point"), c.in("channel_scale"),
                               c.grid()};
                op.w_hat_gradient = builder.zeros("gradient", shape);
                op.first_moment = builder.zeros("m", shape);
                op.second_moment = builder.zeros("u", shape);
                op.state = builder.zeros("state", {kIterationValues});
                op.lambda = c.setting<double>("factor");
                op.penalty = builder.out("penalty", {1});
                builder.add(BeginIteration{op.state, schedule, {op.penalty}});
                builder.add(op);
                const auto size = static_cast<size_t>(element_count(shape));
                const Json& expected = json["outputs"];
                for (size_t t = 0; t < 8; ++t) {
                    CAPTURE(t);
                    const auto gradient = part(json["inputs"]["gradients"], t, size);
                    builder.set("gradient", {gradient.begin(), gradient.end()});
                    builder.run();
                    CHECK(distance(builder.get("v"), part(expected["v"], t, size)) < tolerance(device));
                    CHECK(distance(builder.get("penalty"), part(expected["penalty"], t, 1)) < tolerance(device));
                }
                CHECK(distance(builder.get("w_hat"), expected["w_hat"]["values"].get<std::vector<double>>()) <
                      tolerance(device));
            }
        }
    }
}
