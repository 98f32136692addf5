// Forward operations as inference has them; where the backward pass needs the value before the quantiser, or elements
// are dropped, the quantiser becomes a pass of its own (4 bytes read and written an element).
#include <algorithm>

#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/training/activation.h"
#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/training/masks.h"
#include "kernels/cpu/training/pieces.h"

namespace adaq::cpu {
namespace {

class CompiledForward : public CompiledOperation {
  public:
    /// unquantised: writes `value`; then y = quantise(value).
    CompiledForward(std::unique_ptr<CompiledOperation> unquantised, TensorId value, TensorId y, int64_t count,
                    const std::optional<OutputQuantiser>& quantiser)
        : unquantised_(std::move(unquantised)), value_(value), y_(y), count_(count), quantiser_(quantiser) {}

    void refresh(const View& view) override { unquantised_->refresh(view); }
    int64_t scratch_floats() const override { return unquantised_->scratch_floats(); }
    void run(const View& view) override {
        unquantised_->run(view);
        quantise_pass(view.at(value_), view, quantiser_, count_, view.target(y_));
    }

  private:
    std::unique_ptr<CompiledOperation> unquantised_;
    TensorId value_, y_;
    int64_t count_;
    std::optional<OutputQuantiser> quantiser_;
};

OperationSetting whole_batch(const Program& program, TensorId y, const TrainingSetting& training) {
    OperationSetting setting{program.shape(y)[0], 1, training.threads};
    setting.math = training.math;
    return setting;
}

/// `part` holds what stands behind the sum: an Epilogue, or the operation itself.
template <typename Op, typename Part>
std::unique_ptr<CompiledOperation> make_forward(const Program& program, Op op, Part Op::*part,
                                                OperationSetting setting) {
    Part& epilogue = op.*part;
    const std::optional<OutputQuantiser> quantiser = epilogue.quantiser;
    const TensorId saved = epilogue.saved, y = op.y;
    if (saved == kNone && !(quantiser && quantiser->dropping)) return compile_operation(program, op, setting);
    epilogue.quantiser.reset();
    epilogue.saved = kNone;
    op.y = saved == kNone ? y : saved;
    return std::make_unique<CompiledForward>(compile_operation(program, op, setting), op.y, y,
                                             element_count(program.shape(y)), quantiser);
}

}  // namespace

void quantise_pass(const float* x, const View& view, const std::optional<OutputQuantiser>& q, int64_t count, Target y) {
    for_pieces(count, [&](int64_t first, int64_t n) {
        Pointwise work{x + first, nullptr, 1.0f, 0.0f, {}, std::nullopt};
        if (q) work.quantiser = resolve_quantiser(*q, view);
        if (!q || !q->dropping) return pointwise(work, n, y + first);
        float kept[kPiece], quantised[kPiece];
        Mask(*q->dropping, view).fill(first, n, kept);
        pointwise(work, n, quantised);
        TargetPiece<kPiece> piece(y + first);
        float* const values = piece.values();
        choose(kept, quantised, x + first, n, values);
        piece.store(n);
    });
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const Convolution& op,
                                                        const TrainingSetting& training) {
    OperationSetting setting = whole_batch(program, op.y, training);
    setting.of_values = true;  // training never multiplies codes
    setting.weights_change = !training.constants(op.w);
    return make_forward(program, op, &Convolution::epilogue, setting);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const Linear& op,
                                                        const TrainingSetting& training) {
    return make_forward(program, op, &Linear::epilogue, whole_batch(program, op.y, training));
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const MaxPool& op,
                                                        const TrainingSetting& training) {
    return compile_operation(program, op, whole_batch(program, op.y, training));
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const GlobalAveragePool& op,
                                                        const TrainingSetting& training) {
    return compile_operation(program, op, whole_batch(program, op.y, training));
}

namespace {

class CompiledAddTraining : public CompiledOperation {
  public:
    CompiledAddTraining(const Program& program, const Addition& op)
        : op_(op), count_(element_count(program.shape(op.y))) {}
    void run(const View& view) override {
        Pointwise work{view.at(op_.a), view.at(op_.b), op_.a_scale, op_.b_scale, op_.activation, std::nullopt};
        if (op_.saved == kNone && !(op_.quantiser && op_.quantiser->dropping)) {
            if (op_.quantiser) work.quantiser = resolve_quantiser(*op_.quantiser, view);
            return pointwise(work, count_, view.target(op_.y));
        }
        float* value = view.at(op_.saved == kNone ? op_.y : op_.saved);
        pointwise(work, count_, value);
        quantise_pass(value, view, op_.quantiser, count_, view.target(op_.y));
    }

  private:
    Addition op_;
    int64_t count_;
};

class CompiledFakeQuantiseTraining : public CompiledOperation {
  public:
    CompiledFakeQuantiseTraining(const Program& program, const FakeQuantise& op)
        : op_(op), count_(element_count(program.shape(op.y))) {}
    void run(const View& view) override {
        quantise_pass(view.at(op_.x), view, op_.quantiser, count_, view.target(op_.y));
    }

  private:
    FakeQuantise op_;
    int64_t count_;
};

}  // namespace

// What a batch of learning goes through as inference has it, all that is in integers among it.
#define ADAQ_AS_INFERENCE(Kind)                                                                     \
    std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const Kind& op, \
                                                            const TrainingSetting& training) {      \
        return compile_operation(program, op, whole_batch(program, op.y, training));                \
    }
ADAQ_AS_INFERENCE(AveragePool)
ADAQ_AS_INFERENCE(IntegerConvolution)
ADAQ_AS_INFERENCE(IntegerLinear)
ADAQ_AS_INFERENCE(IntegerAddition)
ADAQ_AS_INFERENCE(SumOverMap)
ADAQ_AS_INFERENCE(QuantiseToCodes)
ADAQ_AS_INFERENCE(LookUp)
#undef ADAQ_AS_INFERENCE

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const Addition& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledAddTraining>(program, op);
}

std::unique_ptr<CompiledOperation> compile_for_training(const Program& program, const FakeQuantise& op,
                                                        const TrainingSetting&) {
    return std::make_unique<CompiledFakeQuantiseTraining>(program, op);
}

}  // namespace adaq::cpu
