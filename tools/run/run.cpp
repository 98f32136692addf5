#include "tools/run/run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "loaders/atomic_file.h"
#include "loaders/weights/weights.h"
#include "report/describe.h"
#include "tools/program/interrupt.h"
#include "tools/program/program.h"
#include "tools/run/advice.h"
#include "tools/run/asked.h"
#include "tools/run/evaluate.h"
#include "tools/run/output_files.h"
#include "tools/run/reconstruct.h"
#include "tools/run/run_data.h"

namespace adaq {
namespace {

constexpr int64_t kScaleImages = 256;  // activation scales start from so many (docs/arithmetic.md section 4)
constexpr int64_t kSqnrImages = 64;    // per-layer output SQNR is measured on so many

/// The first rows of a tensor, or all of them.
Tensor first_rows(const Tensor& tensor, int64_t rows) {
    const Shape shape = with_rows(tensor.shape, std::min(tensor.shape[0], rows));
    return {shape, {tensor.values.begin(), tensor.values.begin() + element_count(shape)}};
}

/// One run: its parts in the order in which they happen.
class Run {
  public:
    Run(const RunOptions& options, Progress& progress, Shared& shared, Detail detail)
        : options_(options),
          progress_(progress),
          shared_(shared),
          accuracy_alone_(detail == Detail::accuracy && options.report_html.empty() && options.report_json.empty()) {}

    RunOutcome go() {
        check_outputs(options_);
        phase("load", [&] { load(); });
        if (!as_it_is()) quantise();
        stop_at_safe_places();
        if (as_it_is()) {
            if (data_->validation()) evaluate_networks();
        } else {
            // What was learned is saved first; nothing that fails from here on is to cost it.
            save();
            if (compared_images_) attempt("The layers were not compared: ", [&] { compare_layers(); });
            if (data_->validation()) attempt("Not evaluated: ", [&] { evaluate_networks(); });
            report_.evaluation_failed = data_->validation() && !report_.quantised_network;
        }
        describe();
        write(options_.report_json, [&] { write_file_atomically(options_.report_json, render_json(report_)); });
        write(options_.report_html, [&] { write_file_atomically(options_.report_html, render_html(report_)); });
        return {std::move(report_), fmt::format("{}", fmt::join(failures_, "; ")), kept(), interrupted_};
    }

    PlanInput plan_input() {
        load();
        PlanInput input{*device_, *original_, fmt::format("{} ({})", model_->graph.description, report_.model_file)};
        input.height = input.width = kNominalSize;
        for (const Dataset* images : {data_->validation(), data_->calibration()}) {
            if (!images) continue;
            const ImageSize size = input_size(*images, 0, data_->inputs());
            input.height = size.height;
            input.width = size.width;
        }
        if (const Dataset* images = data_->calibration()) {
            input.calibration_images = static_cast<int64_t>(calibration_order(*images, options_.images).size());
            input.sites = sites();
        }
        if (const Dataset* images = data_->validation())
            input.validation_images = static_cast<int64_t>(validation_order(*images, options_.val_images).size());
        return input;
    }

    std::string identity() {
        load();
        auto identity = nlohmann::ordered_json::parse(settings_json(options_, *device_));
        identity["weights_crc32"] = shared_.weights_crc32(source_);
        identity.update(nlohmann::ordered_json::parse(data_->identity(options_.learns() || !sites().empty())));
        return identity.dump();
    }

  private:
    template <typename Work>
    void phase(const char* name, Work work) {
        stop_if_interrupted();
        const auto start = std::chrono::steady_clock::now();
        work();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        report_.seconds.emplace_back(name, seconds);
        report_.total_seconds += seconds;
    }

    /// Does what nothing learned depends on. What goes wrong is noted, in the report as well.
    template <typename Work>
    void attempt(const char* undone, Work work) {
        try {
            work();
        } catch (const Interrupted&) {
            note_failure(undone, interrupted_ ? "" : stopped_by());
            interrupted_ = true;
        } catch (const std::exception& error) {
            note_failure(undone, sentence_of(error));
        }
    }

