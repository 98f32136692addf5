// adaq-run's command line: every option has its one declaration and help text in options.cpp, and goes into the field
// of adaq's options that bears its name.
#pragma once

#include <optional>
#include <string>

#include "adaq/options.h"

namespace adaq {

struct RunOptions {
    std::string weights;  // empty: the bundled model
    LoadOptions load;
    ImageOptions images;
    QuantiseOptions quantise;  // settled
    DeviceOptions device;

    std::string command;  // as it was typed
    std::string save, report_html, report_json, logits;
    SaveOptions save_options;
    bool dry_run = false;             // say what would be done, and do nothing
    bool simulate = false;            // evaluate the quantised network in float32
    bool float_only = false;          // evaluate the float network, quantise nothing
    bool bundled_data = false;        // neither --calib nor --val was given with the bundled model
    bool quantisation_asked = false;  // any option that says how to quantise was given
};

/// Parses the command line. Prints help or version and returns nothing where asked to; throws UsageError.
std::optional<RunOptions> parse_options(int argc, char** argv);

}  // namespace adaq
