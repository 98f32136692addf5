#include "tools/run/run.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <filesystem>

#include "engine/error.h"
#include "loaders/atomic_file.h"
#include "tools/program/interrupt.h"
#include "tools/program/program.h"
#include "tools/program/words.h"
#include "tools/run/advice.h"
#include "tools/run/bundled.h"
#include "tools/run/npy.h"
#include "tools/run/output_files.h"
#include "tools/run/plan_text.h"
#include "tools/run/requirements.h"

namespace adaq {
namespace {

constexpr double kPlanSeconds = 10.0;  // of timing iterations

std::string weights_of(const RunOptions& options) {
    return options.weights.empty() ? bundled_weights() : options.weights;
}

/// The model is only evaluated: it is quantised already, or is to stay float.
bool as_it_is(const RunOptions& options, const Model& model) { return options.float_only || model.quantised(); }

/// The file of the logits, given up when it cannot be written.
class LogitsFile {
  public:
    LogitsFile(const std::string& path, int64_t images, int64_t classes) {
        attempt([&] { writer_.emplace(path, images, classes); });
    }
    void add(std::span<const float> rows) {
        attempt([&] {
            if (writer_) writer_->add(rows);
        });
    }
    void commit() {
        attempt([&] {
            if (writer_) writer_->commit();
        });
    }
    const std::string& failure() const { return failure_; }

  private:
    template <typename Work>
    void attempt(Work work) {
        try {
            work();
        } catch (const DataError& error) {
            failure_ = error.what();
            writer_.reset();
        }
    }
    std::optional<NpyWriter> writer_;
    std::string failure_;
};

/// One run: its parts in the order in which they happen.
class Run {
  public:
    Run(const RunOptions& options, Observer& observer, Workspace* workspace)
        : options_(options), observer_(observer), context_(context_of(options, observer, workspace)) {}

    RunOutcome go() {
        check_outputs(options_);
        const auto start = std::chrono::steady_clock::now();
        const RunInput input = run_input(options_, context_.workspace);
        const std::chrono::duration<double> loading = std::chrono::steady_clock::now() - start;
        if (as_it_is(options_, input.model))
            evaluate_as_it_is(input);
        else
            quantise(input);
        report_.seconds.emplace(report_.seconds.begin(), "load", loading.count());
        report_.total_seconds += loading.count();
        describe(input.model);
        write(options_.report_json, [&] { write_file_atomically(options_.report_json, render_json(report_)); });
        note();
        write(options_.report_html, [&] { write_file_atomically(options_.report_html, render_html(report_)); });
        note();
        return {std::move(report_), fmt::format("{}", fmt::join(failures_, "; ")), kept(), interrupted_};
    }

  private:
    void evaluate_as_it_is(const RunInput& input) {
        stop_at_safe_places();
        const Logits logits(*this, input);
        EvaluateOptions evaluation = logits.options();
        evaluation.fold = options_.quantise.fold.value_or(false);
        report_ = evaluate(input.model, input.images, evaluation, context_);
        logits.commit();
        if (!input.model.quantised()) {
            const ImageOptions& images = options_.images;
            report_.settings = settings_json(options_.quantise, images, context_);
        }
    }

    void quantise(const RunInput& input) {
        Quantised quantised = adaq::quantise(input.model, input.images, options_.quantise, context_);
        stop_at_safe_places();
        // What was learned is saved first; nothing that fails from here on is to cost it.
        write(options_.save, [&] { save(quantised); });
        attempt("The layers were not compared: ", [&] { compare_layers(quantised, context_); });
        if (input.images.validates()) attempt("Not evaluated: ", [&] { evaluate_quantised(quantised, input); });
        report_ = quantised.report();
        report_.evaluation_failed = input.images.validates() && !report_.quantised_network;
        learned_ = options_.quantise.learns();
        note();
    }

    /// Where the network cannot be written as .onnx, what was learned is kept as .bin.
    void save(const Quantised& quantised) {
        try {
            for (std::string& note : adaq::save(quantised.model(), options_.save, options_.save_options))
                notes_.push_back(std::move(note));
        } catch (const Error&) {
            const auto kept = std::filesystem::path(options_.save).replace_extension(".bin");
            if (kept == options_.save || std::filesystem::exists(kept)) throw;
            adaq::save(quantised.model(), kept);
            written_.push_back(kept);
            throw;
        }
    }

