#include "tools/run/reconstruct.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/reconstruction/unit_walk.h"
#include "tools/program/interrupt.h"
#include "tools/run/identity.h"
#include "tools/run/memory_size.h"
#include "tools/run/state.h"

namespace adaq {
namespace {

/// All that decides what is learned: settings, the float weights, and the calibration images as the network sees them.
std::string identity(const RunOptions& options, const ReconstructionWork& work) {
    nlohmann::ordered_json identity = nlohmann::ordered_json::parse(settings_json(options, work.device));
    identity["weights_crc32"] = crc32_of_weights(work.model);
    identity["calibration_images_crc32"] = fingerprint(work.images);
    return identity.dump(1);
}

/// Half of the room for cached values is for those of the float network that other runs may want, too.
void share_float_values(const ReconstructionWork& work, WalkOptions& walk) {
    const std::string key = work.float_network + " on " + fingerprint(work.images);
    walk.float_values = &work.shared->float_values(key, walk.memory / 2);
    walk.memory -= walk.float_values->bytes();
}

WalkOptions walk_options(const RunOptions& o, const ReconstructionWork& work) {
    WalkOptions options;
    options.recipe = o.recipe;
    // From the images as they are, which come first.
    options.recipe.scale_images = std::min(o.recipe.scale_images, work.images.shape[0] / o.recipe.views);
    options.units = learned_units(work.network.graph, o.recipe, o.head_stem_8bit);
    options.sites = work.sites;
    options.activation_range = {o.activation_scheme, o.activation_bits, o.p, false};
    options.memory = memory_size(o.memory, work.device.free_memory());
    if (work.shared) share_float_values(work, options);
    return options;
}

class Learning {
  public:
    Learning(const RunOptions& options, ReconstructionWork work, Progress& progress)
        : options_(options), work_(std::move(work)), progress_(progress), walk_(walk_options(options, work_)) {
        if (!walk_.recipe.correction) return;
        unfolded_ = make_network(work_.model, false);
        walk_.unfolded = &unfolded_;
    }

    std::vector<UnitRecord> go() {
        if (!options_.state.empty()) {
            state_.emplace(options_.state, options_.resume, identity(options_, work_));
            work_.device.spill_into(options_.state);
        }
        WalkObserver observer;
        observer.begin = [this](const Unit& unit, uint32_t phase) { return take_up(unit, phase); };
        observer.progress = [this](const UnitProgress& p) { show(p); };
        observer.poll = stop_if_interrupted;
        observer.end = [this](const Unit& unit, const UnitResult& result) { finish(unit, result); };
        observer.site = work_.see_site;
        observer.say = [this](const std::string& sentence) { progress_.say(sentence); };
        progress_.begin("reconstruct", iterations(), "iterations");
        try {
            reconstruct_units(work_.device, work_.original, work_.network, std::move(work_.images), walk_, observer);
        } catch (const Interrupted&) {
            if (!state_) throw Interrupted("nothing was saved; with --state DIR a run can be resumed");
            throw Interrupted(fmt::format("{} of {} {}s are kept in {}; --resume goes on from there", records_.size(),
                                          turns(), unit_word(), state_->folder()));
        }
        progress_.end();
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
        stop_if_interrupted();
        iteration_ = 0;
        kept_ = false;
        if (!state_) return std::nullopt;
        std::optional<UnitResult> result = state_->find(unit, phase);
        kept_ = result.has_value();
        if (kept_ && records_.empty()) progress_.say(fmt::format("Going on from {}.", state_->folder()));
        return result;
    }

    void show(const UnitProgress& p) {
        progress_.advance(p.iteration - iteration_);
        iteration_ = p.iteration;
    }

    void finish(const Unit& unit, const UnitResult& result) {
        if (kept_)
            progress_.advance(result.record.iterations);
        else if (state_)
            state_->keep(unit, result);
        records_.push_back(result.record);
    }

    const RunOptions& options_;
    ReconstructionWork work_;
    Progress& progress_;
    WalkOptions walk_;
    Network unfolded_;  // for the distribution correction
    std::optional<RunState> state_;
    std::vector<UnitRecord> records_;
    int64_t iteration_ = 0;  // of the unit that is being learned
    bool kept_ = false;      // it was learned by an earlier run
};

}  // namespace

std::vector<UnitRecord> reconstruct(const RunOptions& options, ReconstructionWork work, Progress& progress) {
    return Learning(options, std::move(work), progress).go();
}

}  // namespace adaq
