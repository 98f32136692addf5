// Memory-bound passes: each reads its operands once and writes its result once (4 bytes an element and operand).
#include "kernels/cpu/pointwise.h"

#include <algorithm>

#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int64_t kBlock = 4096;  // elements: 16 KiB an operand, a few blocks fit the first-level cache

ADAQ_VECTORISE void combine(const float* a, float a_scale, const float* b, float b_scale, float floor, float ceiling,
                            int64_t n, float* y) {
    if (b == nullptr) {
        for (int64_t i = 0; i < n; ++i) {
            const float v = a_scale * a[i];
            const float raised = v < floor ? floor : v;
            y[i] = raised > ceiling ? ceiling : raised;
        }
    } else {
        for (int64_t i = 0; i < n; ++i) {
            const float v = a_scale * a[i] + b_scale * b[i];
            const float raised = v < floor ? floor : v;
            y[i] = raised > ceiling ? ceiling : raised;
        }
    }
}

ADAQ_VECTORISE void quantise(const QuantiserValues& q, int64_t n, float* y) {
    const float scale = q.scale, zero_point = q.zero_point, qmin = q.qmin, qmax = q.qmax, factor = q.factor;
    for (int64_t i = 0; i < n; ++i) y[i] = quantise_centred(y[i], scale, zero_point, qmin, qmax) * factor;
}

Pointwise work_of(const Addition& op, const View& view) {
    Pointwise work{view.at(op.a), view.at(op.b), op.a_scale, op.b_scale, op.activation, std::nullopt};
    if (op.quantiser) work.quantiser = resolve_quantiser(*op.quantiser, view);
    return work;
}
Pointwise work_of(const FakeQuantise& op, const View& view) {
    return {view.at(op.x), nullptr, 1.0f, 0.0f, {}, resolve_quantiser(op.quantiser, view)};
}

template <typename Op>
class CompiledPointwise : public CompiledOperation {
  public:
    CompiledPointwise(const Program& program, const Op& op, int64_t images)
        : op_(op), count_(element_count(program.shape(op.y)) / program.shape(op.y)[0] * images) {}
    void run(const View& view) override { pointwise(work_of(op_, view), count_, view.target(op_.y)); }

  private:
    Op op_;
    int64_t count_;
};

}  // namespace

void pointwise(const Pointwise& op, int64_t count, Target y) {
    const bool plain = op.b == nullptr && op.a_scale == 1.0f && !op.activation;
#pragma omp parallel for schedule(static)
    for (int64_t first = 0; first < count; first += kBlock) {
        const int64_t n = std::min(kBlock, count - first);
        TargetPiece<kBlock> piece(y + first);
        float* const values = piece.values();
        if (!plain) {
            combine(op.a + first, op.a_scale, op.b ? op.b + first : nullptr, op.b_scale, op.activation.lowest(),
                    op.activation.highest(), n, values);
        } else if (op.a + first != values) {
            std::copy_n(op.a + first, n, values);
        }
        if (op.quantiser) quantise(*op.quantiser, n, values);
        piece.store(n);
    }
}

QuantiserValues resolve_quantiser(const OutputQuantiser& q, const View& view) {
    const float scale = *view.at(q.scale);
    return {scale, q.zero_point, q.grid.qmin(), q.grid.qmax(), q.codes ? 1.0f : scale};
}

void finish_epilogue(const Epilogue& epilogue, const View& view, int64_t count, const float* sums, Target y) {
    if (y.values() && epilogue.residual == kNone && !epilogue.activation && !epilogue.quantiser) return;
    Pointwise work{sums, view.at(epilogue.residual), 1.0f, epilogue.residual_scale, epilogue.activation, std::nullopt};
    if (epilogue.quantiser) work.quantiser = resolve_quantiser(*epilogue.quantiser, view);
    pointwise(work, count, y);
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const Addition& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledPointwise<Addition>>(program, op, setting.images);
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const FakeQuantise& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledPointwise<FakeQuantise>>(program, op, setting.images);
}

}  // namespace adaq::cpu
