// What a report tells of a network beside its accuracy: its layers, activations, sizes, and what ran where.
#pragma once

#include <string>
#include <vector>

#include "adaq/options.h"
#include "adaq/report.h"
#include "adaq/state/model_state.h"
#include "engine/program/device.h"

namespace adaq {

/// What ran, and where.
void describe_machine(Report& report, const Device& device, const DeviceOptions& options);

struct LayersToDescribe {
    const Network& network;
    const Model& original;             // that it was made of
    const std::vector<Shape>& shapes;  // value_shapes() of the images; empty: none were seen
    const std::vector<double>& output_sqnr = {};
    bool per_channel = true;
};

/// Rows of layers, sizes, and of a network that was saved quantised its activations.
void describe_layers(Report& report, const LayersToDescribe& what);

/// Seconds that `work` takes go into the report, under this name.
class Phase {
  public:
    Phase(Report& report, const char* name);
    ~Phase();
    Phase(const Phase&) = delete;
    Phase& operator=(const Phase&) = delete;

  private:
    Report& report_;
    const char* name_;
    double start_;
    int exceptions_;
};

}  // namespace adaq
