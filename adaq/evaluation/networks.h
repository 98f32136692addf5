// Networks on a validation set: one pass over the images for all of them, with nothing kept but counts.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adaq/data/batch_source.h"
#include "adaq/data/label_readings.h"
#include "adaq/observer.h"
#include "adaq/report.h"
#include "adaq/state/workspace_state.h"
#include "engine/passes/executor.h"

namespace adaq {

struct EvaluationPlan {
    std::vector<const Network*> networks;
    bool simulate = false;                    // quantised ones are not run as integers
    const EvaluatedNetwork* known = nullptr;  // goes before the others and was evaluated on the same images already
    std::vector<LabelReading> readings;       // that the first network is to be counted under, too
    /// Is given the last network's logits (EvaluateOptions); may be empty.
    std::function<void(std::span<const float> logits, int64_t images)> logits;
    bool keep_choices = false;  // the first network is to be known from now on
};

struct EvaluationResult {
    std::vector<Evaluation> networks;  // the known one too
    std::optional<int64_t>
        agreement;               // images on which the first and the last of several networks choose the same class
    std::vector<int64_t> right;  // of the first network, known or not, under each reading
    std::vector<int> choices;    // of the first network, where they are to be kept
};

/// Quantised networks run as integers unless they are to be simulated.
Execution execution_of(const Network& network, bool simulate);

/// Throws Stopped.
EvaluationResult evaluate_networks(Device& device, const EvaluationPlan& plan, BatchSource images, Observer& observer);

}  // namespace adaq
