// See plan.h.
#include "adaq/plan.h"

#include <algorithm>
#include <set>

#include "adaq/evaluation/description.h"
#include "adaq/learning/reconstruct.h"
#include "adaq/learning/run_state.h"
#include "adaq/plan/rehearsal.h"
#include "adaq/plan/unit_timing.h"
#include "adaq/settings/check_work.h"
#include "adaq/settings/memory_size.h"
#include "adaq/settings/option_table.h"
#include "adaq/state/guarded.h"
#include "adaq/state/poll.h"
#include "adaq/state/quantised_state.h"
#include "engine/error.h"

namespace adaq {
namespace {

class Planning {
  public:
    /// settings: null: the network is only evaluated.
    Planning(const Model& model, bool fold, const ImageSets& images, const Settings* settings, const Context& context)
        : model_(fitted_to(model, images.height(), images.width())),
          original_(model_.state().network(fold)),
          settings_(settings),
          workspace_(context.workspace),
          observer_(context.observer),
          device_(workspace_->device(context.device)),
          network_(original_) {
        plan_.height = images.height() > 0 ? images.height() : kNominalSize;
        plan_.width = images.width() > 0 ? images.width() : kNominalSize;
        plan_.validation_images = images.validation_count();
        shapes_ = value_shapes(network_.graph, plan_.height, plan_.width);
        if (!settings_) return;
        plan_.method = method_sentence(*settings_);
        plan_.views = settings_->recipe.views;
        if (images.calibrates()) plan_.calibration_images = settings_->images;
        sites_ = activation_sites(original_.graph, settings_->site_options());
        stand_in();
    }

    Plan make(double seconds) {
        plan_.learns = settings_ && settings_->learns();
        units_ = plan_.learns ? learned_units(network_.graph, settings_->recipe, settings_->head_stem_8bit, sites_)
                              : units_of(network_.graph, UnitKind::layers);
        if (plan_.learns) rehearse_passes(seconds);
        for (size_t i = 0; i < units_.size(); ++i) plan_.units.push_back(describe(i));
        forecast();
        return std::move(plan_);
    }

  private:
    /// Once over the network with the recipe's first or second options.
    struct Pass {
        uint32_t phase = 0;
        double iterations = 0.0;
        UnitTiming timing;
    };

    /// The network as it will be shaped: ranges do not matter here.
    void stand_in() {
        network_ = shaped(device_, original_, *settings_);
        for (const Site& site : sites_) {
            const Grid grid{site.bits, true};
            network_.values[site.value] = QuantisedActivation{grid, "minmax", 1.0f / grid.qmax(), 0.0f};
        }
    }

    int64_t learned_images() const { return plan_.calibration_images * plan_.views; }

    /// What learns, in which memory, and how long an iteration takes.
    void rehearse_passes(double seconds) {
        const Rehearsal rehearsal = rehearse(device_, original_, *settings_, sites_, shapes_[kImage]);
        const WalkOptions walk = walk_options(*settings_, original_.graph, sites_, plan_.calibration_images);
        plan_.cached_bytes = rehearsal.cached_bytes;
        plan_.memory = memory_size(settings_->memory, device_.free_memory());
        const std::vector<const UnitOptions*> passes = walk.passes();
        plan_.passes = static_cast<int>(passes.size());
        for (const UnitOptions* pass : passes) {
            UnitOptions options = *pass;
            // The stand-in has the quantisers that this pass does not see yet.
            if (pass == &walk.recipe.learn && walk.recipe.scale_start == ScaleStart::after_weights)
                options.quantise_activations = false;
            passes_.push_back({options.phase, static_cast<double>(options.schedule.iterations),
                               time_units(device_, {network_, original_, units_, shapes_}, options, learned_images(),
                                          seconds / static_cast<double>(passes.size()), *observer_)});
            UnitTiming& timing = passes_.back().timing;
            for (size_t i = 0; i < units_.size(); ++i)
                if (!rehearsal.learns_in(options.phase, units_[i])) timing.seconds[i] = 0.0;
        }
        plan_.timed = passes_[0].timing.timed;
        plan_.like_others = passes_[0].timing.like_others;
        count_finished();
    }

    /// Whether an earlier run has finished it, so that this one takes it up from there.
    bool finished(size_t unit, const Pass& pass) const {
        return settings_->resume &&
               about("state", [&] { return RunState::finished(settings_->state, units_[unit], pass.phase); });
    }

