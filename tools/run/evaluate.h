// Networks on a validation set: one pass over the images for all of them, with nothing kept but counts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/passes/executor.h"
#include "report/report.h"
#include "tools/run/batch_source.h"
#include "tools/run/label_readings.h"
#include "tools/run/progress.h"
#include "tools/run/shared.h"

namespace adaq {

struct EvaluationPlan {
    std::vector<const Network*> networks;
    const EvaluatedNetwork* known = nullptr;  // goes before the others and was evaluated on the same images already
    std::vector<LabelReading> readings;       // that the first network is to be counted under, too
    std::string logits_path;                  // of the last network's logits; empty: none
    bool keep_choices = false;                // the first network is to be known from now on
};

struct EvaluationResult {
    std::vector<Evaluation> networks;  // the known one too
    std::optional<int64_t>
        agreement;               // images on which the first and the last of several networks choose the same class
    std::vector<int64_t> right;  // of the first network, known or not, under each reading
    std::vector<int> choices;    // of the first network, where they are to be kept
    std::string logits_failure;  // why logits_path was not written, which costs nothing else
};

EvaluationResult evaluate(Device& device, const EvaluationPlan& plan, BatchSource images, Progress& progress);

}  // namespace adaq
