// See quantise.h: how accurate networks are.
#include <fmt/format.h>

#include "adaq/evaluation/description.h"
#include "adaq/evaluation/networks.h"
#include "adaq/settings/option_table.h"
#include "adaq/state/guarded.h"
#include "adaq/state/poll.h"
#include "adaq/state/quantised_state.h"
#include "engine/error.h"
#include "report/describe.h"

namespace adaq {
namespace {

/// All that decides how a float network does on its device.
std::string float_key(const Model& model, bool fold, const ImageSets& images, const DeviceOptions& device) {
    const ImageOptions& options = images.state().options();
    return fmt::format("{} batch {} on {} {} classes {} {} {}", float_network_key(model, fold, device), device.batch,
                       options.val, images.state().identity(false), options.classes, options.class_order.has_value(),
                       options.label_offset);
}

/// Networks on validation images, and what the report says of them.
class Evaluating {
  public:
    Evaluating(Report& report, const Model& model, const ImageSets& images, const EvaluateOptions& options,
               const Context& context)
        : report_(report),
          model_(model),
          images_(images),
          context_(context),
          workspace_(context.workspace),
          observer_(context.observer) {
        if (!images.validates()) usage_error("`val` is needed to evaluate a network");
        check_number("batch", context.device.batch);
        plan_.logits = options.logits;
        plan_.simulate = options.simulate;
    }

    /// The first network is the model's own. key: of a float network that others evaluate, too; empty: of none.
    EvaluationResult run(std::vector<const Network*> networks, const std::string& key) {
        poll(*observer_);
        const Phase phase(report_, "evaluate");
        plan_.networks = std::move(networks);
        if (!key.empty() && plan_.networks.size() > 1) plan_.known = workspace_->evaluated(key);
        plan_.keep_choices = workspace_->keeps() && !key.empty() && !plan_.known;
        if (plan_.known) plan_.networks.erase(plan_.networks.begin());
        const ImageSets::State& sets = images_.state();
        plan_.readings = other_readings(*sets.validation(), sets.options(), model_.classes());
        EvaluationResult result =
            evaluate_networks(workspace_->device(context_.device), plan_,
                              sets.validation_images(context_.device, workspace_->images()), *observer_);
        if (plan_.keep_choices) workspace_->keep(key, {result.networks[0], std::move(result.choices), result.right});
        report_.agreement = result.agreement;
        warn_of_chance(result);
        const ImageSize size = validation_size();
        report_.validation = DataSet{sets.validation()->describe(), result.networks[0].images,
                                     sets.preparation({1, size.height, size.width})};
        return result;
    }

    /// Of the values, for these images.
    std::vector<Shape> shapes(const Network& network) const {
        const ImageSize size = validation_size();
        return value_shapes(network.graph, size.height, size.width);
    }

    bool keeps() const { return workspace_->keeps(); }

  private:
    ImageSize validation_size() const {
        const ImageSets::State& sets = images_.state();
        return input_size(*sets.validation(), 0, sets.inputs());
    }

    /// A network that guesses is worth a word before all others.
    void warn_of_chance(const EvaluationResult& result) {
        const std::string warning = chance_warning(model_.quantised() ? "the network" : "the float network",
                                                   result.networks[0], model_.classes(), plan_.readings, result.right);
        if (!warning.empty()) report_.notes.insert(report_.notes.begin(), warning);
    }

    Report& report_;
    const Model& model_;
    const ImageSets& images_;
    const Context& context_;
    const WorkspaceOf workspace_;
    const ObserverOf observer_;
    EvaluationPlan plan_;
};

}  // namespace

void evaluate(Quantised& quantised, const ImageSets& images, const EvaluateOptions& options, const Context& context) {
    guarded([&] {
        Quantised::State& s = quantised.state();
        Evaluating evaluating(s.report, s.model, images, options, context);
        std::vector<const Network*> networks{&s.original()};
        if (s.nearest) networks.push_back(&*s.nearest);
        networks.push_back(&s.network);
        const std::string key =
            evaluating.keeps() ? float_key(s.model, s.settings.fold, images, context.device) : std::string();
        const EvaluationResult result = evaluating.run(std::move(networks), key);
        s.report.float_network = result.networks[0];
        if (s.nearest) s.report.nearest_network = result.networks[1];
        s.report.quantised_network = result.networks.back();
        s.report.execution = name_of(execution_of(s.network, options.simulate));
        if (s.shapes.empty()) s.shapes = evaluating.shapes(s.network);
    });
}

Report evaluate(const Model& model, const ImageSets& images, const EvaluateOptions& options, const Context& context) {
    return guarded([&] {
        const Network& network = model.state().network(options.fold);
        const StoredModel& stored = model.state().stored;
        const WorkspaceOf workspace(context.workspace);
        Report report = report_of(model, images, workspace->device(context.device), context.device);
        std::vector<Shape> shapes;
        if (images.validates()) {
            Evaluating evaluating(report, model, images, options, context);
            const std::string key = evaluating.keeps() && !model.quantised()
                                        ? float_key(model, options.fold, images, context.device)
                                        : std::string();
            (model.quantised() ? report.quantised_network : report.float_network) =
                evaluating.run({&network}, key).networks[0];
            if (model.quantised()) report.execution = name_of(execution_of(network, options.simulate));
            shapes = evaluating.shapes(network);
        }
        report.settings =
            stored.quantisation ? stored.quantisation->settings : settings_json({}, images.state().options(), context);
        report.label = precision_label(network);
        if (!options.accuracy_alone) describe_layers(report, {network, model, shapes});
        return report;
    });
}

}  // namespace adaq
