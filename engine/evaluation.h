// Counting how often a network is right. Kept apart from where images come from and how the network is run.
#pragma once

#include <cstdint>
#include <span>

namespace adaq {

/// Index of the largest logit, the first of equals.
int first_choice(std::span<const float> logits);

/// How many logits beat that of `label`: larger ones, and equal ones of a smaller index. 0: the label is the first
/// choice.
int rank_of(std::span<const float> logits, int label);

/// Top-1 and top-5 over the images seen so far.
class Scorer {
  public:
    /// logits: [images, classes], labels: one an image, in [0, classes). Throws DataError if a logit is not finite.
    void add(std::span<const float> logits, std::span<const int> labels);

    int64_t images() const { return images_; }
    int64_t top1() const { return top1_; }
    int64_t top5() const { return top5_; }

  private:
    int64_t images_ = 0, top1_ = 0, top5_ = 0;
};

}  // namespace adaq
