// See quantise.h: quantising, and comparing layers. evaluate.cpp tells how accurate the result is.
#include "adaq/quantise.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "adaq/evaluation/description.h"
#include "adaq/learning/reconstruct.h"
#include "adaq/learning/run_state.h"
#include "adaq/plan/rehearsal.h"
#include "adaq/settings/check_work.h"
#include "adaq/state/guarded.h"
#include "adaq/state/poll.h"
#include "adaq/state/quantised_state.h"
#include "engine/error.h"
#include "report/describe.h"

namespace adaq {
namespace {

constexpr int64_t kSqnrImages = 64;  // per-layer output SQNR is measured on so many

/// The first rows of a tensor, or all of them.
Tensor first_rows(const Tensor& tensor, int64_t rows) {
    const Shape shape = with_rows(tensor.shape, std::min(tensor.shape[0], rows));
    return {shape, {tensor.values.begin(), tensor.values.begin() + element_count(shape)}};
}

/// Before each part of the work but the first one more is done.
PartObserver parts(Observer& observer) {
    return [&observer, first = true](const std::string&) mutable {
        poll(observer);
        if (!first) observer.advance(1);
        first = false;
    };
}

/// One piece of work: its parts in the order in which they happen.
class Quantising {
  public:
    Quantising(Quantised::State& state, Device& device, Workspace::State& workspace, const Context& context,
               Observer& observer)
        : state_(state),
          settings_(state.settings),
          device_(device),
          workspace_(workspace),
          context_(context),
          observer_(observer),
          sites_(activation_sites(state.original().graph, state.settings.site_options())) {}

    void run() {
        if (settings_.learns()) rehearse_learning();
        quantise_layers();
        if (!state_.images.calibrates() || !settings_.looks_at_images(!sites_.empty())) return;
        poll(observer_);
        const int views = settings_.recipe.views;
        const int64_t count = settings_.learns() ? settings_.images : kScaleImages;
        Tensor images = load(count);
        const Shape shape = images.shape;
        state_.shapes = value_shapes(state_.network.graph, shape[1], shape[2]);
        const int64_t as_they_are = shape[0] / views;  // the first ones
        if (!settings_.accuracy_alone) state_.compared_images = first_rows(images, std::min(as_they_are, kSqnrImages));
        observer_.work_begins();
        if (settings_.learns())
            learn(std::move(images), as_they_are);
        else if (!sites_.empty())
            start_scales(images);
        const ImageSets::State& sets = state_.images.state();
        state_.report.calibration =
            DataSet{sets.calibration()->describe(), std::min(count, settings_.images),
                    sets.preparation(shape) + (views > 1 ? fmt::format(", each in {} views", views) : "")};
    }

  private:
    /// What the walk over the network will refuse is refused before any work.
    void rehearse_learning() const {
        const ImageSets& images = state_.images;
        rehearse(device_, state_.original(), settings_, sites_,
                 {images.height(), images.width(), state_.model.input_channels()});
    }

    void quantise_layers() {
        poll(observer_);
        const Phase phase(state_.report, "quantise weights");
        observer_.begin("weights", state_.network.layers.count(), "layers");
        const WeightOptions options{settings_.weight_range(), settings_.per_channel, settings_.head_stem_8bit,
                                    settings_.bits, settings_.deployed()};
        quantise_weights(device_, state_.network, options, parts(observer_));
        observer_.advance(1);
        observer_.end();
    }

    Tensor load(int64_t count) {
        const Phase phase(state_.report, "load calibration images");
        return state_.images.state().calibration_images(settings_, count, thread_count(context_.device.threads),
                                                        workspace_.images(), [this] { poll(observer_); });
    }

    void learn(Tensor images, int64_t as_they_are) {
        if (state_.images.validates() && settings_.compare_nearest)
            start_nearest(first_rows(images, std::min(as_they_are, kScaleImages)));
        poll(observer_);
        const Phase phase(state_.report, "reconstruct");
        const Model::State& model = state_.model.state();
        state_.report.learning =
            reconstruct(settings_,
                        {device_, model.stored, state_.original(), state_.network, std::move(images), sites_,
                         see_site(), state_.settings_json, workspace_.keeps() ? &workspace_ : nullptr,
                         workspace_.keeps() ? float_network_key(state_.model, settings_.fold, context_.device) : ""},
                        observer_);
    }

    /// The same bits rounded to nearest: what learning is measured against.
    void start_nearest(const Tensor& images) {
        state_.nearest = state_.network;
        if (sites_.empty()) return;
        poll(observer_);
        const Phase phase(state_.report, "nearest, to compare with");
        quantise_activations(*state_.nearest, images, {});
        finish(*state_.nearest);
    }

    void start_scales(const Tensor& images) {
        poll(observer_);
        const Phase phase(state_.report, "quantise activations");
        quantise_activations(state_.network, images, see_site());
        finish(state_.network);
    }

    void finish(Network& network) const { finish_layers(network, 0, network.graph.node_count(), settings_.deployment); }