    void note_failure(const char* undone, const std::string& failure) {
        progress_.end();
        report_.notes.push_back(fmt::format("{}{}.", undone, failure.empty() ? stopped_by() : failure));
        if (!failure.empty()) failures_.push_back(failure);
    }

    /// A file that was asked for, or none.
    template <typename Work>
    void write(const std::string& path, Work work) {
        if (path.empty()) return;
        const size_t before = failures_.size();
        attempt("", work);
        if (failures_.size() == before) written_.push_back(path);
    }

    std::string kept() const {
        std::string text =
            written_.empty() ? "nothing was saved" : fmt::format("written all the same: {}", fmt::join(written_, ", "));
        if (options_.learns() && !as_it_is() && !options_.state.empty())
            text += fmt::format("; what was learned is kept in {}, --resume goes on from there", options_.state);
        return text;
    }

    /// The model is only evaluated: it is quantised already, or is to stay float.
    bool as_it_is() const { return options_.float_only || model_->quantisation; }

    void load() {
        device_ = &shared_.device(options_);
        source_ = weights_source(options_);
        const FoundModel& found = shared_.model(source_);
        model_ = &found.model;
        report_.model_file = std::filesystem::path(source_.path).filename();
        check_asked(options_, *model_, source_.path);
        data_.emplace(options_, *model_, !as_it_is(), shared_);
        report_.notes = found.notes;
        for (const std::string& note : data_->notes()) report_.notes.push_back(note);
        original_ = &shared_.network(source_, options_.fold);
    }

    void quantise() {
        network_ = *original_;
        const auto layers = static_cast<int64_t>(network_.layers.size());
        phase("quantise weights", [&] {
            progress_.begin("weights", layers, "layers");
            const WeightOptions options{{options_.scheme, options_.weight_bits, options_.p, options_.symmetric},
                                        options_.per_channel,
                                        options_.head_stem_8bit,
                                        options_.layer_bits};
            quantise_weights(*device_, network_, options, step());
            progress_.advance(1);
            progress_.end();
        });
        const std::vector<Site> sites = this->sites();
        if (!data_->calibration() || (accuracy_alone_ && !options_.learns() && sites.empty())) return;
        Tensor images;
        const int64_t count = options_.learns() ? options_.images : kScaleImages;
        phase("load calibration images", [&] { images = data_->calibration_images(count, options_.recipe.views); });
        shapes_ = value_shapes(network_.graph, images.shape[1], images.shape[2]);
        const int64_t as_they_are = images.shape[0] / options_.recipe.views;  // the first ones
        if (!accuracy_alone_) compared_images_ = first_rows(images, std::min(as_they_are, kSqnrImages));
        const Shape shape = images.shape;
        stop_at_safe_places();
        SiteObserver see;
        if (!accuracy_alone_) see = [&](ValueId v, const DeviceTensor& x) { see_activation(v, x); };
        if (options_.learns()) {
            if (data_->validation() && options_.compare_nearest)
                start_nearest(first_rows(images, std::min(as_they_are, kScaleImages)), sites);
            phase("reconstruct", [&] {
                report_.learning = reconstruct(options_,
                                               {*device_, *model_, *original_, network_, std::move(images), sites, see,
                                                shared_.keeps() ? &shared_ : nullptr, float_network()},
                                               progress_);
            });
        } else if (!sites.empty()) {
            phase("quantise activations", [&] { quantise_activations(network_, images, sites, see); });
        }
        report_.calibration =
            DataSet{data_->calibration()->describe(), std::min(count, options_.images),
                    data_->preparation(shape) +
                        (options_.recipe.views > 1 ? fmt::format(", each in {} views", options_.recipe.views) : "")};
    }

