// See sweep.h.
#include "tools/sweep/sweep.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/atomic_file.h"
#include "report/format.h"
#include "tools/program/interrupt.h"
#include "tools/program/program.h"
#include "tools/program/words.h"
#include "tools/run/output_files.h"
#include "tools/run/plan_text.h"
#include "tools/run/run.h"
#include "tools/sweep/cell_times.h"
#include "tools/sweep/sweep_view.h"

namespace adaq {
namespace {

constexpr int64_t kImageNetImages = 50000, kImageNetClasses = 1000;

class Sweep {
  public:
    Sweep(const SweepOptions& options, Progress& progress)
        : options_(options),
          progress_(progress),
          table_(read_table(options.table)),
          cells_(make_cells(table_, options)),
          folder_(options.out, options.dry_run ? CellFolder::Access::look : CellFolder::Access::lock) {
        view_.table = table_;
        view_.cells.resize(table_.rows.size() * table_.columns.size());
        for (const Cell& cell : cells_) {
            view(cell).state = CellView::State::waiting;
            view(cell).options = cell.options;
        }
    }

    SweepOutcome go() {
        identify();
        take_up();
        for (const Cell* cell : todo_) try_outputs(*cell);
        describe();
        const CellTimes times(table_, todo_, progress_, workspace_);
        if (options_.dry_run) return plan(times);
        progress_.say(forecast_line(times));
        stop_at_safe_places();
        run_all(times);
        write();
        return {render_markdown(view_), view_.count(CellView::State::failed) > 0, {failures_.begin(), failures_.end()}};
    }

  private:
    CellView& view(const Cell& cell) { return view_.cells[cell.row * table_.columns.size() + cell.column]; }

    /// Who each cell is. What none of them can do without is refused here: the weights, the images.
    void identify() {
        std::string first_failure;
        for (const Cell& cell : cells_) {
            stop_if_interrupted();
            if (cell.run.images.val.empty()) usage_error("--val is needed: a table tells how accurate networks are");
            try {
                const RunInput input = run_input(cell.run, &workspace_);
                identities_[&cell] = identity(input.model, input.images, cell.run.quantise,
                                              context_of(cell.run, progress_, &workspace_));
            } catch (const UsageError& error) {
                const std::string message = with_option_names(error.what());
                usage_error("{}: {}", origin(table_, cell, message), message);
            } catch (const DataError& error) {
                fail(cell, error.what());
                if (first_failure.empty()) first_failure = error.what();
            }
        }
        if (identities_.empty()) throw DataError(first_failure);
    }

    /// What cannot be written is refused before anything runs.
    void try_outputs(const Cell& cell) const {
        try {
            check_outputs(cell.run);
            check_outputs(outputs_of(cell.run), {{"TABLE", options_.table}});
        } catch (const UsageError& error) {
            const std::string message = with_option_names(error.what());
            usage_error("{}: {}", origin(table_, cell, message), message);
        } catch (const DataError& error) {
            const std::string message = with_option_names(error.what());
            data_error("{}: {}", origin(table_, cell, message), message);
        }
    }

    /// What was done before, and what there is to do now.
    void take_up() {
        std::vector<std::string> otherwise;
        int64_t selected = 0;
        for (const Cell& cell : cells_) {
            const bool wanted = matches(cell, options_.only);
            selected += wanted;
            if (!identities_.contains(&cell)) continue;
            const CellState state = folder_.find(cell, identities_.at(&cell));
            if (const auto* result = std::get_if<CellResult>(&state)) {
                view(cell).state = CellView::State::done;
                view(cell).result = *result;
                done_before_ += wanted;
                continue;
            }
            if (!wanted) continue;
            todo_.push_back(&cell);
            if (const auto* other = std::get_if<DoneOtherwise>(&state)) otherwise.push_back(other->why);
        }
        if (selected == 0) usage_error("--only {}: no cell is called so, such as ({})", options_.only, cells_[0].title);
        if (otherwise.empty()) return;
        if (!options_.redo)
            usage_error("{}{}; --redo does such cells again, or name another --out", otherwise[0],
                        otherwise.size() > 1 ? fmt::format(" (and {} more)", otherwise.size() - 1) : "");
        for (const std::string& why : otherwise) progress_.say(why + "; it is done again");
    }

    void describe() {
        const Cell& first = *identities_.begin()->first;
        const RunInput input = run_input(first.run, &workspace_);
        const ImageSets& images = input.images;
        const auto settings = nlohmann::json::parse(identities_.begin()->second);
        view_.imagenet = images.validation_count() == kImageNetImages && input.model.classes() == kImageNetClasses;
        const std::vector<std::string> models = models_of_cells();
        view_.several_networks = models.size() > 1;
        view_.model = fmt::format("{}", fmt::join(models, "; "));
        view_.validation = fmt::format("{} of {}, {}x{} pixels", report::plural(images.validation_count(), "image"),
                                       first.run.images.val, images.height(), images.width());
        if (!first.run.images.calib.empty())
            view_.calibration =
                fmt::format("{} of {}", report::plural(first.run.quantise.images, "image"), first.run.images.calib);
        view_.machine =
            fmt::format("{}, {}, {}", settings.at("processor").get<std::string>(),
                        settings.at("device").get<std::string>(), report::plural(first.run.device.threads, "thread"));
        view_.command = options_.command;
        view_.adaq_version = ADAQ_VERSION;
    }

