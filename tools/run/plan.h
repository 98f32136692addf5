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

}  // namespace adaq
