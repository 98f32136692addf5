// Learning a network's rounding as the settings say: the recipe, what is told meanwhile, and the state folder.
#pragma once

#include "adaq/learning.h"
#include "adaq/observer.h"
#include "adaq/settings/settings.h"
#include "adaq/state/workspace_state.h"
#include "engine/nearest.h"
#include "engine/reconstruction/unit_walk.h"

namespace adaq {

struct ReconstructionWork {
    Device& device;
    const StoredModel& model;  // that the networks were made of
    const Network& original;
    Network& network;  // its weights at nearest; receives what is learned
    Tensor images;     // the calibration set
    std::vector<Site> sites;
    SiteObserver see_site;
    std::string settings;                   // settings_json()
    Workspace::State* workspace = nullptr;  // keeps the float network's values for others, if there are any,
    std::string float_network = {};         // under this name of network and device
};

/// How the recipe goes over a network. images: calibration images as they are, without further views. Memory and values
/// of the float network that others leave are whoever's walks.
WalkOptions walk_options(const Settings& settings, const Graph& graph, std::vector<Site> sites, int64_t images);

/// Learns every unit and returns what is to be told of each. Throws Stopped, saying what was kept.
std::vector<UnitRecord> reconstruct(const Settings& settings, ReconstructionWork work, Observer& observer);

}  // namespace adaq
