#include "tools/run/run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "engine/error.h"
#include "engine/report/describe.h"
#include "loaders/atomic_file.h"
#include "loaders/preprocessing_choice.h"
#include "loaders/weights/network_tensors.h"
#include "loaders/weights/weights.h"
#include "tools/run/advice.h"
#include "tools/run/bundled.h"
#include "tools/run/evaluate.h"
#include "tools/run/interrupt.h"
#include "tools/run/plan.h"
#include "tools/run/reconstruct.h"

namespace adaq {
namespace {

constexpr int64_t kScaleImages = 256;  // activation scales start from so many (methods.md section 4)
constexpr int64_t kSqnrImages = 64;    // per-layer output SQNR is measured on so many

/// The first rows of a tensor, or all of them.
Tensor first_rows(const Tensor& tensor, int64_t rows) {
    Tensor part;
    part.shape = tensor.shape;
    part.shape[0] = std::min(part.shape[0], rows);
    part.values.assign(tensor.values.begin(), tensor.values.begin() + element_count(part.shape));
    return part;
}

/// One run: its parts in the order in which they happen.
class Run {
  public:
    Run(const RunOptions& options, Progress& progress) : options_(options), progress_(progress) {}

    Report go() {
        phase("load", [&] { load(); });
        if (!as_it_is()) quantise();
        if (validation_) evaluate_networks();
        describe();
        save();
        return std::move(report_);
    }

