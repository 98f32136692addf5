// A quantised network as an application runs it: from pixels to logits, in integers, through adaq::Session.
#pragma once

#include <string>
#include <vector>

#include "tools/bench/timing.h"

namespace adaq {

struct SessionBench : Measuring {
    SessionBench() : Measuring{3.0} {}

    std::string weights;         // quantised; empty: ResNet18 with random weights, W4A8, the image too in 8 bits
    int image = 0;               // edge, pixels; 0: what the model says, or 224
    std::vector<int> batches{};  // images a run; empty: 1 and 32
    std::string device = "cpu";
    bool shares = false;  // also what each layer takes
};

/// Prints a row a batch: the time of a run (median, and what 99 % of runs stay below), images a second; memory and how
/// long loading took. Returns the exit status 0; throws UsageError for a float network, DataError for a bad file.
int bench_session(const SessionBench& bench);

}  // namespace adaq
