// Learns the rounding of a unit's weights and the scales of its activations, so that its output on the quantised
// network's input comes close to the float network's (docs/arithmetic.md sections 5 to 7): one Program an iteration,
// replayed.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "adaq/learning.h"
#include "engine/reconstruction/learned.h"
#include "engine/reconstruction/replay.h"

namespace adaq {

/// Calibration images at the unit's ends, [N,...] each; null where the options do not ask for it.
struct UnitCaches {
    Buffer input;             // of the network quantised so far
    Buffer float_input = {};  // of the float network: where inputs are mixed
    Buffer target = {};       // the float network's output
    Buffer weight = {};       // of each element's square, like target: Reconstruction::fisher_diag
    Buffer logits = {};       // the float network's, [N,classes]: PredictionDifference
};

struct UnitProgress {
    int64_t iteration = 0, iterations = 0;
    double reconstruction = 0.0, prediction = 0.0, penalty = 0.0;  // losses of this iteration
};

/// Iterations between two points of a curve: at most 200 where that gives no more than 200 points, and few enough for
/// 50 points where there are so many iterations.
inline int64_t report_interval(int64_t iterations) {
    constexpr int64_t kFewest = 50, kMost = 200, kLongest = 200;
    return std::max(std::clamp<int64_t>(iterations / kFewest, 1, kLongest), (iterations + kMost - 1) / kMost);
}

class UnitTrainer {
  public:
    /// shapes: value_shapes() of the images. original: the float network, whose nodes behind the unit lead to the
    /// logits of PredictionDifference; not looked at without it. Throws DataError where there are fewer images than a
    /// batch has.
    UnitTrainer(Device& device, const Network& network, const Unit& unit, const UnitOptions& options,
                const UnitCaches& caches, const Indexed<Shape>& shapes, const Network* original = nullptr);
    ~UnitTrainer();

    /// All iterations; the observer sees the first, every `interval`-th (0: report_interval()) and the last, and may
    /// throw to stop. What is learned does not depend on the interval. Throws DataError naming unit and iteration where
    /// a loss is not finite.
    using Observer = std::function<void(const UnitProgress&)>;
    /// poll: asked several times a second while iterations run.
    void run(const Observer& observe = {}, int64_t interval = 0, const Poll& poll = {});
    /// Of the last run(): complete once it has returned.
    const UnitRecord& record() const { return record_; }
    /// So many iterations of them, for who looks at each; losses are not looked at.
    void advance(int64_t iterations);

    /// Puts what was learned into the network: hard rounding, scales, moved batch norms.
    void freeze(Network& network) const;

    const std::vector<LearnedRounding>& roundings() const { return roundings_; }
    const std::vector<LearnedChannels>& channels() const { return channels_; }
    const std::vector<LearnedScale>& scales() const { return scales_; }
    const std::vector<MovingNorm>& norms() const { return norms_; }
    const Buffer& reconstruction_loss() const { return loss_; }         // [1], of the last iteration
    const Buffer& prediction_loss() const { return prediction_loss_; }  // [1], the same; null without it

  private:
    void find_learned(const Network& network);
    Program emit(const Network& network, const UnitCaches& caches, const Indexed<Shape>& shapes,
                 const Network* original);
    TensorId inputs(Program& program, const UnitCaches& caches, TensorId indices, TensorId state) const;
    void emit_loss(Program& program, const UnitCaches& caches, TensorId y, TensorId dy, TensorId indices) const;
    TensorId batch_indices(Program& program, TensorId state, int64_t images);
    double value_of(const Buffer& scalar) const;
    void begin_record(const Network& network);
    UnitProgress progress(int64_t iteration) const;
    void end_record(double seconds);

    Device& device_;
    Unit unit_;
    UnitOptions options_;
    std::vector<LearnedRounding> roundings_;
    std::vector<LearnedChannels> channels_;
    std::vector<LearnedScale> scales_;
    std::vector<MovingNorm> norms_;
    Buffer state_, loss_, prediction_loss_;
    Buffer chosen_batch_;     // indices of an iteration's images where UnitOptions::order says which
    size_t chosen_next_ = 0;  // its next row
    std::unique_ptr<CompiledProgram> compiled_;
    UnitRecord record_;
    Replay replay_;
};

}  // namespace adaq
