#include "engine/evaluation.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"

namespace adaq {

int first_choice(std::span<const float> logits) {
    return static_cast<int>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

int rank_of(std::span<const float> logits, int label) {
    const float own = logits[label];
    int rank = 0;
    for (int i = 0; i < static_cast<int>(logits.size()); ++i) {
        const float other = logits[i];
        if (other > own || (other == own && i < label)) ++rank;
    }
    return rank;
}

void Scorer::add(std::span<const float> logits, std::span<const int> labels) {
    if (labels.empty()) return;
    require(logits.size() % labels.size() == 0, "scorer: {} logits for {} images", logits.size(), labels.size());
    const size_t classes = logits.size() / labels.size();
    for (size_t i = 0; i < labels.size(); ++i) {
        const std::span<const float> row = logits.subspan(i * classes, classes);
        if (!std::all_of(row.begin(), row.end(), [](float v) { return std::isfinite(v); })) {
            data_error("the network's output for image {} is not finite", images_);
        }
        const int rank = rank_of(row, labels[i]);
        top1_ += rank == 0;
        top5_ += rank < 5;
        ++images_;
    }
}

}  // namespace adaq
