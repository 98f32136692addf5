// Learning a network's rounding as the options say: the recipe, progress, Ctrl-C, and the state folder.
#pragma once

#include "engine/nearest.h"
#include "engine/reconstruction/record.h"
#include "tools/run/options.h"
#include "tools/run/progress.h"
#include "tools/run/shared.h"

namespace adaq {

struct ReconstructionWork {
    Device& device;
    const Model& model;  // that the networks were made of
    const Network& original;
    Network& network;  // its weights at nearest; receives what is learned
    Tensor images;     // the calibration set
    std::vector<Site> sites;
    SiteObserver see_site;
    Shared* shared = nullptr;        // keeps the float network's values for other runs, if there are any,
    std::string float_network = {};  // under this name of network and device
};

/// Learns every unit and returns what is to be told of each. Throws Interrupted, saying what was kept.
std::vector<UnitRecord> reconstruct(const RunOptions& options, ReconstructionWork work, Progress& progress);

}  // namespace adaq
