#include "adaq/learning/reconstruct.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "adaq/data/fingerprints.h"
#include "adaq/learning/run_state.h"
#include "adaq/settings/memory_size.h"
#include "adaq/state/poll.h"
#include "engine/error.h"
#include "engine/reconstruction/unit_walk.h"

namespace adaq {
namespace {

/// All that decides what is learned: settings, the float weights, and the calibration images as the network sees them.
std::string identity(const ReconstructionWork& work) {
    nlohmann::ordered_json identity = nlohmann::ordered_json::parse(work.settings);
    identity["weights_crc32"] = crc32_of_weights(work.model);
    identity["calibration_images_crc32"] = fingerprint(work.images);
    return identity.dump(1);
}

/// Half of the room for cached values is for those of the float network that other runs may want, too.
void share_float_values(const ReconstructionWork& work, WalkOptions& walk) {
    const std::string key = work.float_network + " on " + fingerprint(work.images);
    walk.float_values = &work.workspace->float_values(key, walk.memory / 2);
    walk.memory -= walk.float_values->bytes();
}

WalkOptions options_of(const Settings& settings, const ReconstructionWork& work) {
    const int64_t images = work.images.shape[0] / settings.recipe.views;
    WalkOptions options = walk_options(settings, work.network.graph, work.sites, images);
    options.memory = memory_size(settings.memory, work.device.free_memory());
    if (work.workspace) share_float_values(work, options);
    return options;
}

class Learning {
  public:
    Learning(const Settings& options, ReconstructionWork work, Observer& observer)
        : options_(options), work_(std::move(work)), observer_(observer), walk_(options_of(options, work_)) {
        if (!walk_.recipe.correction) return;
        unfolded_ = make_network(work_.model, false);
        walk_.unfolded = &unfolded_;
    }

    std::vector<UnitRecord> go() {
        if (!options_.state.empty()) {
            about("state", [&] { state_.emplace(options_.state, options_.resume, identity(work_)); });
            work_.device.spill_into(options_.state);
        }
        WalkObserver walk_observer;
        walk_observer.begin = [this](const Unit& unit, uint32_t phase) { return take_up(unit, phase); };
        walk_observer.progress = [this](const UnitProgress& p) { show(p); };
        walk_observer.poll = [this] { poll(observer_); };
        walk_observer.end = [this](const Unit& unit, const UnitResult& result) { finish(unit, result); };
        walk_observer.site = work_.see_site;
        walk_observer.say = [this](const std::string& sentence) { observer_.say(sentence); };
        observer_.begin("reconstruct", iterations(), "iterations");
        try {
            reconstruct_units(work_.device, work_.original, work_.network, std::move(work_.images), walk_,
                              walk_observer);
        } catch (const Stopped&) {
            if (!state_) throw Stopped("nothing was saved; with `state` DIR a run can be resumed");
            throw Stopped(fmt::format("{} of {} {}s are kept in {}; `resume` goes on from there", records_.size(),
                                      turns(), unit_word(), state_->folder()));
        }
        observer_.end();
        return std::move(records_);
    }

  private:
    const char* unit_word() const { return walk_.recipe.units == UnitKind::blocks ? "unit" : "layer"; }
    int64_t turns() const {
        int64_t turns = 0;
        for (const UnitOptions* pass : walk_.passes()) turns += static_cast<int64_t>(walk_.units_of(*pass).size());
        return turns;
    }
    int64_t iterations() const {
        int64_t sum = 0;
        for (const UnitOptions* pass : walk_.passes())
            sum += pass->schedule.iterations * static_cast<int64_t>(walk_.units_of(*pass).size());
        return sum;
    }

    std::optional<UnitResult> take_up(const Unit& unit, uint32_t phase) {
        poll(observer_);
        iteration_ = 0;
        kept_ = false;
        if (!state_) return std::nullopt;
        std::optional<UnitResult> result = about("state", [&] { return state_->find(unit, phase); });
        kept_ = result.has_value();
        if (kept_ && records_.empty()) observer_.say(fmt::format("Going on from {}.", state_->folder()));
        return result;
    }

    void show(const UnitProgress& p) {
        observer_.advance(p.iteration - iteration_);
        iteration_ = p.iteration;
    }

    void finish(const Unit& unit, const UnitResult& result) {
        if (kept_)
            observer_.advance(result.record.iterations);
        else if (state_)
            about("state", [&] { state_->keep(unit, result); });
        records_.push_back(result.record);
    }

    const Settings& options_;
    ReconstructionWork work_;
    Observer& observer_;
    WalkOptions walk_;
    Network unfolded_;  // for the distribution correction
    std::optional<RunState> state_;
    std::vector<UnitRecord> records_;
    int64_t iteration_ = 0;  // of the unit that is being learned
    bool kept_ = false;      // it was learned by an earlier run
};

}  // namespace

WalkOptions walk_options(const Settings& settings, const Graph& graph, std::vector<Site> sites, int64_t images) {
    WalkOptions options;
    options.recipe = settings.recipe;
    // From the images as they are, which come first.
    options.recipe.scale_images = std::min(settings.recipe.scale_images, images);
    options.units = learned_units(graph, settings.recipe, settings.head_stem_8bit, sites);
    options.sites = std::move(sites);
    options.activation_range = settings.activation_range();
    options.deployment = settings.deployment;
    return options;
}

std::vector<UnitRecord> reconstruct(const Settings& settings, ReconstructionWork work, Observer& observer) {
    return Learning(settings, std::move(work), observer).go();
}

}  // namespace adaq
