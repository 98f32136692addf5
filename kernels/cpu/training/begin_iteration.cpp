#include "kernels/cpu/training/compiled_operations.h"

namespace adaq::cpu {
namespace {

class CompiledBeginIteration : public CompiledOperation {
  public:
    explicit CompiledBeginIteration(const BeginIteration& op) : op_(op) {}

    void run(const View& view) override {
        float* state = view.at(op_.state);
        double losses = 0.0;
        for (TensorId loss : op_.losses) losses += look_at_loss(state, *view.at(loss));
        begin_iteration(state, op_.schedule, op_.plateau.has_value(), op_.plateau.value_or(Plateau{}), losses);
    }

  private:
    BeginIteration op_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_for_training(const Program&, const BeginIteration& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledBeginIteration>(op);
}

}  // namespace adaq::cpu