    void quantise_activations(Network& network, const Tensor& images, const SiteObserver& see) {
        observer_.begin("activations", sites_.back().value, "nodes");
        start_activations(device_, network, images, sites_, settings_.activation_range(), see, parts(observer_));
        observer_.advance(1);
        observer_.end();
    }

    SiteObserver see_site() {
        if (settings_.accuracy_alone) return {};
        return [this](ValueId value, const DeviceTensor& x) {
            std::vector<float> values(element_count(x.shape()));
            device_.download(x, values);
            const QuantisedActivation& quantiser = *state_.network.values[value];
            state_.report.activations.push_back(
                describe_activation(value_name(state_.network.graph, value), quantiser, values));
        };
    }

    Quantised::State& state_;
    const Settings& settings_;
    Device& device_;
    Workspace::State& workspace_;
    const Context& context_;
    Observer& observer_;
    const std::vector<Site> sites_;
};

}  // namespace

Quantised::Quantised(std::unique_ptr<State> state) : state_(std::move(state)) {}
Quantised::~Quantised() = default;
Quantised::Quantised(Quantised&&) noexcept = default;
Quantised& Quantised::operator=(Quantised&&) noexcept = default;

Model Quantised::model() const {
    return guarded([&] {
        // It is to be evaluated as it was made: with the preprocessing and class names that were in force.
        StoredModel original = state_->model.state().stored;
        original.preprocessing = state_->images.preprocessing();
        original.input_height = state_->images.height();
        original.input_width = state_->images.width();
        original.class_names = state_->images.class_names();
        auto made = std::make_shared<Model::State>();
        made->stored = quantised_model(state_->network, original, state_->settings_json);
        return Model(std::move(made));
    });
}

Report Quantised::report() const {
    return guarded([&] {
        const State& s = *state_;
        Report report = s.report;
        put_first(report.notes, s.chance_warning);
        if (!s.settings.accuracy_alone)
            describe_layers(report, {s.network, s.model, s.shapes, s.output_sqnr, s.settings.per_channel});
        return report;
    });
}

void check_state(const QuantiseOptions& options) {
    guarded([&] {
        if (!options.state.empty()) about("state", [&] { RunState::check_free(options.state, options.resume); });
    });
}

void check_work(const Model& model, const ImageSets& images, const QuantiseOptions& options) {
    guarded([&] { check_work(settings_of(options), model, images); });
}

Quantised quantise(const Model& unfitted, const ImageSets& images, const QuantiseOptions& options,
                   const Context& context) {
    return guarded([&] {
        Settings settings = settings_of(options);
        check_work(settings, unfitted, images);
        const Model model = fitted_to(unfitted, images.height(), images.width());
        check_state(options);
        const WorkspaceOf workspace(context.workspace);
        const ObserverOf observer(context.observer);
        Device& device = workspace->device(context.device);
        std::string json = settings_json(settings, images.state().options(), context.device, device);
        auto state =
            std::make_unique<Quantised::State>(Quantised::State{model, images, std::move(settings), std::move(json)});
        Report& report = state->report;
        report = report_of(model, images, device, context.device);
        state->network = state->original();
        Quantising(*state, device, *workspace, context, *observer).run();
        report.seed = state->settings.seed;
        report.settings = state->settings_json;
        report.label = precision_label(state->network);
        report.method = method_sentence(state->settings);
        return Quantised(std::move(state));
    });
}

void compare_layers(Quantised& quantised, const Context& context) {
    guarded([&] {
        Quantised::State& s = quantised.state();
        if (!s.compared_images) return;
        const WorkspaceOf workspace(context.workspace);
        const ObserverOf observer(context.observer);
        poll(*observer);
        const Phase phase(s.report, "compare layers");
        (*observer).begin("compare layers", s.network.graph.node_count(), "nodes");
        std::vector<double> sqnr = output_sqnr(workspace->device(context.device), s.original(), s.network,
                                               *s.compared_images, parts(*observer));
        (*observer).advance(1);
        (*observer).end();
        s.output_sqnr = std::move(sqnr);  // all of it, or nothing
        s.compared_images.reset();
    });
}

std::string settings_json(const QuantiseOptions& options, const ImageOptions& images, const Context& context) {
    return guarded([&] {
        const WorkspaceOf workspace(context.workspace);
        return settings_json(settings_of(options), images, context.device, workspace->device(context.device));
    });
}

std::string identity(const Model& model, const ImageSets& images, const QuantiseOptions& options,
                     const Context& context) {
    return guarded([&] {
        const Settings settings = settings_of(options);
        auto identity = nlohmann::ordered_json::parse(settings_json(options, images.state().options(), context));
        identity["weights_crc32"] = model.state().crc32();
        const bool calibrates =
            settings.learns() ||
            !activation_sites(model.state().network(settings.fold).graph, settings.site_options()).empty();
        identity.update(nlohmann::ordered_json::parse(images.state().identity(calibrates)));
        return identity.dump();
    });
}

}  // namespace adaq