    std::string dry_run() {
        load();
        PlanInput input{*device_, original_,
                        fmt::format("{} ({})", adaq::describe(model_.architecture), report_.model_file)};
        input.height = input.width = kNominalSize;
        for (const Dataset* images : {validation_.get(), calibration_.get()}) {
            if (!images) continue;
            const ImageSize size = input_size(*images, 0, inputs_);
            input.height = size.height;
            input.width = size.width;
        }
        if (calibration_) {
            input.calibration_images = static_cast<int64_t>(calibration_order(*calibration_, options_.images).size());
            input.sites = sites();
        }
        if (validation_)
            input.validation_images = static_cast<int64_t>(validation_order(*validation_, options_.val_images).size());
        return plan(options_, input);
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

    /// The model is only evaluated: it is quantised already, or is to stay float.
    bool as_it_is() const { return options_.float_only || model_.quantisation; }

    void load() {
        device_ = make_device(options_.device, options_.threads, options_.math);
        const std::string path = options_.weights.empty() ? bundled_weights() : options_.weights;
        model_ = load_weights(path);
        report_.model_file = std::filesystem::path(path).filename();
        check_what_is_asked(path);
        open_data();
        original_ = make_network(model_, options_.fold);
    }

    void check_what_is_asked(const std::string& path) const {
        if (model_.quantisation) {
            if (options_.quantisation_asked)
                usage_error("{}: is quantised already; options that say how to quantise do not apply", path);
            if (!options_.save.empty())
                usage_error("--save {}: {} is quantised already and would be saved as it is", options_.save, path);
            if (options_.val.empty()) usage_error("{}: is quantised already; --val is needed to evaluate it", path);
            return;
        }
        if (options_.float_only) {
            if (options_.val.empty()) usage_error("--float: --val is needed to evaluate the network");
            return;
        }
        if (options_.calib.empty() && (options_.activation_bits < 32 || options_.input_bits < 32)) {
            usage_error(
                "--calib is needed to quantise activations to {} bits; give --calib DIR, or --a32 for float "
                "activations",
                std::min(options_.activation_bits, options_.input_bits));
        }
        if (!options_.dry_run && options_.val.empty() && options_.save.empty() && options_.report_html.empty() &&
            options_.report_json.empty()) {
            usage_error(
                "nothing to do with the result: give --val to evaluate it, --save to keep it, or --report to describe "
                "it");
        }
        if (options_.val.empty() && !options_.logits.empty()) usage_error("--logits {}: needs --val", options_.logits);
    }

    void open_data() {
        const auto open = [&](const std::string& path, DatasetRole role, const std::string& labels) {
            if (options_.bundled_data && !std::filesystem::exists(kBundledData)) {
                data_error("{}: not there; install Debian's package dataset-fashion-mnist, or give --calib and --val",
                           kBundledData);
            }
            return open_dataset(path, {role, labels, model_.class_names});
        };
        std::vector<const Dataset*> sets;
        if (!options_.calib.empty() && !as_it_is()) {
            calibration_ = open(options_.calib, DatasetRole::calibration, "");
            sets.push_back(calibration_.get());
        }
        if (!options_.val.empty()) {
            validation_ = open(options_.val, DatasetRole::validation, options_.val_labels);
            check_labels(*validation_, model_.architecture.classes);
            sets.push_back(validation_.get());
        }
        if (sets.empty()) return;
        settle_preprocessing(sets);
    }

    void settle_preprocessing(const std::vector<const Dataset*>& sets) {
        Preprocessing base = model_.preprocessing.value_or(Preprocessing{});
        const auto channels = static_cast<size_t>(model_.architecture.input_channels);
        if (!model_.preprocessing && channels == 1) {
            base.mean = {0.5f};
            base.std = {0.5f};
            report_.notes.push_back(
                "The weights file does not say how grey images are normalised: mean 0.5 and deviation 0.5 are "
                "assumed.");
        }
        if (!model_.preprocessing && !options_.resize && !options_.crop) {
            const PreprocessingChoice choice = choose_preprocessing(sets, base);
            base = choice.preprocessing;
            report_.notes.push_back(choice.sentence);
        }
        if (options_.resize) base.resize = *options_.resize;
        if (options_.crop) base.crop = *options_.crop;
        inputs_.preprocessing = base;
        inputs_.channels = model_.architecture.input_channels;
        inputs_.threads = options_.threads;
        inputs_.batch = options_.batch;
    }

    /// The first images of the calibration set, normalised.
    Tensor calibration_images(int64_t count) {
        const std::vector<int64_t> order = calibration_order(*calibration_, options_.images);
        BatchOptions options = inputs_;
        options.batch = static_cast<int>(std::min(count, options_.images));
        if (options_.calib_augment) options.augment_seed = options_.seed;
        BatchStream stream(*calibration_, {order.begin(), order.begin() + options.batch}, options);
        Batch batch;
        stream.next(batch);
        return std::move(batch.images);
    }

    void quantise() {
        network_ = original_;
        const auto layers = static_cast<int64_t>(network_.layers.size()),
                   nodes = static_cast<int64_t>(network_.graph.nodes.size());
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
        if (!calibration_) return;
        Tensor images;
        const int64_t count = options_.learns() ? options_.images : kScaleImages;
        phase("load calibration images", [&] { images = calibration_images(count); });
        shapes_ = value_shapes(network_, images.shape[1], images.shape[2]);
        const std::vector<Site> sites = this->sites();
        const Tensor first_images = first_rows(images, kSqnrImages);
        const SiteObserver see = [&](ValueId v, const DeviceTensor& x) { see_activation(v, x); };
        if (options_.learns()) {
            if (validation_ && options_.compare_nearest) start_nearest(first_rows(images, kScaleImages), sites);
            phase("reconstruct", [&] {
                report_.learning = reconstruct(
                    options_, {*device_, model_, original_, network_, std::move(images), sites, see}, progress_);
            });
        } else if (!sites.empty()) {
            phase("quantise activations", [&] { quantise_activations(network_, images, sites, see); });
        }
        phase("compare layers", [&] {
            progress_.begin("compare layers", nodes, "nodes");
            output_sqnr_ = output_sqnr(*device_, original_, network_, first_images, step());
            progress_.advance(1);
            progress_.end();
        });
        report_.calibration = DataSet{calibration_->describe(), std::min(count, options_.images),
                                      preprocessing_sentence(first_images.shape)};
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
        return activation_sites(original_.graph, {options_.sites, options_.activation_bits, options_.input_bits,
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
        report_.activations.push_back(describe_activation(site_name(network_.graph, value), quantiser, values));
    }

    std::string preprocessing_sentence(const Shape& images) const {
        const Preprocessing& p = inputs_.preprocessing;
        std::string text = p.resize ? fmt::format("resized to {}, ", p.resize) : "";
        if (p.crop) text += fmt::format("centre crop {}, ", p.crop);
        return fmt::format("{}{}x{} pixels, mean {}, deviation {}", text, images[1], images[2], fmt::join(p.mean, " "),
                           fmt::join(p.std, " "));
    }

    void evaluate_networks() {
        phase("evaluate", [&] {
            EvaluationPlan plan;
            plan.networks.push_back(&original_);
            if (nearest_) plan.networks.push_back(&*nearest_);
            if (!as_it_is()) plan.networks.push_back(&network_);
            plan.images = options_.val_images;
            plan.logits_path = options_.logits;
            plan.batches = inputs_;
            const EvaluationResult result = evaluate(*device_, plan, *validation_, progress_);
            (model_.quantisation ? report_.quantised_network : report_.float_network) = result.networks[0];
            if (nearest_) report_.nearest_network = result.networks[1];
            if (!as_it_is()) report_.quantised_network = result.networks.back();
            report_.agreement = result.agreement;
            const ImageSize size = input_size(*validation_, 0, inputs_);
            report_.validation = DataSet{validation_->describe(), result.networks[0].images,
                                         preprocessing_sentence({1, size.height, size.width})};
            if (shapes_.empty()) shapes_ = value_shapes(original_, size.height, size.width);
        });
    }

    void describe_saved_activations(const Network& network) {
        for (ValueId v = 0; v < static_cast<ValueId>(network.values.size()); ++v) {
            const auto& quantiser = network.values[static_cast<size_t>(v)];
            if (quantiser)
                report_.activations.push_back(describe_activation(site_name(network.graph, v), *quantiser, {}));
        }
    }

    void describe() {
        const Network& network = as_it_is() ? original_ : network_;
        report_.adaq_version = ADAQ_VERSION;
        report_.processor = device_->description();
        report_.libraries = {{"compiler", "g++ " __VERSION__}};
        report_.command = options_.command;
        report_.device = device_->name();
        report_.threads = options_.threads;
        report_.math = device_->name() == "reference" ? "fp64" : to_string(options_.math);
        report_.seed = options_.seed;
        report_.settings = model_.quantisation ? model_.quantisation->settings : settings_json(options_, *device_);
        report_.architecture = adaq::describe(model_.architecture);
        report_.label = precision_label(network);
        if (!as_it_is()) report_.method = method_sentence(options_);
        if (shapes_.empty()) shapes_ = value_shapes(network, kNominalSize, kNominalSize);
        if (model_.quantisation) describe_saved_activations(network);
        report_.weights = describe_weights(network, options_.per_channel, shapes_, output_sqnr_);
        report_.sizes = describe_sizes(network, model_);
        report_.parameters = report_.sizes.float32 / 4;
        report_.next = advice(options_, report_);
    }

    void save() {
        if (!options_.save.empty())
            save_bin(options_.save, quantised_model(network_, with_preprocessing(), settings_json(options_, *device_)));
        if (!options_.report_json.empty()) write_file_atomically(options_.report_json, render_json(report_));
        if (!options_.report_html.empty()) write_file_atomically(options_.report_html, render_html(report_));
    }

    /// The saved file is to be evaluated as it was made: with the preprocessing that was in force.
    Model with_preprocessing() const {
        Model model = model_;
        if (calibration_ || validation_) model.preprocessing = inputs_.preprocessing;
        return model;
    }

    static constexpr int64_t kNominalSize = 224;  // pixels, for counting operations where there are no images

    const RunOptions& options_;
    Progress& progress_;
    Report report_;
    std::unique_ptr<Device> device_;
    Model model_;
    std::unique_ptr<Dataset> calibration_, validation_;
    BatchOptions inputs_;
    Network original_, network_;
    std::optional<Network> nearest_;  // beside a network that learns
    std::vector<Shape> shapes_;
    std::vector<double> output_sqnr_;
};

}  // namespace

Report run(const RunOptions& options, Progress& progress) { return Run(options, progress).go(); }

std::string dry_run(const RunOptions& options, Progress& progress) { return Run(options, progress).dry_run(); }

}  // namespace adaq
