#include "tools/run/learning_options.h"

#include <algorithm>

#include "tools/program/command_line.h"

namespace adaq {
namespace {

class Adder {
  public:
    Adder(CLI::App& app, const std::string& group) : app_(app), group_(group) {}

    template <typename T>
    CLI::Option* number(const std::string& name, std::optional<T>& value, const std::string& help) {
        return app_.add_option(name, value, help)->transform(number_of(field_of(name)))->group(group_);
    }
    void word(const std::string& name, std::optional<std::string>& value, const std::string& help) {
        app_.add_option(name, value, help)->transform(word_of(field_of(name)))->group(group_);
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
    /// "lr_scale" of "--lr-scale".
    static std::string field_of(const std::string& name) {
        std::string field = name.substr(2);
        std::replace(field.begin(), field.end(), '-', '_');
        return field;
    }

    CLI::App& app_;
    std::string group_;
};

void add_loop_options(Adder& add, LearningOptions& o) {
    add.number("--iters", o.iters, "Iterations a unit")->type_name("N");
    add.number("--iters-scale", o.iters_scale, "brecq: iterations a unit of the scales' own pass")->type_name("N");
    add.number("--minibatch", o.minibatch, "Images an iteration")->type_name("N");
    add.number("--calib-views", o.calib_views,
               "How often each calibration image is learned from: as it is, mirrored, then moved at random")
        ->type_name("N");
    add.number("--lr", o.lr, "Learning rate of the rounding");
    add.number("--lr-scale", o.lr_scale, "Learning rate of the activation scales");
    add.number("--lr-channel", o.lr_channel,
               "Learning rate of each channel's weight scale (relative to where it starts) and bias; 0: they stay");
    add.word("--lr-scale-schedule", o.lr_scale_schedule, "How that rate goes: constant, cosine");
    add.number("--lambda", o.lambda, "Weight of the term that drives roundings to 0 or 1");
    add.number("--warm-up", o.warm_up, "Share of the iterations before that term sets in");
    add.word("--loss", o.loss,
             "Error at the unit's output: mean of its squares, summed over channels, or these weighted by the Fisher "
             "diagonal: mean, channel-sum, fisher-diag");
    add.number("--loss-exponent", o.loss_exponent, "Exponent of the error in place of 2");
    add.number("--scale-exponent", o.scale_exponent, "brecq: the same in the scales' own pass");
    add.word("--rounding-init", o.rounding_init,
             "Where roundings start: at each weight's own fraction, or at the nearest integer: fraction, nearest");
}

void add_unit_options(Adder& add, LearningOptions& o) {
    add.word("--unit", o.unit, "What is learned at a time: layer, block");
    add.number("--keep-input", o.keep_input,
               "Share of a unit's input that comes from the network quantised so far, element by element; the rest "
               "is float")
        ->type_name("P");
    add.number("--keep-quantised", o.keep_quantised,
               "Share of each activation that stays quantised while a unit learns; the rest is float")
        ->type_name("P");
    add.choice("replacement", o.replacement, "Draw each batch with replacement (--no-replacement: without)");
    add.choice("lsq-grad-scale", o.lsq_grad_scale,
               "Divide the scales' gradients by sqrt(numel * qmax), as LSQ does (--no-lsq-grad-scale: do not)");
    add.number("--pd-lambda", o.pd_lambda, "pdquant: what the difference in prediction is divided by");
    add.number("--pd-temperature", o.pd_temperature, "pdquant: temperature of both predictions");
    add.choice("distribution-correction", o.distribution_correction,
               "Nudge each unit's float input until it has the statistics of the unit's batch norms (pdquant, qdrop)");
    add.number("--correction-steps", o.correction_steps, "Steps of that, for each batch of 32 images [500]")
        ->type_name("N");
    add.number("--correction-lambda", o.correction_lambda, "What the nudge's own size is divided by in that [0.02]");
    add.word("--bn", o.bn,
             "Statistics of a unit's kept batch norms while it learns: their own, or each batch's, which move their "
             "own: fixed, batch");
}

}  // namespace

void add_learning_options(CLI::App& app, LearningOptions& o) {
    Adder add(app, "Learning (every method but nearest; defaults below)");
    add_loop_options(add, o);
    add_unit_options(add, o);
}

}  // namespace adaq