    /// In words, each once: rows may have weights of their own.
    std::vector<std::string> models_of_cells() {
        std::vector<std::string> models;
        for (const Cell& cell : cells_) {
            if (!identities_.contains(&cell)) continue;
            const Model model = run_input(cell.run, &workspace_).model;
            std::string text = fmt::format("{} ({})", model.description(), model.file());
            if (std::find(models.begin(), models.end(), text) == models.end()) models.push_back(std::move(text));
        }
        return models;
    }

    std::string forecast_line(const CellTimes& times) const {
        std::string text = report::plural(static_cast<int64_t>(todo_.size()), "cell") + " to do";
        if (done_before_ > 0) text += fmt::format(", {} done before", done_before_);
        if (!todo_.empty()) text += ": about " + report::duration(times.left());
        return text;
    }

    /// For --dry-run: what there is to do, and what of it will fail.
    SweepOutcome plan(const CellTimes& times) {
        std::string text = one_line(table_.title) + "\n" + forecast_line(times) + "\n";
        if (const Cell* largest = times.largest())
            text += fmt::format("memory: {} ({})\n",
                                memory_text(times.plan_of_largest().cached_bytes, times.plan_of_largest().memory),
                                one_line(largest->title));
        for (const Cell* cell : todo_)
            if (const std::string& failure = times.failure(*cell); !failure.empty())
                fail(*cell, failure);
            else
                text += fmt::format("{:>12}   {}: {}\n", report::duration(times.of(*cell)), one_line(cell->title),
                                    one_line(cell->options));
        for (const std::string& failure : view_.failures()) text += "   will fail   " + one_line(failure) + "\n";
        return {text, view_.count(CellView::State::failed) > 0};
    }

    void run_all(CellTimes times) {
        try {
            for (const Cell* cell : todo_) {
                const auto start = std::chrono::steady_clock::now();
                run_one(*cell);
                const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
                times.finish(*cell, seconds.count());
                tell(*cell, times.left());
                write();
            }
        } catch (const Stopped&) {
            write();
            throw Stopped(fmt::format("{} of {} cells are kept in {}; the same command goes on from there",
                                      view_.count(CellView::State::done), cells_.size(), options_.out));
        }
    }

    void run_one(const Cell& cell) {
        stop_if_interrupted();
        RunOptions run = cell.run;
        if (run.quantise.learns()) {
            run.quantise.state = folder_.state_of(cell, identities_.at(&cell));
            run.quantise.resume = true;
        }
        RunOutcome outcome;
        CellResult result;
        try {
            outcome = adaq::run(run, progress_, &workspace_);
            if (outcome.interrupted) throw Stopped();
            if (!outcome.failure.empty()) return fail(cell, outcome.failure);
            result = cell_result(outcome.report);
            folder_.keep(cell, identities_.at(&cell), result);
        } catch (const Stopped&) {
            throw;
        } catch (const std::exception& error) {
            return fail(cell, sentence_of(error));
        }
        if (run.quantise.learns()) folder_.forget_state(cell);
        view(cell).state = CellView::State::done;
        view(cell).result = result;
        for (const std::string& note : outcome.report.notes)
            if (said_.insert(note).second) progress_.say(note);
    }

    void fail(const Cell& cell, const std::string& reason) {
        progress_.end();
        view(cell).state = CellView::State::failed;
        view(cell).reason = with_option_names(reason);
    }

    void tell(const Cell& cell, double left) {
        const CellView& seen = view(cell);
        ++told_;
        std::string text = fmt::format("[{} of {}] {}: ", told_, todo_.size(), cell.title);
        if (seen.state == CellView::State::failed)
            text += "failed: " + seen.reason;
        else
            text +=
                fmt::format("{} % {} in {}", share_text(seen.result.top1, seen.result.images),
                            interval_text(seen.result.top1, seen.result.images), report::duration(seen.result.seconds));
        if (told_ < todo_.size()) text += "; about " + report::duration(left) + " left";
        progress_.say(text);
    }

    /// The cells are kept already, and the table goes to stdout, too: where it cannot be written, the sweep goes on.
    void write() {
        write(folder_.path("table.md"), render_markdown(view_));
        write(folder_.path("table.html"), render_sweep_html(view_));
    }
    void write(const std::string& path, const std::string& text) {
        try {
            write_file_atomically(path, text);
        } catch (const DataError& error) {
            failures_.insert(error.what());
        }
    }

    const SweepOptions& options_;
    Progress& progress_;
    const Table table_;
    const std::vector<Cell> cells_;
    const CellFolder folder_;
    Workspace workspace_;
    SweepView view_;
    std::map<const Cell*, std::string> identities_;  // of those that can be run
    std::vector<const Cell*> todo_;
    int64_t done_before_ = 0;
    size_t told_ = 0;
    std::set<std::string> said_, failures_;
};

}  // namespace

SweepOutcome sweep(const SweepOptions& options, Progress& progress) { return Sweep(options, progress).go(); }

}  // namespace adaq
