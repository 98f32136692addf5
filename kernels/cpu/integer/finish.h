// Epilogues in vectors of floats F, which an instruction set or its twin defines. Everything here has internal linkage:
// it is compiled again with each instruction set's flags. No function of the standard library is called.
#pragma once

#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

template <class F>
struct FinishVectors {
    typename F::Floats lowest, highest, scale, reciprocal, rest, low, high, shift, summand, factor;
    typename F::Ints offset;
    typename F::CodeRange range;
    float near_tie;
    bool divides, shifts;
    bool saturates;    // codes end where bytes do from above
    bool whole_bytes;  // codes are bytes, of which none is left out: 0 ... 255, and nothing is added

    explicit FinishVectors(const Finish& f)
        : lowest(F::all(f.lowest)),
          highest(F::all(f.highest)),
          scale(F::all(f.scale)),
          reciprocal(F::all(f.reciprocal)),
          rest(F::all(f.rest)),
          low(F::all(f.low)),
          high(F::all(f.high)),
          shift(F::all(f.shift)),
          summand(F::all(f.summand)),
          factor(F::all(f.factor)),
          offset(F::all_ints(f.offset)),
          range(F::code_range(f.offset, static_cast<int>(f.low) + f.offset, static_cast<int>(f.high) + f.offset)),
          near_tie(f.near_tie),
          divides(f.reciprocal == 0.0f),
          shifts(f.shift != 0.0f),
          saturates(f.offset == 0 && f.low >= 0.0f && f.high == 255.0f),
          whole_bytes(saturates && f.low == 0.0f) {}

    typename F::Floats clamp(typename F::Floats v) const { return F::min(highest, F::max(lowest, v)); }

    typename F::Floats product(typename F::Floats v) const {
        return shifts ? F::fma(v, reciprocal, shift) : F::mul(v, reciprocal);
    }
    /// What is rounded to v's code, but for the offset. By a division, or by a multiplication, which is as good unless
    /// it comes near to a tie.
    template <bool division>
    typename F::Floats quotient(typename F::Floats v) const {
        return F::min(high, F::max(low, division ? F::div(v, scale) : product(v)));
    }
    /// The same where the store saturates: not clamped from above.
    typename F::Floats quotient_from_low(typename F::Floats v) const { return F::max(low, product(v)); }
    typename F::Ints code(typename F::Floats quotient) const { return F::add_ints(F::to_ints(quotient), offset); }
};

/// Of a term. scaling_codes: what they are added to is multiplied by a factor, and not they.
enum class Kind : uint8_t { none, values, codes, scaling_codes };

inline Kind kind_of(const OperandRow& row) {
    if (row.codes != nullptr) return Kind::codes;
    return row.values != nullptr ? Kind::values : Kind::none;
}

template <class F, Kind kind>
inline typename F::Floats read(const OperandRow& row, int64_t i, int count) {
    if constexpr (kind == Kind::codes || kind == Kind::scaling_codes)
        return F::sub(F::load_codes(row.codes + i, count), F::all(row.zero));
    return F::load(row.values + i, count);
}

template <class F, Kind residual>
inline typename F::Floats with_residual(const FinishVectors<F>& f, typename F::Floats v, const OperandRow& operand,
                                        int64_t at, int count) {
    if constexpr (residual == Kind::none) {
        return v;
    } else {
        const typename F::Floats term = read<F, residual>(operand, at, count);
        if constexpr (residual == Kind::scaling_codes) return F::add(F::mul(F::add(v, f.summand), f.factor), term);
        return F::add(v, F::mul(F::all(operand.scale), term));
    }
}

enum class Write : uint8_t { values, codes, saturated_codes, codes_by_division };

