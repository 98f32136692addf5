// See quantise.h: how accurate networks are.
#include <fmt/format.h>

#include "adaq/evaluation/description.h"
#include "adaq/evaluation/networks.h"
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

/// What an evaluation came to, for a report.
struct Found {
    std::vector<Evaluation> networks;
    std::optional<int64_t> agreement;
    DataSet validation;
    std::string warning;    // that the first network guesses; empty: it does not
    Indexed<Shape> shapes;  // of its values, for these images
};

/// Networks on validation images.
class Evaluating {
  public:
    Evaluating(const Model& model, const ImageSets& images, const EvaluateOptions& options, const Context& context)
        : model_(model),
          images_(images),
          context_(context),
          workspace_(context.workspace),
          observer_(context.observer) {
        if (!images.validates()) usage_error("`val` is needed to evaluate a network");
        if (options.logits)
            plan_.logits = [see = options.logits](std::span<const float> logits, int64_t count) {
                by_caller([&] { see(logits, count); });
            };
        plan_.simulate = options.simulate;
        poll(*observer_);
    }

    /// The first network is the model's own. key: of a float network that others evaluate, too; empty: of none.
    Found run(std::vector<const Network*> networks, const std::string& key) {
        Device& device = workspace_->device(context_.device);
        const Network& first = *networks.front();
        plan_.networks = std::move(networks);
        if (!key.empty() && plan_.networks.size() > 1) plan_.known = workspace_->evaluated(key);
        plan_.keep_choices = workspace_->keeps() && !key.empty() && !plan_.known;
        if (plan_.known) plan_.networks.erase(plan_.networks.begin());
        const ImageSets::State& sets = images_.state();
        plan_.readings = other_readings(*sets.validation(), sets.options(), model_.classes());
        EvaluationResult result =
            evaluate_networks(device, plan_, sets.validation_images(context_.device, workspace_->images()), *observer_);
        if (plan_.keep_choices) workspace_->keep(key, {result.networks[0], std::move(result.choices), result.right});
        const ImageSize size = input_size(*sets.validation(), 0, sets.inputs());
        return {result.networks, result.agreement,
                DataSet{sets.validation()->describe(), result.networks[0].images,
                        sets.preparation({1, size.height, size.width})},
                chance_warning(model_.quantised() ? "the network" : "the float network", result.networks[0],
                               model_.classes(), plan_.readings, result.right),
                value_shapes(first.graph, size.height, size.width)};
    }

    bool keeps() const { return workspace_->keeps(); }

  private:
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
        Evaluating evaluating(s.model, images, options, context);
        std::vector<const Network*> networks{&s.original()};
        if (s.nearest) networks.push_back(&*s.nearest);
        networks.push_back(&s.network);
        const std::string key =
            evaluating.keeps() ? float_key(s.model, s.settings.fold, images, context.device) : std::string();
        const Phase phase(s.report, "evaluate");
        Found found = evaluating.run(std::move(networks), key);
        // All that can fail has been done: a report has all of an evaluation, or nothing.
        s.report.float_network = found.networks.front();
        if (s.nearest) s.report.nearest_network = found.networks[1];
        s.report.quantised_network = found.networks.back();
        s.report.execution = name_of(execution_of(s.network, options.simulate));
        s.report.agreement = found.agreement;
        s.report.validation = std::move(found.validation);
        s.chance_warning = std::move(found.warning);
        if (s.shapes.empty()) s.shapes = std::move(found.shapes);
    });
}

Report evaluate(const Model& unfitted, const ImageSets& images, const EvaluateOptions& options,
                const Context& context) {
    return guarded([&] {
        const Model model = fitted_to(unfitted, images.height(), images.width());
        const Network& network = model.state().network(options.fold);
        const StoredModel& stored = model.state().stored;
        const WorkspaceOf workspace(context.workspace);
        Report report = report_of(model, images, workspace->device(context.device), context.device);
        Indexed<Shape> shapes;
        if (images.validates()) {
            Evaluating evaluating(model, images, options, context);
            const std::string key = evaluating.keeps() && !model.quantised()
                                        ? float_key(model, options.fold, images, context.device)
                                        : std::string();
            const Phase phase(report, "evaluate");
            Found found = evaluating.run({&network}, key);
            (model.quantised() ? report.quantised_network : report.float_network) = found.networks.front();
            if (model.quantised()) report.execution = name_of(execution_of(network, options.simulate));
            report.validation = std::move(found.validation);
            put_first(report.notes, found.warning);
            shapes = std::move(found.shapes);
        }
        report.settings =
            stored.quantisation ? stored.quantisation->settings : settings_json({}, images.state().options(), context);
        report.label = precision_label(network);
        if (!options.accuracy_alone) describe_layers(report, {network, model, shapes});
        return report;
    });
}

}  // namespace adaq
