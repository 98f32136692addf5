// Networks on a validation set: one pass over the images for all of them, with nothing kept but counts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/executor.h"
#include "engine/report/report.h"
#include "loaders/batch_stream.h"
#include "tools/run/progress.h"

namespace adaq {

struct EvaluationPlan {
    std::vector<const Network*> networks;
    int64_t images = 0;       // the first so many; 0: all
    std::string logits_path;  // of the last network's logits; empty: none
    BatchOptions batches;
};

struct EvaluationResult {
    std::vector<Evaluation> networks;
    std::optional<int64_t>
        agreement;  // images on which the first and the last of several networks choose the same class
};

EvaluationResult evaluate(Device& device, const EvaluationPlan& plan, const Dataset& dataset, Progress& progress);

}  // namespace adaq
