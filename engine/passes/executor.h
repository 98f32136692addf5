// Runs a network, or a stretch of its nodes, on a device.
#pragma once

#include <map>
#include <memory>
#include <span>

#include "engine/passes/simulate.h"

namespace adaq {

/// Nodes [first, last) between buffers that the caller owns. `bound` maps values to buffers whose first extent is the
/// batch: those that exist before (inputs) and those to keep (outputs, written as values, not codes).
class Segment {
  public:
    Segment(Device& device, const Network& network, int first, int last, const std::map<ValueId, StoredValue>& bound,
            KeptValues kept, const Indexed<Shape>& shapes, Execution execution = Execution::simulated);
    void run(const Poll& poll = {}) { compiled_->run_polled(poll); }

  private:
    std::unique_ptr<CompiledProgram> compiled_;
};

/// The whole network for one batch size: images in, logits out. In integers: of a quantised network (check_integer).
class Executor {
  public:
    Executor(Device& device, const Network& network, int64_t batch, int64_t height, int64_t width,
             Execution execution = Execution::simulated);
    int64_t batch() const { return images_->shape()[0]; }
    int64_t classes() const { return logits_->shape()[1]; }
    /// images: [batch, H, W, C], normalised; logits: [batch, classes].
    void run(std::span<const float> images, std::span<float> logits, const Poll& poll = {});

  private:
    Device& device_;
    Buffer images_, logits_;
    std::unique_ptr<Segment> segment_;
};

}  // namespace adaq
