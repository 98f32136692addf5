// AdaRound's weights from V, and the fused step (docs/arithmetic.md section 5): which elements they go over, and what
// of their channel and of the iteration these need. The arithmetic is in rounding_arithmetic.h.
#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/training/rounding_arithmetic.h"

namespace adaq::cpu {
namespace {

using namespace rounding;

/// A rounding's tensors, in pieces that no channel's end divides.
class RoundingPieces {
  public:
    RoundingPieces(const Program& program, const Rounding& r)
        : rounding_(r),
          channels_(program.shape(r.w)[0]),
          elements_(element_count(program.shape(r.w)) / channels_),
          one_scale_(program.shape(r.scale)[0] == 1) {}

    /// work(channel, first, count) over all elements; returns the sum of what it returns, in a fixed order.
    template <typename Work>
    double for_each(const View& view, const Work& work) const {
        const int64_t of_channel = pieces_of(elements_);
        std::vector<double> sums(channels_ * of_channel);
#pragma omp parallel for schedule(static)
        for (int64_t piece = 0; piece < channels_ * of_channel; ++piece) {
            const int64_t k = piece / of_channel, offset = piece % of_channel * kPiece;
            sums[piece] = work(channel(view, k), k * elements_ + offset, std::min(kPiece, elements_ - offset));
        }
        return std::accumulate(sums.begin(), sums.end(), 0.0);
    }

  private:
    Channel channel(const View& view, int64_t k) const {
        const int64_t group = one_scale_ ? 0 : k;
        return {view.at(rounding_.scale)[group], view.at(rounding_.zero_point)[group], rounding_.grid.qmin(),
                rounding_.grid.qmax(), rounding_.channel_scale == kNone ? 1.0f : view.at(rounding_.channel_scale)[k]};
    }
    Rounding rounding_;
    int64_t channels_, elements_;
    bool one_scale_;
};

class CompiledRoundWeights : public CompiledOperation {
  public:
    CompiledRoundWeights(const Program& program, const RoundWeights& op) : op_(op), pieces_(program, op.rounding) {}
    void run(const View& view) override {
        const Rounding& r = op_.rounding;
        pieces_.for_each(view, [&](const Channel& c, int64_t first, int64_t n) {
            round_soft(c, view.at(r.w) + first, view.at(r.v) + first, n, view.at(r.w_hat) + first);
            return 0.0;
        });
    }

  private:
    RoundWeights op_;
    RoundingPieces pieces_;
};

class CompiledRoundingStep : public CompiledOperation {
  public:
    CompiledRoundingStep(const Program& program, const RoundingStep& op)
        : op_(op), pieces_(program, op.rounding), below_(element_count(program.shape(op.rounding.w))) {}

    void refresh(const View& view) override {
        const Rounding& r = op_.rounding;
        const Versions versions{view.version(r.w), view.version(r.scale), view.version(r.zero_point)};
        if (versions_ == versions) return;
        versions_ = versions;
        pieces_.for_each(view, [&](const Channel& c, int64_t first, int64_t n) {
            round_down(c, view.at(r.w) + first, n, below_.data() + first);
            return 0.0;
        });
    }

    void run(const View& view) override {
        const Rounding& r = op_.rounding;
        const float* state = view.at(op_.state);
        const StepSettings settings{state[kRegulariserOn] > 0.0f ? static_cast<float>(op_.lambda) : 0.0f, state[kBeta],
                                    state[kRoundingRate] * state[kFirstCorrection], state[kSecondCorrection]};
        const double penalty = pieces_.for_each(view, [&](const Channel& c, int64_t first, int64_t n) {
            const Moved moved{view.at(op_.w_hat_gradient) + first, view.at(r.v) + first,
                              view.at(op_.first_moment) + first, view.at(op_.second_moment) + first};
            float penalties[kPiece];
            step(c, settings, below_.data() + first, moved, n, view.at(r.w_hat) + first, penalties);
            return settings.lambda == 0.0f ? 0.0 : sum_of(penalties, n);
        });
        if (op_.penalty != kNone) *view.at(op_.penalty) = static_cast<float>(penalty);
    }

  private:
    using Versions = std::array<uint64_t, 3>;  // of w, its scales and zero points

    RoundingStep op_;
    RoundingPieces pieces_;
    std::vector<int16_t> below_;
    std::optional<Versions> versions_;  // of what below_ was made from
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const RoundWeights& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledRoundWeights>(program, op);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const RoundingStep& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledRoundingStep>(program, op);
}

}  // namespace adaq::cpu
