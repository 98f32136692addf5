// Runs a Program in float64, operation by operation, by the plainest correct loops: what every other device is tested
// against. Each operation is a member of this class (operator() of its descriptor in
// engine/program/operations.h).
//
// One rule about precision: where a value and its scale are both float32 numbers, it is rounded to an integer by
// float32 arithmetic, as on every other device, so that ties fall the same way; all else is float64. Execution in
// integers is exact up to the sum, and float32 behind it.
#pragma once

#include <memory>
#include <vector>

#include "kernels/reference/device.h"
#include "kernels/reference/quantiser.h"

namespace adaq::reference {

class Interpreter : public CompiledProgram {
  public:
    explicit Interpreter(Program program);
    void run(int64_t n) override;
    void run_polled(const Poll& poll) override;  // between operations

#define ADAQ_DECLARE(Kind) void operator()(const Kind& op);
    ADAQ_OPERATIONS(ADAQ_DECLARE)
#undef ADAQ_DECLARE

  private:
    const Shape& shape(TensorId id) const { return program_.shape(id); }
    DType type(TensorId id) const { return program_.tensor(id).type.dtype; }
    int64_t count(TensorId id) const { return element_count(shape(id)); }
    double* at(TensorId id);  // null for kNone
    /// The row of a cache that row i of a batch stands for.
    int64_t row_of(TensorId indices, int64_t i) { return indices == kNone ? i : static_cast<int64_t>(at(indices)[i]); }
    uint32_t iteration(TensorId state) { return static_cast<uint32_t>(at(state)[kIteration]); }

    Quantiser resolve(const OutputQuantiser& quantiser);
    /// y := quantise(y), with dropping.
    void quantise(TensorId y, const OutputQuantiser& quantiser);
    /// Turns sums into outputs; channels are y's last extent.
    void finish(TensorId y, const Epilogue& epilogue);
    void check_codes(const IntegerProduct& op);
    void finish_integer(TensorId y, const IntegerEpilogue& epilogue, int64_t i, int64_t channel, float sum);
    /// dx := the way back of (dx + addend) through relu and quantiser.
    void pass_back(TensorId dx, TensorId addend, const ActivationGradient& activation);

    struct RoundedWeight {
        double w_hat, by_v;  // and its derivative
        double h, h_by_v;
    };
    RoundedWeight round_weight(const Rounding& rounding, int64_t index);

    Program program_;
    std::vector<std::shared_ptr<ReferenceTensor>> memory_;
};

}  // namespace adaq::reference