    void compare_layers() {
        phase("compare layers", [&] {
            progress_.begin("compare layers", static_cast<int64_t>(network_.graph.nodes.size()), "nodes");
            output_sqnr_ = output_sqnr(*device_, *original_, network_, *compared_images_, step());
            progress_.advance(1);
            progress_.end();
        });
        compared_images_.reset();
    }

    void quantise_activations(Network& network, const Tensor& images, const std::vector<Site>& sites,
                              const SiteObserver& see) {
        progress_.begin("activations", sites.back().value, "nodes");
        const SchemeOptions range{options_.activation_scheme, options_.activation_bits, options_.p, false};
        start_activations(*device_, network, images, sites, range, see, step());
        progress_.advance(1);
        progress_.end();
    }

    /// The same bits rounded to nearest: what learning is measured against.
    void start_nearest(const Tensor& images, const std::vector<Site>& sites) {
        nearest_ = network_;
        if (!sites.empty())
            phase("nearest, to compare with", [&] { quantise_activations(*nearest_, images, sites, {}); });
    }

    std::vector<Site> sites() const {
        return activation_sites(original_->graph, {options_.sites, options_.activation_bits, options_.input_bits,
                                                   options_.head_stem_8bit, options_.edges, options_.site_bits});
    }

    StepObserver step() {
        return [this, first = true](const std::string&) mutable {
            stop_if_interrupted();
            if (!first) progress_.advance(1);
            first = false;
        };
    }

    void see_activation(ValueId value, const DeviceTensor& x) {
        std::vector<float> values(static_cast<size_t>(element_count(x.shape())));
        device_->download(x, values);
        const QuantisedActivation& quantiser = *network_.values[static_cast<size_t>(value)];
        report_.activations.push_back(describe_activation(value_name(network_.graph, value), quantiser, values));
    }

    void evaluate_networks() {
        phase("evaluate", [&] {
            EvaluationPlan plan;
            const std::string key = shared_.keeps() ? float_key() : "";
            if (!as_it_is()) plan.known = shared_.evaluated(key);
            plan.keep_choices = shared_.keeps() && !plan.known;
            if (!plan.known) plan.networks.push_back(original_);
            if (nearest_) plan.networks.push_back(&*nearest_);
            if (!as_it_is()) plan.networks.push_back(&network_);
            plan.readings = other_readings(*data_->validation(), options_, classes_of(model_->graph));
            plan.logits_path = options_.logits;
            EvaluationResult result = evaluate(*device_, plan, data_->validation_images(), progress_);
            if (!options_.logits.empty() && result.logits_failure.empty()) written_.push_back(options_.logits);
            if (!result.logits_failure.empty()) failures_.push_back(result.logits_failure);
            if (plan.keep_choices) shared_.keep(key, {result.networks[0], std::move(result.choices), result.right});
            (model_->quantisation ? report_.quantised_network : report_.float_network) = result.networks[0];
            if (nearest_) report_.nearest_network = result.networks[1];
            if (!as_it_is()) report_.quantised_network = result.networks.back();
            report_.agreement = result.agreement;
            warn_of_chance(plan, result);
            const ImageSize size = input_size(*data_->validation(), 0, data_->inputs());
            report_.validation = DataSet{data_->validation()->describe(), result.networks[0].images,
                                         data_->preparation({1, size.height, size.width})};
            if (shapes_.empty()) shapes_ = value_shapes(original_->graph, size.height, size.width);
        });
    }

    /// A network that guesses is worth a word before all others.
    void warn_of_chance(const EvaluationPlan& plan, const EvaluationResult& result) {
        const std::string warning =
            chance_warning(model_->quantisation ? "the network" : "the float network", result.networks[0],
                           classes_of(model_->graph), plan.readings, result.right);
        if (!warning.empty()) report_.notes.insert(report_.notes.begin(), warning);
    }

