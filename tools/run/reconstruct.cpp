#include "tools/run/reconstruct.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/reconstruction/layerwise.h"
#include "loaders/weights/flat_header.h"
#include "tools/run/interrupt.h"
#include "tools/run/memory_size.h"
#include "tools/run/state.h"

namespace adaq {
namespace {

/// CRC-32 of a tensor's values, and how many they are.
std::string fingerprint(const Tensor& tensor) {
    return fmt::format("{:08x}, {} values", crc32_of(std::as_bytes(std::span(tensor.values))), tensor.values.size());
}

/// All that decides what is learned: settings, the float weights, and the calibration images as the network sees them.
std::string identity(const RunOptions& options, const ReconstructionWork& work) {
    nlohmann::ordered_json identity = nlohmann::ordered_json::parse(settings_json(options, work.device));
    std::string weights;
    for (const auto& [name, tensor] : work.model.tensors) weights += name + " " + fingerprint(tensor) + "\n";
    identity["weights_crc32"] = fmt::format("{:08x}", crc32_of(std::as_bytes(std::span(weights))));
    identity["calibration_images_crc32"] = fingerprint(work.images);
    return identity.dump(1);
}

LayerwiseOptions layerwise_options(const RunOptions& o, const ReconstructionWork& work) {
    LayerwiseOptions options;
    options.unit = unit_options(o);
    options.sites = work.sites;
    options.activation_range = {o.activation_scheme, o.activation_bits, o.p, false};
    options.memory = memory_size(o.memory, work.device.free_memory());
    return options;
}

class LayerLearning {
  public:
    LayerLearning(const RunOptions& options, ReconstructionWork work, Progress& progress)
        : options_(options),
          work_(std::move(work)),
          progress_(progress),
          layers_(static_cast<int64_t>(work_.network.layers.size())) {}

    std::vector<UnitRecord> go() {
        if (!options_.state.empty()) {
            state_.emplace(options_.state, options_.resume, identity(options_, work_));
            work_.device.spill_into(options_.state);
        }
        LayerwiseObserver observer;
        observer.begin = [this](const Stretch& layer) { return take_up(layer); };
        observer.progress = [this](const UnitProgress& p) { show(p); };
        observer.poll = stop_if_interrupted;
        observer.end = [this](const Stretch& layer, const UnitResult& result) { finish(layer, result); };
        observer.site = work_.see_site;
        observer.say = [this](const std::string& sentence) { progress_.say(sentence); };
        progress_.begin("reconstruct", options_.iterations * layers_, "iterations");
        const LayerwiseOptions options = layerwise_options(options_, work_);
        try {
            reconstruct_layers(work_.device, work_.original, work_.network, std::move(work_.images), options, observer);
        } catch (const Interrupted&) {
            if (!state_)
                throw Interrupted("stopped by Ctrl-C; nothing was saved; with --state DIR a run can be resumed");
            throw Interrupted(
                fmt::format("stopped by Ctrl-C; {} of {} layers are kept in {}; --resume goes on from there",
                            records_.size(), layers_, state_->folder()));
        }
        progress_.end();
        return std::move(records_);
    }

  private:
    std::optional<UnitResult> take_up(const Stretch& layer) {
        stop_if_interrupted();
        iteration_ = 0;
        kept_ = false;
        if (!state_) return std::nullopt;
        std::optional<UnitResult> result = state_->find(layer);
        kept_ = result.has_value();
        if (kept_ && records_.empty()) progress_.say(fmt::format("Going on from {}.", state_->folder()));
        return result;
    }

    void show(const UnitProgress& p) {
        progress_.advance(p.iteration - iteration_);
        iteration_ = p.iteration;
    }

    void finish(const Stretch& layer, const UnitResult& result) {
        if (kept_)
            progress_.advance(options_.iterations);
        else if (state_)
            state_->keep(layer, result);
        records_.push_back(result.record);
    }

    const RunOptions& options_;
    ReconstructionWork work_;
    Progress& progress_;
    int64_t layers_;
    std::optional<RunState> state_;
    std::vector<UnitRecord> records_;
    int64_t iteration_ = 0;  // of the layer that is being learned
    bool kept_ = false;      // it was learned by an earlier run
};

}  // namespace

UnitOptions unit_options(const RunOptions& o) {
    UnitOptions unit;
    unit.schedule.iterations = o.iterations;
    unit.schedule.warm_up = o.warm_up;
    unit.schedule.rounding_rate = o.rounding_rate;
    unit.schedule.scale_rate = o.scale_rate;
    unit.learn_scales = true;
    unit.loss = o.loss;
    unit.lambda = o.lambda;
    unit.start = o.rounding_start;
    unit.norms = o.norms;
    unit.batch = o.minibatch;
    unit.seed = o.seed;
    return unit;
}

std::vector<UnitRecord> reconstruct(const RunOptions& options, ReconstructionWork work, Progress& progress) {
    return LayerLearning(options, std::move(work), progress).go();
}

}  // namespace adaq
