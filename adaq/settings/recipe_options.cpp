// See recipe_options.h.
#include "adaq/settings/recipe_options.h"

#include <type_traits>

#include "adaq/settings/option_names.h"
#include "adaq/settings/option_table.h"
#include "engine/error.h"

namespace adaq {
namespace {

/// Calls see(field, optional) for each option.
template <typename See>
void each_option(const LearningOptions& o, See see) {
    see("iters", o.iters);
    see("iters_scale", o.iters_scale);
    see("minibatch", o.minibatch);
    see("calib_views", o.calib_views);
    see("lr", o.lr);
    see("lr_scale", o.lr_scale);
    see("lr_channel", o.lr_channel);
    see("lr_scale_schedule", o.lr_scale_schedule);
    see("lambda", o.lambda);
    see("warm_up", o.warm_up);
    see("loss", o.loss);
    see("loss_exponent", o.loss_exponent);
    see("scale_exponent", o.scale_exponent);
    see("rounding_init", o.rounding_init);
    see("unit", o.unit);
    see("keep_input", o.keep_input);
    see("keep_quantised", o.keep_quantised);
    see("replacement", o.replacement);
    see("lsq_grad_scale", o.lsq_grad_scale);
    see("pd_lambda", o.pd_lambda);
    see("pd_temperature", o.pd_temperature);
    see("distribution_correction", o.distribution_correction);
    see("correction_steps", o.correction_steps);
    see("correction_lambda", o.correction_lambda);
    see("bn", o.bn);
}

void set_loop(UnitOptions& unit, const LearningOptions& o) {
    unit.batch = o.minibatch.value_or(static_cast<int>(unit.batch));
    unit.schedule.scale_rate = o.lr_scale.value_or(unit.schedule.scale_rate);
    if (o.lr_scale_schedule) unit.schedule.cosine_scale_rate = kSchedules.at(*o.lr_scale_schedule);
    if (o.loss) unit.loss = kLosses.at(*o.loss);
    if (o.bn) unit.norms = kNorms.at(*o.bn);
    unit.replacement = o.replacement.value_or(unit.replacement);
    unit.scale_gradient_factor = o.lsq_grad_scale.value_or(unit.scale_gradient_factor);
}

void set_learning(UnitOptions& unit, const LearningOptions& o) {
    set_loop(unit, o);
    unit.schedule.iterations = o.iters.value_or(unit.schedule.iterations);
    unit.schedule.rounding_rate = o.lr.value_or(unit.schedule.rounding_rate);
    unit.schedule.warm_up = o.warm_up.value_or(unit.schedule.warm_up);
    unit.schedule.channel_rate = o.lr_channel.value_or(unit.schedule.channel_rate);
    unit.learn_channels = unit.schedule.channel_rate > 0.0;
    unit.lambda = o.lambda.value_or(unit.lambda);
    unit.exponent = o.loss_exponent.value_or(unit.exponent);
    if (o.rounding_init) unit.start = kStarts.at(*o.rounding_init);
    unit.keep_input = o.keep_input.value_or(unit.keep_input);
    unit.keep_quantised = o.keep_quantised.value_or(unit.keep_quantised);
    if (!unit.prediction) return;
    unit.prediction->lambda = o.pd_lambda.value_or(unit.prediction->lambda);
    unit.prediction->temperature = o.pd_temperature.value_or(unit.prediction->temperature);
}

void check(const std::string& method, const LearningOptions& o, const Recipe& r) {
    const auto only = [&](bool given, const char* option, const char* where) {
        if (given) usage_error("{}: only with {}, not with `method` {} as it is", option, where, method);
    };
    if (!r.scales) {
        only(o.iters_scale.has_value(), "`iters_scale`", "`method` brecq, whose scales have a pass of their own");
        only(o.scale_exponent.has_value(), "`scale_exponent`", "`method` brecq, whose scales have a pass of their own");
    }
    if (!r.learn.prediction) {
        only(o.pd_lambda.has_value(), "`pd_lambda`", "`method` pdquant");
        only(o.pd_temperature.has_value(), "`pd_temperature`", "`method` pdquant");
    }
    if (!r.correction) {
        only(o.correction_steps.has_value(), "`correction_steps`", "`distribution_correction`");
        only(o.correction_lambda.has_value(), "`correction_lambda`", "`distribution_correction`");
    } else if (r.learn.keep_input >= 1.0f) {
        usage_error(
            "`distribution_correction`: nudges the float part of a unit's input, and with {} there is none; "
            "take `method` pdquant or qdrop, or `keep_input` below 1",
            o.keep_input ? "`keep_input` 1" : "`method` " + method);
    }
    const bool sees_tail = r.learn.prediction || r.learn.loss == Reconstruction::fisher_diag;
    if (sees_tail && r.units == UnitKind::layers)
        usage_error(
            "`unit` layer: {} looks from a unit's output to the network's, which a layer inside a block has "
            "not to itself; leave it at block",
            r.learn.prediction ? "`method` " + method : "`loss` fisher-diag");
}

}  // namespace

void check_learning_values(const LearningOptions& options) {
    each_option(options, []<typename T>(const char* field, const std::optional<T>& value) {
        if (!value) return;
        if constexpr (std::is_same_v<T, std::string>)
            check_word(field, *value);
        else if constexpr (!std::is_same_v<T, bool>)
            check_number(field, static_cast<double>(*value));
    });
}

std::string first_learning_option(const LearningOptions& options) {
    std::string first;
    each_option(options, [&](const char* field, const auto& value) {
        if (value && first.empty()) first = field;
    });
    return first;
}

Recipe settled_recipe(const std::string& method, const LearningOptions& o) {
    Recipe r = recipe(method);
    if (o.unit) r.units = kUnits.at(*o.unit);
    r.views = o.calib_views.value_or(r.views);
    set_learning(r.learn, o);
    if (r.scales) {
        set_loop(*r.scales, o);
        r.scales->schedule.iterations = o.iters_scale.value_or(r.scales->schedule.iterations);
        // docs/arithmetic.md section 7: the Fisher diagonal weighs squares.
        const double usual = r.scales->loss == Reconstruction::fisher_diag ? 2.0 : r.scales->exponent;
        r.scales->exponent = o.scale_exponent.value_or(usual);
    }
    if (o.distribution_correction.value_or(false)) {
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