    /// The float network on its device.
    std::string float_network() const {
        return fmt::format("{} {} fold {} device {} {} {}", source_.path, source_.checkpoint_key, options_.fold,
                           options_.device, options_.threads, to_string(options_.math));
    }
    /// All that decides how it does.
    std::string float_key() const {
        return fmt::format("{} batch {} on {} {} classes {} {} {}", float_network(), options_.batch, options_.val,
                           data_->identity(false), options_.classes, options_.class_order.has_value(),
                           options_.label_offset);
    }

    void describe_saved_activations(const Network& network) {
        for (ValueId v = 0; v < static_cast<ValueId>(network.values.size()); ++v) {
            const auto& quantiser = network.values[static_cast<size_t>(v)];
            if (quantiser)
                report_.activations.push_back(describe_activation(value_name(network.graph, v), *quantiser, {}));
        }
    }

    void describe() {
        const Network& network = as_it_is() ? *original_ : network_;
        report_.adaq_version = ADAQ_VERSION;
        report_.processor = device_->description();
        report_.libraries = {{"compiler", "g++ " __VERSION__}};
        report_.command = options_.command;
        report_.device = device_->name();
        report_.threads = options_.threads;
        report_.math = device_->name() == "reference" ? "fp64" : to_string(options_.math);
        report_.seed = options_.seed;
        report_.settings = model_->quantisation ? model_->quantisation->settings : settings_json(options_, *device_);
        report_.architecture = model_->graph.description;
        report_.label = precision_label(network);
        if (!as_it_is()) report_.method = method_sentence(options_);
        if (accuracy_alone_) return;
        if (shapes_.empty()) shapes_ = value_shapes(network.graph, kNominalSize, kNominalSize);
        if (model_->quantisation) describe_saved_activations(network);
        report_.weights = describe_weights(network, options_.per_channel, shapes_, output_sqnr_);
        report_.sizes = describe_sizes(network, *model_);
        report_.parameters = report_.sizes.float32 / 4;
        report_.next = advice(options_, report_);
    }

    void save() {
        write(options_.save, [&] {
            save_bin(options_.save, quantised_model(network_, as_it_was_prepared(), settings_json(options_, *device_)));
        });
    }

    /// The saved file is to be evaluated as it was made: with the preprocessing and class names that were in force.
    Model as_it_was_prepared() const {
        Model model = *model_;
        model.preprocessing = data_->preprocessing();
        model.class_names = data_->class_names();
        return model;
    }

    static constexpr int64_t kNominalSize = 224;  // pixels, for counting operations where there are no images

    const RunOptions& options_;
    Progress& progress_;
    Report report_;
    Shared& shared_;
    const bool accuracy_alone_;  // what reports alone tell is left out
    Device* device_ = nullptr;
    WeightsSource source_;
    const Model* model_ = nullptr;
    std::optional<RunData> data_;
    const Network* original_ = nullptr;
    Network network_;
    std::optional<Network> nearest_;  // beside a network that learns
    std::vector<Shape> shapes_;
    std::vector<double> output_sqnr_;
    std::optional<Tensor> compared_images_;  // on which layers are to be compared
    std::vector<std::string> failures_;      // sentences
    std::vector<std::string> written_;       // files
    bool interrupted_ = false;
};

}  // namespace

RunOutcome run(const RunOptions& options, Progress& progress) {
    Shared shared;
    return run(options, progress, shared, Detail::everything);
}

RunOutcome run(const RunOptions& options, Progress& progress, Shared& shared, Detail detail) {
    return Run(options, progress, shared, detail).go();
}

PlanInput plan_input(const RunOptions& options, Progress& progress, Shared& shared) {
    return Run(options, progress, shared, Detail::accuracy).plan_input();
}

std::string identity(const RunOptions& options, Progress& progress, Shared& shared) {
    return Run(options, progress, shared, Detail::accuracy).identity();
}

std::string dry_run(const RunOptions& options, Progress& progress) {
    check_outputs(options);
    Shared shared;
    return plan(options, plan_input(options, progress, shared));
}

}  // namespace adaq
