// Epilogues (epilogue.h) as kernels read them: of a block of channels.
#pragma once

#include <algorithm>

#include "kernels/cpu/integer/epilogue.h"
#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {

/// What kernels need to know of an epilogue, whose scales and shifts are those of `channels`.
Finish finish_of(const Epilogue& epilogue, int64_t channels);
/// Element `first` and behind.
OperandRow row_of(const Operand& operand, int64_t first);

/// Scales and shifts of a block of at most `most` channels, filled up with what multiplies and adds nothing: v + -0 is
/// v, of either zero, too.
template <int most>
class BlockEpilogue {
  public:
    /// epilogue must outlive this.
    BlockEpilogue(const Epilogue& epilogue, int64_t first, int64_t channels)
        : epilogue_(epilogue), first_(first), channels_(static_cast<int>(channels)) {
        std::fill_n(scale_, most, 1.0f);
        std::fill_n(shift_, most, -0.0f);
        if (epilogue.scale != nullptr) std::copy_n(epilogue.scale + first, channels, scale_);
        if (epilogue.shift != nullptr) std::copy_n(epilogue.shift + first, channels, shift_);
    }

    /// A job of which nothing else is filled in. A position of y has `row` channels; positions lie side by side. This
    /// must outlive the job.
    BlockJob job(const Finish& finish, const Result& y, int64_t row) const {
        BlockJob job{};
        job.channels = channels_;
        job.scale = scale_;
        job.shift = shift_;
        job.residual = row_of(epilogue_.residual, first_);
        job.finish = finish;
        job.values = y.values != nullptr ? y.values + first_ : nullptr;
        job.codes = y.codes != nullptr ? y.codes + first_ : nullptr;
        job.row = row;
        job.column_rows = 1;
        return job;
    }

  private:
    alignas(64) float scale_[most], shift_[most];
    const Epilogue& epilogue_;
    int64_t first_;
    int channels_;
};

}  // namespace adaq::cpu::integer
