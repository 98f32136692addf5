// Rows of depthwise convolutions in products of bytes, column by column of the map: the codes of a column's rows, which
// all outputs that see the column share, are interleaved by fours and multiplied by the bytes of as many weights, whose
// products are added to 32 bits at once. The sums of the outputs that see a column stay in registers, in the order in
// which codes are packed. Positions of few channels share vectors. Internal linkage, as finish.h.
//
// Cost: of a 3x3 window with stride 1 and AVX-512's 64 channels, an output is three loads, eight interleavings and
// twelve multiply-adds.
#pragma once

#include "kernels/cpu/integer/finish.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

template <class F>
constexpr int kColumnsChannels = F::kDots ? 4 * F::kLanes : 0;
/// A position has 128 bits at least: what is interleaved stays in as many.
template <class F>
constexpr int kColumnsTogether = F::kLanes / 4;

/// A row of outputs is cut into as many parts as positions share a vector: each has a position of every part.
///
/// Weights: [column of the window][four rows][quarter of the vector][lane][row]; a fifth row lies as four do, with
/// zeros for the others, and so does what three lack.
template <class F, int size, int stride, int together, bool multiplies>
class Columns {
  public:
    Columns(const ColumnsJob& job, const BlockJob& epilogue, int64_t first_y)
        : job_(job),
          finish_(epilogue.finish),
          part_((job.positions + together - 1) / together),
          columns_((part_ - 1) * stride + size),
          y_(epilogue.codes + first_y * epilogue.row),
          distance_(epilogue.row),
          channels_(epilogue.channels) {
        for (int j = 0; j < 4; ++j) {
            scale_[j] = F::load_quarters(epilogue.scale + int64_t{4} * j, kRoom);
            shift_[j] = F::load_quarters(epilogue.shift + int64_t{4} * j, kRoom);
        }
    }

    void run() {
        Sums sums[kRing];
        for (Sums& of_output : sums)
            for (int j = 0; j < 4; ++j) of_output.of[j] = F::all_ints(0);
        for (int64_t column = 0; column < columns_; column += kPeriod) take<0>(sums, column);
    }

  private:
    static constexpr int kRoom = kColumnsChannels<F> / together, kVector = 4 * F::kLanes;
    static constexpr int kRing = (size + stride - 1) / stride, kPeriod = kRing * stride;  // outputs that see a column
    static constexpr int kFours = size > 4 ? 2 : 1;                                       // of a column
    struct Sums {
        typename F::Ints of[4];
    };
    struct Interleaved {
        typename F::Codes of[kFours * 4];
    };

    /// Columns from the `phase`-th of a period on.
    template <int phase>
    [[gnu::always_inline]] inline void take(Sums (&sums)[kRing], int64_t column) const {
        if (column + phase >= columns_) return;
        const Interleaved rows = interleaved(column + phase);
        add<phase, 0>(sums, rows);
        constexpr int kBehindLast = phase + kPeriod - (size - 1);
        if constexpr (kBehindLast % stride == 0) {
            const int64_t begin = column + phase - (size - 1);
            if (begin >= 0) finish(sums[kBehindLast / stride % kRing], begin / stride);
        }
        if constexpr (phase + 1 < kPeriod) take<phase + 1>(sums, column);
    }

    /// To the sums of each output of whose window it is column s, or one behind.
    template <int phase, int s>
    [[gnu::always_inline]] inline void add(Sums (&sums)[kRing], const Interleaved& rows) const {
        if constexpr ((phase + kPeriod - s) % stride == 0) {
            Sums& to = sums[(phase + kPeriod - s) / stride % kRing];
            for (int j = 0; j < 4; ++j) {
                typename F::Ints sum = s == 0 ? F::load_ints(job_.start + int64_t{j} * F::kLanes) : to.of[j];
                for (int four = 0; four < kFours; ++four)
                    sum = F::dot(sum, rows.of[4 * four + j],
                                 job_.w + int64_t{4} * (s * kFours + four) * kVector + int64_t{j} * kVector);
                to.of[j] = sum;
            }
        }
        if constexpr (s + 1 < size) add<phase, s + 1>(sums, rows);
    }

