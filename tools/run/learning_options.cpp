#include "tools/run/learning_options.h"

#include <map>
#include <type_traits>

#include "engine/error.h"
#include "loaders/images/geometry.h"
#include "tools/program/command_line.h"
#include "tools/run/option_names.h"

namespace adaq {
namespace {

const std::map<std::string, UnitKind> kUnits{{"layer", UnitKind::layers}, {"block", UnitKind::blocks}};
const std::map<std::string, Reconstruction> kLosses{{"mean", Reconstruction::mean},
                                                    {"channel-sum", Reconstruction::channel_sum},
                                                    {"fisher-diag", Reconstruction::fisher_diag}};
const std::map<std::string, RoundingStart> kStarts{{"fraction", RoundingStart::fraction},
                                                   {"nearest", RoundingStart::nearest}};
const std::map<std::string, NormStatistics> kNorms{{"fixed", NormStatistics::fixed}, {"batch", NormStatistics::batch}};
const std::map<std::string, bool> kSchedules{{"constant", false}, {"cosine", true}};

class Adder {
  public:
    Adder(CLI::App& app, const std::string& group) : app_(app), group_(group) {}

    template <typename T>
    CLI::Option* number(const std::string& name, std::optional<T>& value, std::type_identity_t<T> low,
                        std::type_identity_t<T> high, const std::string& help) {
        CLI::Option* option = app_.add_option(name, value, help)->group(group_);
        if constexpr (std::is_integral_v<T>)
            return option->transform(whole_number(static_cast<int64_t>(low), static_cast<uint64_t>(high)));
        else
            return option->transform(adaq::number(low, high));
    }
    template <typename T>
    void word(const std::string& name, std::optional<std::string>& value, const std::map<std::string, T>& words,
              const std::string& help) {
        app_.add_option(name, value, help)->transform(key_of(words))->group(group_);
    }
    /// --name, and --no-name against it.
    void choice(const std::string& name, std::optional<bool>& value, const std::string& help) {
        CLI::Option* yes = app_.add_flag_callback(
            "--" + name, [&value] { value = true; }, help);
        CLI::Option* no = app_.add_flag_callback("--no-" + name, [&value] { value = false; });
        yes->disable_flag_override()->group(group_);
        no->disable_flag_override()->group("");
    }

