// See cell_times.h.
#include "tools/sweep/cell_times.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "tools/program/words.h"

namespace adaq {
namespace {

constexpr double kBudget = 30.0;  // seconds of timing iterations, of all cells

/// Settings on which a cell's time does not depend, or only as the number of iterations says.
constexpr const char* kNoMatter[] = {
    "lr",        "lr_scale",      "lambda", "warm_up", "rounding_init", "seed", "calib_augment", "lr_scale_schedule",
    "pd_lambda", "pd_temperature"};

/// Cells of one kind take the same time.
std::string kind_of(const Cell& cell, const Context& context) {
    auto settings = nlohmann::json::parse(settings_json(cell.run.quantise, cell.run.images, context));
    for (const char* key : kNoMatter) settings.erase(key);
    return settings.dump();
}

}  // namespace

CellTimes::CellTimes(const Table& table, const std::vector<const Cell*>& cells, Observer& observer,
                     Workspace& workspace) {
    std::map<std::string, const Cell*> kinds;
    std::map<const Cell*, std::string> kind;
    for (const Cell* cell : cells) {
        kind[cell] = kind_of(*cell, context_of(cell->run, observer, &workspace));
        kinds.emplace(kind[cell], cell);
    }
    const auto learning = std::count_if(kinds.begin(), kinds.end(),
                                        [](const auto& entry) { return entry.second->run.quantise.learns(); });
    std::map<std::string, Forecast> forecasts;
    std::map<std::string, std::string> failures;
    observer.begin("estimate the time", static_cast<int64_t>(kinds.size()), "kinds of cells");
    for (const auto& [name, cell] : kinds) {
        try {
            const Plan plan =
                plan_of(cell->run, run_input(cell->run, &workspace), context_of(cell->run, observer, &workspace),
                        kBudget / static_cast<double>(std::max<int64_t>(1, learning)));
            forecasts[name] = plan.times;
            float_seconds_.emplace(cell->run.quantise.fold.value(), plan.times.float_evaluation);
            if (plan.learns && (!largest_ || plan.cached_bytes > plan_of_largest_.cached_bytes)) {
                largest_ = cell;
                plan_of_largest_ = plan;
            }
        } catch (const UsageError& error) {
            const std::string message = with_option_names(error.what());
            usage_error("{}: {}", origin(table, *cell, message), message);
        } catch (const DataError& error) {
            forecasts[name] = {};
            failures[name] = error.what();
        }
        observer.advance(1);
    }
    observer.end();
    for (const Cell* cell : cells) {
        const Forecast& times = forecasts[kind[cell]];
        left_[cell] = cell_seconds_[cell] = times.total() - times.float_evaluation;
        failures_[cell] = failures[kind[cell]];
    }
}

double CellTimes::left() const {
    double seconds = 0.0;
    for (const auto& [fold, expected] : float_seconds_) seconds += expected;
    for (const auto& [cell, expected] : left_) seconds += expected;
    return expected_ > 0.0 && measured_ > 0.0 ? seconds * measured_ / expected_ : seconds;
}

void CellTimes::finish(const Cell& cell, double seconds) {
    expected_ += cell_seconds_.at(&cell);
    measured_ += seconds;
    left_.erase(&cell);
    const auto evaluation = float_seconds_.find(cell.run.quantise.fold.value());
    if (evaluation == float_seconds_.end()) return;
    expected_ += evaluation->second;
    float_seconds_.erase(evaluation);
}

}  // namespace adaq