    void count_finished() {
        for (const Pass& pass : passes_) {
            for (size_t i = 0; i < units_.size(); ++i) {
                if (pass.timing.seconds[i] == 0.0) continue;  // nothing to learn in this pass
                ++plan_.turns;
                plan_.finished += finished(i, pass);
            }
        }
    }

    PlannedUnit describe(size_t index) const {
        const Unit& unit = units_[index];
        PlannedUnit planned;
        planned.name = unit.name;
        planned.reads = shapes_[unit.input];
        planned.gives = shapes_[unit.output()];
        std::set<int> bits;
        for (int i = unit.first; i < unit.last; ++i) {
            const Node& node = network_.graph.node(i);
            if (node.layer < 0) continue;
            const Layer& layer = network_.layers[node.layer];
            planned.weights += element_count(layer.shape);
            planned.flops +=
                2.0 * static_cast<double>(element_count(shapes_[Graph::output_of(i)]) * layer.weights_per_channel());
            if (layer.codes) bits.insert(layer.codes->grid.bits);
        }
        planned.bits.assign(bits.begin(), bits.end());
        const auto& site = network_.values[unit.output()];
        if (site) planned.output_bits = site->grid.bits;
        if (passes_.empty()) return planned;
        planned.flops = passes_[0].timing.flops[index];
        planned.iteration_seconds = passes_[0].timing.seconds[index];
        for (const Pass& pass : passes_)
            if (!finished(index, pass)) planned.seconds += pass.iterations * pass.timing.seconds[index];
        return planned;
    }

    /// Choosing the ranges of weights, and of activations on the first images.
    double ranges() const {
        int64_t weights = 0, values = 0, channels = 0;
        for (const Layer& layer : network_.layers) {
            weights += element_count(layer.shape);
            channels += settings_->per_channel ? layer.channels() : 1;
        }
        const double seconds = static_cast<double>(weights) * time_ranges(device_, settings_->weight_range(),
                                                                          weights / std::max<int64_t>(channels, 1));
        if (sites_.empty()) return seconds;
        for (const Site& site : sites_) values += element_count(shapes_[site.value]);
        const int64_t images = std::min(plan_.calibration_images, kScaleImages);
        SchemeOptions range = settings_->activation_range();
        range.bits = sites_.front().bits;  // where activations stay float, the input may be quantised
        return seconds + static_cast<double>(values * images) * time_ranges(device_, range, 0);
    }

    void forecast() {
        const double image = time_forward(device_, original_, plan_.height, plan_.width);
        Forecast& times = plan_.times;
        if (settings_) times.ranges = ranges();
        if (plan_.learns) {
            for (const PlannedUnit& unit : plan_.units) times.learning += unit.seconds;
            times.values = 2.0 * static_cast<double>(learned_images()) * image;
        }
        times.float_evaluation = static_cast<double>(plan_.validation_images) * image;
        if (settings_) times.evaluation = times.float_evaluation;
    }

    const Model model_;
    const Network& original_;
    const Settings* settings_;
    const WorkspaceOf workspace_;
    const ObserverOf observer_;
    Device& device_;
    Network network_;
    std::vector<Site> sites_;
    Indexed<Shape> shapes_;
    std::vector<Unit> units_;
    std::vector<Pass> passes_;  // empty: nothing is learned
    Plan plan_;
};

Plan planned_evaluation(const Model& model, const ImageSets& images, const EvaluateOptions& options,
                        const Context& context) {
    return Planning(model, options.fold, images, nullptr, context).make(0.0);
}

}  // namespace

Plan plan(const Model& model, const ImageSets& images, const QuantiseOptions& options, const Context& context,
          double seconds) {
    return guarded([&] {
        check_number("seconds", seconds);
        if (model.quantised()) return planned_evaluation(model, images, {}, context);
        const Settings settings = settings_of(options);
        check_work(settings, model, images);
        check_state(options);
        return Planning(model, settings.fold, images, &settings, context).make(seconds);
    });
}

Plan plan_evaluation(const Model& model, const ImageSets& images, const EvaluateOptions& options,
                     const Context& context) {
    return guarded([&] { return planned_evaluation(model, images, options, context); });
}

}  // namespace adaq