  private:
    CLI::App& app_;
    std::string group_;
};

void add_loop_options(Adder& add, LearningOptions& o) {
    add.number("--iters", o.iterations, 1, 1 << 24, "Iterations a unit")->type_name("N");
    add.number("--iters-scale", o.scale_iterations, 1, 1 << 24, "brecq: iterations a unit of the scales' own pass")
        ->type_name("N");
    add.number("--minibatch", o.minibatch, 1, 4096, "Images an iteration")->type_name("N");
    add.number("--calib-views", o.views, 1, kMostViews,
               "How often each calibration image is learned from: as it is, mirrored, then moved at random")
        ->type_name("N");
    add.number("--lr", o.rate, 0.0, 1e38, "Learning rate of the rounding");
    add.number("--lr-scale", o.scale_rate, 0.0, 1e38, "Learning rate of the activation scales");
    add.number("--lr-channel", o.channel_rate, 0.0, 1e38,
               "Learning rate of each channel's weight scale (relative to where it starts) and bias; 0: they stay");
    add.word("--lr-scale-schedule", o.scale_schedule, kSchedules, "How that rate goes: constant, cosine");
    add.number("--lambda", o.lambda, 0.0, 1e6, "Weight of the term that drives roundings to 0 or 1");
    add.number("--warm-up", o.warm_up, 0.0, 1.0, "Share of the iterations before that term sets in");
    add.word("--loss", o.loss, kLosses,
             "Error at the unit's output: mean of its squares, summed over channels, or these weighted by the Fisher "
             "diagonal: mean, channel-sum, fisher-diag");
    add.number("--loss-exponent", o.exponent, 1.0, 16.0, "Exponent of the error in place of 2");
    add.number("--scale-exponent", o.scale_exponent, 1.0, 16.0, "brecq: the same in the scales' own pass");
    add.word("--rounding-init", o.start, kStarts,
             "Where roundings start: at each weight's own fraction, or at the nearest integer: fraction, nearest");
}

void add_unit_options(Adder& add, LearningOptions& o) {
    add.word("--unit", o.units, kUnits, "What is learned at a time: layer, block");
    add.number("--keep-input", o.keep_input, 0.0f, 1.0f,
               "Share of a unit's input that comes from the network quantised so far, element by element; the rest "
               "is float")
        ->type_name("P");
    add.number("--keep-quantised", o.keep_quantised, 0.0f, 1.0f,
               "Share of each activation that stays quantised while a unit learns; the rest is float")
        ->type_name("P");
    add.choice("replacement", o.replacement, "Draw each batch with replacement (--no-replacement: without)");
    add.choice("lsq-grad-scale", o.scale_gradient,
               "Divide the scales' gradients by sqrt(numel * qmax), as LSQ does (--no-lsq-grad-scale: do not)");
    add.number("--pd-lambda", o.prediction_lambda, 1e-6, 1e38,
               "pdquant: what the difference in prediction is divided by");
    add.number("--pd-temperature", o.temperature, 1e-6, 1e38, "pdquant: temperature of both predictions");
    add.choice("distribution-correction", o.correct_distribution,
               "Nudge each unit's float input until it has the statistics of the unit's batch norms (pdquant, qdrop)");
    add.number("--correction-steps", o.correction_steps, 1, 1 << 24, "Steps of that, for each batch of 32 images [500]")
        ->type_name("N");
    add.number("--correction-lambda", o.correction_lambda, 1e-6, 1e38,
               "What the nudge's own size is divided by in that [0.02]");
    add.word("--bn", o.norms, kNorms,
             "Statistics of a unit's kept batch norms while it learns: their own, or each batch's, which move their "
             "own: fixed, batch");
}

void set_loop(UnitOptions& unit, const LearningOptions& o) {
    unit.batch = o.minibatch.value_or(static_cast<int>(unit.batch));
    unit.schedule.scale_rate = o.scale_rate.value_or(unit.schedule.scale_rate);
    if (o.scale_schedule) unit.schedule.cosine_scale_rate = kSchedules.at(*o.scale_schedule);
    if (o.loss) unit.loss = kLosses.at(*o.loss);
    if (o.norms) unit.norms = kNorms.at(*o.norms);
    unit.replacement = o.replacement.value_or(unit.replacement);
    unit.scale_gradient_factor = o.scale_gradient.value_or(unit.scale_gradient_factor);
}

void set_learning(UnitOptions& unit, const LearningOptions& o) {
    set_loop(unit, o);
    unit.schedule.iterations = o.iterations.value_or(unit.schedule.iterations);
    unit.schedule.rounding_rate = o.rate.value_or(unit.schedule.rounding_rate);
    unit.schedule.warm_up = o.warm_up.value_or(unit.schedule.warm_up);
    unit.schedule.channel_rate = o.channel_rate.value_or(unit.schedule.channel_rate);
    unit.learn_channels = unit.schedule.channel_rate > 0.0;
    unit.lambda = o.lambda.value_or(unit.lambda);
    unit.exponent = o.exponent.value_or(unit.exponent);
    if (o.start) unit.start = kStarts.at(*o.start);
    unit.keep_input = o.keep_input.value_or(unit.keep_input);
    unit.keep_quantised = o.keep_quantised.value_or(unit.keep_quantised);
    if (!unit.prediction) return;
    unit.prediction->lambda = o.prediction_lambda.value_or(unit.prediction->lambda);
    unit.prediction->temperature = o.temperature.value_or(unit.prediction->temperature);
}

void check(const std::string& method, const LearningOptions& o, const Recipe& r) {
    const auto only = [&](bool given, const char* option, const char* where) {
        if (given) usage_error("{}: only with {}, not with --method {} as it is", option, where, method);
    };
    if (!r.scales) {
        only(o.scale_iterations.has_value(), "--iters-scale", "--method brecq, whose scales have a pass of their own");
        only(o.scale_exponent.has_value(), "--scale-exponent", "--method brecq, whose scales have a pass of their own");
    }
    if (!r.learn.prediction) {
        only(o.prediction_lambda.has_value(), "--pd-lambda", "--method pdquant");
        only(o.temperature.has_value(), "--pd-temperature", "--method pdquant");
    }
    if (!r.correction) {
        only(o.correction_steps.has_value(), "--correction-steps", "--distribution-correction");
        only(o.correction_lambda.has_value(), "--correction-lambda", "--distribution-correction");
    } else if (r.learn.keep_input >= 1.0f) {
        usage_error(
            "--distribution-correction: nudges the float part of a unit's input, and with {} there is none; "
            "take --method pdquant or qdrop, or --keep-input below 1",
            o.keep_input ? "--keep-input 1" : "--method " + method);
    }
    const bool sees_tail = r.learn.prediction || r.learn.loss == Reconstruction::fisher_diag;
    if (sees_tail && r.units == UnitKind::layers)
        usage_error(
            "--unit layer: {} looks from a unit's output to the network's, which a layer inside a block has "
            "not to itself; leave it at block",
            r.learn.prediction ? "--method " + method : "--loss fisher-diag");
}

}  // namespace

void add_learning_options(CLI::App& app, LearningOptions& o) {
    Adder add(app, "Learning (every method but nearest; defaults below)");
    add_loop_options(add, o);
    add_unit_options(add, o);
}

const std::vector<std::string>& learning_option_names() {
    static const std::vector<std::string> names = [] {
        CLI::App app;
        LearningOptions options;
        add_learning_options(app, options);
        std::vector<std::string> all;
        for (const CLI::Option* option : app.get_options())
            if (option != app.get_help_ptr()) all.push_back("--" + option->get_lnames().front());
        return all;
    }();
    return names;
}

Recipe settled_recipe(const std::string& method, const LearningOptions& o) {
    Recipe r = recipe(method);
    if (o.units) r.units = kUnits.at(*o.units);
    r.views = o.views.value_or(r.views);
    set_learning(r.learn, o);
    if (r.scales) {
        set_loop(*r.scales, o);
        r.scales->schedule.iterations = o.scale_iterations.value_or(r.scales->schedule.iterations);
        // docs/arithmetic.md section 7: the Fisher diagonal weighs squares.
        const double usual = r.scales->loss == Reconstruction::fisher_diag ? 2.0 : r.scales->exponent;
        r.scales->exponent = o.scale_exponent.value_or(usual);
    }
    if (o.correct_distribution.value_or(false)) {
        r.correction.emplace();
        r.correction->steps = o.correction_steps.value_or(r.correction->steps);
        r.correction->lambda = o.correction_lambda.value_or(r.correction->lambda);
    }
    check(method, o, r);
    return r;
}

nlohmann::ordered_json recipe_json(const Recipe& r) {
    const UnitOptions& u = r.learn;
    nlohmann::ordered_json json{
        {"unit", name_of(kUnits, r.units)},
        {"iters", u.schedule.iterations},
        {"minibatch", u.batch},
        {"calib_views", r.views},
        {"replacement", u.replacement},
        {"lr", u.schedule.rounding_rate},
        {"lr_scale", r.scales ? r.scales->schedule.scale_rate : u.schedule.scale_rate},
        {"lr_channel", u.schedule.channel_rate},
        {"lr_scale_schedule", name_of(kSchedules, (r.scales ? *r.scales : u).schedule.cosine_scale_rate)},
        {"lambda", u.lambda},
        {"warm_up", u.schedule.warm_up},
        {"loss", name_of(kLosses, u.loss)},
        {"loss_exponent", u.exponent},
        {"rounding_init", name_of(kStarts, u.start)},
        {"bn", name_of(kNorms, u.norms)},
        {"keep_input", u.keep_input},
        {"keep_quantised", u.keep_quantised},
        {"lsq_grad_scale", u.scale_gradient_factor},
        {"scale_images", r.scale_images}};
    if (r.scales) {
        json["iters_scale"] = r.scales->schedule.iterations;
        json["scale_exponent"] = r.scales->exponent;
    }
    if (r.correction) {
        json["correction_steps"] = r.correction->steps;
        json["correction_lambda"] = r.correction->lambda;
    }
    if (u.prediction) {
        json["pd_lambda"] = u.prediction->lambda;
        json["pd_temperature"] = u.prediction->temperature;
    }
    return json;
}

}  // namespace adaq
