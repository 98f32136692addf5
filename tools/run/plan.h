// --dry-run: what a run would do, with which shapes, in how much memory and time, without doing it.
#pragma once

#include <string>

#include "engine/nearest.h"
#include "tools/run/options.h"

namespace adaq {

struct PlanInput {
    Device& device;
    const Network& network;  // float, or as it was saved
    std::string title;       // architecture and file
    std::vector<Site> sites = {};
    int64_t height = 0, width = 0;  // of the images
    int64_t calibration_images = 0, validation_images = 0;
};

/// Text for stdout. Times are measured on made-up numbers (tools/run/unit_timing.h), for some seconds. Throws DataError
/// where the run itself would.
std::string plan(const RunOptions& options, const PlanInput& input);

/// Seconds that the parts of a run will take.
struct Forecast {
    double ranges = 0.0;            // choosing them, of weights and of activations
    double learning = 0.0;          // every iteration of every unit
    double values = 0.0;            // of the calibration images, for learning
    double float_evaluation = 0.0;  // of the float network on the validation images
    double evaluation = 0.0;        // of the quantised one

    double total() const { return ranges + learning + values + float_evaluation + evaluation; }
};

/// The times that plan() tells, measured as it does, but for at most so many seconds of learning. Throws as plan().
Forecast forecast(const RunOptions& options, const PlanInput& input, double budget);

}  // namespace adaq