    void evaluate_quantised(Quantised& quantised, const RunInput& input) {
        const Logits logits(*this, input);
        evaluate(quantised, input.images, logits.options(), context_);
        logits.commit();
    }

    /// --logits, of one evaluation.
    class Logits {
      public:
        Logits(Run& run, const RunInput& input) : run_(run) {
            if (!run.options_.logits.empty())
                file_.emplace(run.options_.logits, input.images.validation_count(), input.model.classes());
        }
        EvaluateOptions options() const {
            EvaluateOptions options;
            if (file_) options.logits = [this](std::span<const float> logits, int64_t) { file_->add(logits); };
            options.simulate = run_.options_.simulate;
            options.accuracy_alone = run_.options_.quantise.accuracy_alone;
            return options;
        }
        void commit() const {
            if (!file_) return;
            file_->commit();
            if (file_->failure().empty())
                run_.written_.push_back(run_.options_.logits);
            else
                run_.failures_.push_back(file_->failure());
        }

      private:
        Run& run_;
        mutable std::optional<LogitsFile> file_;
    };

    /// Does what nothing learned depends on. What goes wrong is noted, in the report as well.
    template <typename Work>
    void attempt(const char* undone, Work work) {
        try {
            work();
        } catch (const Stopped&) {
            note_failure(undone, interrupted_ ? "" : stopped_by());
            interrupted_ = true;
        } catch (const std::exception& error) {
            note_failure(undone, sentence_of(error));
        }
    }

    void note_failure(const char* undone, const std::string& failure) {
        observer_.end();
        notes_.push_back(fmt::format("{}{}.", undone, failure.empty() ? stopped_by() : failure));
        if (!failure.empty()) failures_.push_back(failure);
    }

    /// What was noted, into the report.
    void note() {
        for (const std::string& note : notes_) report_.notes.push_back(with_option_names(note));
        notes_.clear();
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
        if (learned_ && !options_.quantise.state.empty())
            text +=
                fmt::format("; what was learned is kept in {}, --resume goes on from there", options_.quantise.state);
        return text;
    }

    void describe(const Model& model) {
        report_.command = options_.command;
        report_.seed = options_.quantise.seed;
        for (std::string& note : report_.notes) note = with_option_names(note);
        if (!options_.quantise.accuracy_alone) report_.next = advice(options_, report_, model.classes());
    }

    const RunOptions& options_;
    Observer& observer_;
    const Context context_;
    Report report_;
    std::vector<std::string> failures_, notes_;  // sentences
    std::vector<std::string> written_;           // files
    bool interrupted_ = false, learned_ = false;
};

}  // namespace

Context context_of(const RunOptions& options, Observer& observer, Workspace* workspace) {
    return {options.device, &observer, workspace};
}

RunInput run_input(const RunOptions& options, Workspace* workspace) {
    const std::string path = weights_of(options);
    Model model = load(path, options.load, workspace);
    check_requirements(options, model, path);
    if (options.bundled_data && !std::filesystem::exists(kBundledData))
        data_error("{}: not there; install Debian's package dataset-fashion-mnist, or give --calib and --val",
                   kBundledData);
    ImageOptions images = options.images;
    images.calibrates = !as_it_is(options, model);
    ImageSets sets = open_images(model, images, workspace);
    if (images.calibrates) check_work(model, sets, options.quantise);
    return {std::move(model), std::move(sets)};
}

RunOutcome run(const RunOptions& options, Observer& observer, Workspace* workspace) {
    return Run(options, observer, workspace).go();
}

Plan plan_of(const RunOptions& options, const RunInput& input, const Context& context, double seconds) {
    if (as_it_is(options, input.model)) {
        EvaluateOptions evaluation;
        evaluation.fold = options.quantise.fold.value_or(false);
        return plan_evaluation(input.model, input.images, evaluation, context);
    }
    return plan(input.model, input.images, options.quantise, context, seconds);
}

std::string dry_run(const RunOptions& options, Observer& observer) {
    check_outputs(options);
    Workspace workspace;
    const Context context = context_of(options, observer, &workspace);
    const RunInput input = run_input(options, &workspace);
    return plan_text(options, fmt::format("{} ({})", input.model.description(), input.model.file()),
                     plan_of(options, input, context, kPlanSeconds));
}

}  // namespace adaq