/// A vector of channels of one segment of a tile: sums lie [column][channel]. Returns whether no quotient came near to
/// a tie; where one did, the codes have to be written again, by divisions.
///
/// What the loop reads is copied before it: for all that the compiler knows, codes are written over anything.
template <class F, class Sum, Kind residual, Write write>
inline bool finish_vector(const BlockJob& job, const FinishVectors<F> f, const Sum* sums, int64_t pitch, int64_t y,
                          int channel, int count, int first, int columns) {
    const typename F::Floats scale = F::load(job.scale + channel, count), shift = F::load(job.shift + channel, count);
    const OperandRow operand = job.residual;
    const int64_t distance = job.column_rows * job.row;
    int64_t at = (y + first * job.column_rows) * job.row + channel;
    uint8_t* const codes = job.codes;
    float* const values = job.values;
    typename F::Floats furthest = F::all(0.0f);
    sums += channel;
    for (int column = first; column < columns; ++column, at += distance) {
        const typename F::Floats scaled = F::add(F::mul(F::floats(sums + column * pitch), scale), shift),
                                 v = with_residual<F, residual>(f, scaled, operand, at, count);
        if constexpr (write == Write::values) {
            F::store(values + at, f.clamp(v), count);
        } else if constexpr (write == Write::saturated_codes) {
            const typename F::Floats quotient = f.quotient_from_low(v);
            furthest = F::further(furthest, F::from_nearest(quotient));
            F::store_saturated(codes + at, F::to_ints(quotient), count);
        } else {
            const typename F::Floats quotient = f.template quotient<write == Write::codes_by_division>(v);
            if constexpr (write == Write::codes) furthest = F::further(furthest, F::from_nearest(quotient));
            F::store_codes(codes + at, f.code(quotient), count);
        }
    }
    return !F::any_beyond(furthest, f.near_tie);
}

/// The nearest integer to a quotient that Finish::bounded holds for, without the offset. at: of y. multiplies:
/// Finish::multiplies. Where it does not, but the quantiser has a factor, rest is 0; else the shift is.
template <class F, Kind residual, bool multiplies>
inline typename F::Ints bounded_quotient(const FinishVectors<F>& f, typename F::Floats sum, typename F::Floats scale,
                                         typename F::Floats shift, const OperandRow& operand, int64_t at, int count) {
    const typename F::Floats v = with_residual<F, residual>(f, F::add(F::mul(sum, scale), shift), operand, at, count);
    if constexpr (residual == Kind::scaling_codes) {
        return F::to_ints(F::fma(v, f.reciprocal, f.shift));
    } else if constexpr (multiplies) {
        return F::to_ints(F::mul(v, f.reciprocal));
    } else {
        return F::to_ints(F::fma(v, f.reciprocal, F::fma(v, f.rest, f.shift)));
    }
}

/// A vector's codes by multiplications; as finish_vector.
template <class F, class Sum, Kind residual>
inline bool finish_by_multiplying(const BlockJob& job, const FinishVectors<F>& f, const Sum* sums, int64_t pitch,
                                  int64_t y, int channel, int count, int first, int columns) {
    if constexpr (F::kSaturates) {
        if (f.saturates)
            return finish_vector<F, Sum, residual, Write::saturated_codes>(job, f, sums, pitch, y, channel, count,
                                                                           first, columns);
    }
    return finish_vector<F, Sum, residual, Write::codes>(job, f, sums, pitch, y, channel, count, first, columns);
}

/// The same where no quotient comes near to a tie, else by divisions.
template <class F, class Sum, Kind residual>
inline void finish_codes(const BlockJob& job, const FinishVectors<F>& f, const Sum* sums, int64_t pitch, int64_t y,
                         int channel, int count, int first, int columns) {
    if (!f.divides && finish_by_multiplying<F, Sum, residual>(job, f, sums, pitch, y, channel, count, first, columns))
        return;
    finish_vector<F, Sum, residual, Write::codes_by_division>(job, f, sums, pitch, y, channel, count, first, columns);
}

/// Positions [first, last) of a segment by the vector of channels that begins at `channel`.
template <class F, class Sum, Kind residual, bool quantises>
inline void finish_channels(const BlockJob& job, const FinishVectors<F>& f, const Sum* sums, int64_t pitch, int64_t y,
                            int channel, int first, int last) {
    const int rest = job.channels - channel;
    if constexpr (!quantises) {
        finish_vector<F, Sum, residual, Write::values>(job, f, sums, pitch, y, channel,
                                                       rest < F::kLanes ? rest : F::kLanes, first, last);
    } else if (rest < F::kLanes) {
        finish_codes<F, Sum, residual>(job, f, sums, pitch, y, channel, rest, first, last);
    } else {  // the full count as a constant: stores without a mask
        finish_codes<F, Sum, residual>(job, f, sums, pitch, y, channel, F::kLanes, first, last);
    }
}

