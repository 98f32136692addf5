// Whether a network is no better than guessing, and whether another reading of its labels would make it right: class
// folders in another order, labels that count from 1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adaq/options.h"
#include "adaq/report.h"
#include "loaders/datasets/dataset.h"

namespace adaq {

/// Another way to read the labels of a data set.
struct LabelReading {
    std::string how;           // the option that chooses it: "`class_order` numeric"
    std::vector<int> classes;  // by the label as it is read now; Dataset::kNoLabel: it would have none
};

/// All that differ from how `validation` is read now. classes: the network's.
std::vector<LabelReading> other_readings(const Dataset& validation, const ImageOptions& options, int classes);

/// How many of a batch's images have, under a reading, the class that the network chose.
int64_t right_under(const LabelReading& reading, const std::vector<int>& labels, const std::vector<int>& choices);

/// Whether so many right answers are about what guessing gives: the 95 % Wilson interval reaches down to twice the
/// chance (to five points above it, where classes are few) and does not reach up to half way from there to 100 %.
bool is_near_chance(int64_t right, int64_t images, int classes);

/// The warning about a network that is near chance, or nothing. `which`: "the float network". right: what each reading
/// would give.
std::string chance_warning(const std::string& which, const Evaluation& network, int classes,
                           const std::vector<LabelReading>& readings, const std::vector<int64_t>& right);

}  // namespace adaq