    [[gnu::always_inline]] inline typename F::Codes codes(int row, int64_t column) const {
        const uint8_t* of_part[together];
        for (int i = 0; i < together; ++i) {
            const int64_t at = i * part_ * stride + column - job_.left;
            of_part[i] = at >= 0 && at < job_.width ? job_.rows[row] + at * job_.pitch[row] : job_.zero;
        }
        return F::template load_together<together>(of_part, channels_);
    }
    [[gnu::always_inline]] inline Interleaved interleaved(int64_t column) const {
        const typename F::Codes a = codes(0, column), b = codes(1, column), c = codes(2, column),
                                d = size > 3 ? codes(3, column) : c;
        const typename F::Codes ab_low = F::bytes_low(a, b), ab_high = F::bytes_high(a, b), cd_low = F::bytes_low(c, d),
                                cd_high = F::bytes_high(c, d);
        Interleaved rows;
        rows.of[0] = F::pairs_low(ab_low, cd_low);
        rows.of[1] = F::pairs_high(ab_low, cd_low);
        rows.of[2] = F::pairs_low(ab_high, cd_high);
        rows.of[3] = F::pairs_high(ab_high, cd_high);
        if constexpr (kFours == 2) {
            const typename F::Codes e = codes(4, column);
            rows.of[4] = F::template spread<0>(e);
            rows.of[5] = F::template spread<1>(e);
            rows.of[6] = F::template spread<2>(e);
            rows.of[7] = F::template spread<3>(e);
        }
        return rows;
    }

    [[gnu::always_inline]] inline void finish(const Sums& sums, int64_t position) const {
        typename F::Ints quotients[4];
        for (int j = 0; j < 4; ++j)
            quotients[j] = bounded_quotient<F, Kind::none, multiplies>(finish_, F::to_floats(sums.of[j]), scale_[j],
                                                                       shift_[j], {}, 0, 0);
        int here = 1;  // parts that have such a position
        for (int i = 1; i < together; ++i) here += i * part_ + position < job_.positions ? 1 : 0;
        F::template store_together<together>(F::pack(quotients, finish_.range, finish_.whole_bytes),
                                             y_ + position * distance_, part_ * distance_, here, channels_);
    }

    const ColumnsJob& job_;
    const FinishVectors<F> finish_;
    typename F::Floats scale_[4], shift_[4];
    const int64_t part_, columns_;
    uint8_t* const y_;
    const int64_t distance_;
    const int channels_;
};

template <class F, int together, bool multiplies>
void run_columns(const ColumnsJob& job, const BlockJob& epilogue, int64_t first_y) {
    if (job.size == 3) {
        job.stride == 1 ? Columns<F, 3, 1, together, multiplies>(job, epilogue, first_y).run()
                        : Columns<F, 3, 2, together, multiplies>(job, epilogue, first_y).run();
    } else {
        job.stride == 1 ? Columns<F, 5, 1, together, multiplies>(job, epilogue, first_y).run()
                        : Columns<F, 5, 2, together, multiplies>(job, epilogue, first_y).run();
    }
}

template <class F, int together>
void run_columns_of(const ColumnsJob& job, const BlockJob& epilogue, int64_t first_y) {
    epilogue.finish.multiplies ? run_columns<F, together, true>(job, epilogue, first_y)
                               : run_columns<F, together, false>(job, epilogue, first_y);
}

template <class F>
void depthwise_columns(const ColumnsJob& job, const BlockJob& epilogue, int64_t first_y) {
    if constexpr (kColumnsTogether<F> == 4) {
        if (job.together == 4) return run_columns_of<F, 4>(job, epilogue, first_y);
    }
    if (job.together == 2) return run_columns_of<F, 2>(job, epilogue, first_y);
    run_columns_of<F, 1>(job, epilogue, first_y);
}

template <class F>
constexpr auto depthwise_columns_of() {
    void (*kernel)(const ColumnsJob&, const BlockJob&, int64_t) = nullptr;
    if constexpr (F::kDots) kernel = depthwise_columns<F>;
    return kernel;
}

}  // namespace
}  // namespace adaq::cpu::integer