/// What finish_vector takes as y for the line of a segment that begins at position `first`.
inline int64_t y_of_line(const BlockJob& job, const TilePlace& tile, int segment, int first) {
    const int64_t line = first / tile.line_distance, between = tile.line_distance - tile.line_columns;
    return tile.y[segment] - line * between * job.column_rows;
}

/// function(segment, y, first, last): positions [first, last) of a segment. Segments of one line that follow each other
/// come as one.
template <class Function>
inline void for_each_line(const BlockJob& job, const TilePlace& tile, const Function& function) {
    if (tile.line_columns == tile.columns && tile.done == 0 &&
        (tile.segments == 1 || tile.y[1] == tile.y[0] + int64_t{tile.columns} * job.column_rows)) {
        function(0, tile.y[0], 0, tile.segments * tile.columns);
        return;
    }
    for (int segment = 0; segment < tile.segments; ++segment) {
        for (int line = 0; line < tile.columns; line += tile.line_distance)
            function(segment, y_of_line(job, tile, segment, line), segment != 0 && tile.done > line ? tile.done : line,
                     line + tile.line_columns);
    }
}

template <class F, class Sum, Kind residual, bool quantises>
void finish_tile_as(const BlockJob& job, const TilePlace& tile, const FinishVectors<F>& f, const Sum* sums,
                    int64_t pitch) {
    for (int channel = 0; channel < job.channels; channel += F::kLanes) {
        for_each_line(job, tile, [&](int segment, int64_t y, int first, int last) {
            finish_channels<F, Sum, residual, quantises>(job, f, sums + int64_t{segment} * tile.columns * pitch, pitch,
                                                         y, channel, first, last);
        });
    }
}

template <class F, class Sum>
using FinishTile = void (*)(const BlockJob&, const TilePlace&, const FinishVectors<F>&, const Sum*, int64_t pitch);

template <class F, class Sum, Kind residual>
FinishTile<F, Sum> finisher_with(bool quantises) {
    return quantises ? finish_tile_as<F, Sum, residual, true> : finish_tile_as<F, Sum, residual, false>;
}

template <class F, class Sum>
FinishTile<F, Sum> finisher_for(const BlockJob& job) {
    switch (kind_of(job.residual)) {
        case Kind::codes:
            if (job.finish.scales) return finisher_with<F, Sum, Kind::scaling_codes>(job.finish.quantises);
            return finisher_with<F, Sum, Kind::codes>(job.finish.quantises);
        case Kind::values:
            return finisher_with<F, Sum, Kind::values>(job.finish.quantises);
        default:
            return finisher_with<F, Sum, Kind::none>(job.finish.quantises);
    }
}

/// A tile's epilogue where quotients are bounded, in parts of four vectors: of four positions, or of two where a block
/// is two vectors of channels.
template <class F, Kind residual, bool multiplies, int vectors>
class BoundedFinish {
  public:
    explicit BoundedFinish(const BlockJob& job)
        : job_(job), finish_(job.finish), operand_(job.residual), distance_(job.column_rows * job.row) {
        for (int v = 0; v < vectors; ++v) {
            scale_[v] = F::load(job.scale + v * F::kLanes, F::kLanes);
            shift_[v] = F::load(job.shift + v * F::kLanes, F::kLanes);
        }
    }

    /// Of a tile, whose sums are there.
    void begin(const TilePlace& tile, const int32_t* sums) {
        next_ = parts_;
        Part* end = parts_;
        for_each_line(job_, tile, [&](int segment, int64_t line, int first, int last) {
            const int32_t* from = sums + (int64_t{segment} * tile.columns + first) * kPitch;
            int64_t y = line * job_.row + first * distance_;
            int left = last - first;
            for (; left >= kPositions; left -= kPositions, from += kPositions * kPitch, y += kPositions * distance_)
                *end++ = {from, y, 1};
            for (; left > 0; --left, from += kPitch, y += distance_) *end++ = {from, y, 0};
        });
        end_ = end;
    }
    int parts() const { return static_cast<int>(end_ - next_); }  // that are left
    void finish_part() {
        const Part part = *next_++;
        const int last_count = job_.channels - (vectors - 1) * F::kLanes;
        typename F::Ints quotients[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
            const int64_t position = i / vectors * part.step;
            const int v = i % vectors;
            quotients[i] = bounded_quotient<F, residual, multiplies>(
                finish_, F::floats(part.sums + position * kPitch + v * F::kLanes), scale_[v], shift_[v], operand_,
                part.y + position * distance_ + v * F::kLanes, v + 1 < vectors ? F::kLanes : last_count);
        }
        const typename F::Codes codes = F::pack(quotients, finish_.range, finish_.whole_bytes);
        if constexpr (vectors == 1) {
            F::store_four(codes, job_.codes + part.y, part.step * distance_, last_count);
        } else {
            F::store_two(codes, job_.codes + part.y, part.step * distance_, last_count);
        }
    }
    void finish_rest() {
        while (parts() > 0) finish_part();
    }

