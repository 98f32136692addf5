// What a report tells of a network beside its accuracy: its layers, activations, sizes, and what ran where.
#pragma once

#include <string>
#include <vector>

#include "adaq/images.h"
#include "adaq/options.h"
#include "adaq/report.h"
#include "adaq/state/model_state.h"
#include "engine/program/device.h"

namespace adaq {

inline constexpr int64_t kNominalSize = 224;  // pixels, for counting operations where there are no images

/// A report's beginning: the model, what is to be known of it and of the images, what ran, and where.
Report report_of(const Model& model, const ImageSets& images, const Device& device, const DeviceOptions& options);

/// The float network on its device, for what several pieces of work keep of it: told by its tensors and its graph,
/// wherever they are from.
std::string float_network_key(const Model& model, bool fold, const DeviceOptions& device);

struct LayersToDescribe {
    const Network& network;
    const Model& original;         // that it was made of
    const Indexed<Shape>& shapes;  // value_shapes() of the images; empty: none were seen
    const std::vector<double>& output_sqnr = {};
    bool per_channel = true;
};

/// Rows of layers, sizes, and of a network that was saved quantised its activations.
void describe_layers(Report& report, const LayersToDescribe& what);

/// A network that guesses is worth a word before all others. Empty: nothing is to be said.
void put_first(std::vector<std::string>& notes, const std::string& warning);

/// Seconds from its beginning to its end go into the report, under this name, to those that are there already. Of work
/// that throws they do not.
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