  private:
    static constexpr int64_t kPitch = vectors * F::kLanes;
    static constexpr int kPositions = 4 / vectors;
    struct Part {
        const int32_t* sums;
        int64_t y;     // its first element
        int64_t step;  // from a position to the next; 0: all are the same
    };

    const BlockJob& job_;
    const FinishVectors<F> finish_;
    const OperandRow operand_;
    const int64_t distance_;
    typename F::Floats scale_[vectors], shift_[vectors];
    Part parts_[kMostPositions];
    Part *next_ = parts_, *end_ = parts_;
};

/// Calls function.template operator()<residual, multiplies, vectors>() where a block's quotients are bounded. Returns
/// whether they are.
template <class F, class Function>
inline bool if_bounded(const BlockJob& job, const Function& function) {
    if (!job.finish.quantises || !job.finish.bounded) return false;
    const auto call = [&]<Kind residual, bool multiplies>() {
        job.vectors == 1 ? function.template operator()<residual, multiplies, 1>()
                         : function.template operator()<residual, multiplies, 2>();
    };
    if (job.residual.codes != nullptr) {
        job.finish.scales ? call.template operator()<Kind::scaling_codes, true>()
                          : call.template operator()<Kind::codes, false>();
    } else if (job.finish.multiplies) {
        call.template operator()<Kind::none, true>();
    } else {
        call.template operator()<Kind::none, false>();
    }
    return true;
}

template <class F, Kind a, Kind b, bool quantises, bool fuses = false>
void pointwise_as(const PointwiseJob& job) {
    const FinishVectors<F> f(job.finish);
    const typename F::Floats a_scale = F::all(job.a.scale), b_scale = F::all(job.b.scale), offset = F::all(job.offset);
    for (int64_t i = 0; i < job.count; i += F::kLanes) {
        const int64_t rest = job.count - i;
        const int count = rest < F::kLanes ? static_cast<int>(rest) : F::kLanes;
        typename F::Floats v = read<F, a>(job.a, i, count);
        if constexpr (fuses) {
            v = F::fma(a_scale, v, F::fma(b_scale, read<F, b>(job.b, i, count), offset));
        } else {
            v = F::mul(a_scale, v);
            if constexpr (b != Kind::none) v = F::add(v, F::mul(b_scale, read<F, b>(job.b, i, count)));
        }
        if constexpr (quantises) {
            typename F::Floats quotient = f.template quotient<false>(v);
            if (f.divides || F::any_beyond(F::from_nearest(quotient), f.near_tie))
                quotient = f.template quotient<true>(v);
            F::store_codes(job.codes + i, f.code(quotient), count);
        } else {
            F::store(job.values + i, f.clamp(v), count);
        }
    }
}

template <class F, Kind a, bool quantises>
void pointwise_of(const PointwiseJob& job) {
    switch (kind_of(job.b)) {
        case Kind::codes:
            return pointwise_as<F, a, Kind::codes, quantises>(job);
        case Kind::values:
            return pointwise_as<F, a, Kind::values, quantises>(job);
        default:
            return pointwise_as<F, a, Kind::none, quantises>(job);
    }
}

template <class F>
void pointwise(const PointwiseJob& job) {
    if (job.fuses) {
        job.finish.quantises ? pointwise_as<F, Kind::codes, Kind::codes, true, true>(job)
                             : pointwise_as<F, Kind::codes, Kind::codes, false, true>(job);
    } else if (job.a.codes != nullptr) {
        job.finish.quantises ? pointwise_of<F, Kind::codes, true>(job) : pointwise_of<F, Kind::codes, false>(job);
    } else {
        job.finish.quantises ? pointwise_of<F, Kind::values, true>(job) : pointwise_of<F, Kind::values, false>(job);
    }
}

}  // namespace
}  // namespace adaq::cpu::integer
