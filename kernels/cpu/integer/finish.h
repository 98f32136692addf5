// Epilogues in vectors of floats F, which an instruction set or its twin defines. Everything here has internal linkage:
// it is compiled again with each instruction set's flags. No function of the standard library is called.
#pragma once

#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

template <class F>
struct FinishVectors {
    typename F::Floats lowest, highest, scale, reciprocal, low, high, factor;
    typename F::Ints offset;
    float near_tie;
    bool divides;
    bool saturates;  // codes end where bytes do

    explicit FinishVectors(const Finish& f)
        : lowest(F::all(f.lowest)),
          highest(F::all(f.highest)),
          scale(F::all(f.scale)),
          reciprocal(F::all(f.reciprocal)),
          low(F::all(f.low)),
          high(F::all(f.high)),
          factor(F::all(f.factor)),
          offset(F::all_ints(f.offset)),
          near_tie(f.near_tie),
          divides(f.reciprocal == 0.0f),
          saturates(f.offset == 0 && f.low >= 0.0f && f.high == 255.0f) {}

    typename F::Floats clamp(typename F::Floats v) const { return F::min(highest, F::max(lowest, v)); }

    /// What is rounded to v's code, but for the offset. By a division, or by a multiplication, which is as good unless
    /// it comes near to a tie.
    template <bool division>
    typename F::Floats quotient(typename F::Floats v) const {
        return F::min(high, F::max(low, division ? F::div(v, scale) : F::mul(v, reciprocal)));
    }
    /// The same where the store saturates: not clamped from above.
    typename F::Floats quotient_from_low(typename F::Floats v) const { return F::max(low, F::mul(v, reciprocal)); }
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

enum class Write : uint8_t { values, codes, saturated_codes, codes_by_division };

/// A vector of channels of one segment of a tile: sums lie [column][channel]. Returns whether no quotient came near to
/// a tie; where one did, the codes have to be written again, by divisions.
///
/// What the loop reads is copied before it: for all that the compiler knows, codes are written over anything.
template <class F, class Sum, Kind residual, Write write>
inline bool finish_vector(const BlockJob& job, const FinishVectors<F> f, const Sum* sums, int64_t pitch, int64_t y,
                          int channel, int count, int first, int columns) {
    const typename F::Floats scale = F::load(job.scale + channel, count), shift = F::load(job.shift + channel, count),
                             residual_scale = F::all(job.residual.scale);
    const OperandRow operand = job.residual;
    const int64_t distance = job.column_rows * job.row;
    int64_t at = (y + first * job.column_rows) * job.row + channel;
    uint8_t* const codes = job.codes;
    float* const values = job.values;
    typename F::Floats furthest = F::all(0.0f);
    sums += channel;
    for (int column = first; column < columns; ++column, at += distance) {
        typename F::Floats v = F::add(F::mul(F::floats(sums + column * pitch), scale), shift);
        if constexpr (residual == Kind::scaling_codes)
            v = F::add(F::mul(v, f.factor), read<F, residual>(operand, at, count));
        else if constexpr (residual != Kind::none)
            v = F::add(v, F::mul(residual_scale, read<F, residual>(operand, at, count)));
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

/// Segments of one line that follow each other are finished as one.
template <class F, class Sum, Kind residual, bool quantises>
void finish_tile_as(const BlockJob& job, const TilePlace& tile, const FinishVectors<F>& f, const Sum* sums,
                    int64_t pitch) {
    const bool one = tile.line_columns == tile.columns && tile.done == 0 &&
                     (tile.segments == 1 || tile.y[1] == tile.y[0] + int64_t{tile.columns} * job.column_rows);
    for (int channel = 0; channel < job.channels; channel += F::kLanes) {
        if (one) {
            finish_channels<F, Sum, residual, quantises>(job, f, sums, pitch, tile.y[0], channel, 0,
                                                         tile.segments * tile.columns);
            continue;
        }
        for (int segment = 0; segment < tile.segments; ++segment) {
            const Sum* const from = sums + int64_t{segment} * tile.columns * pitch;
            for (int line = 0; line < tile.columns; line += tile.line_distance) {
                const int first = segment != 0 && tile.done > line ? tile.done : line;
                finish_channels<F, Sum, residual, quantises>(job, f, from, pitch, y_of_line(job, tile, segment, line),
                                                             channel, first, line + tile.line_columns);
            }
        }
    }
}

template <class F, class Sum>
struct Finishers {
    void (*tile)(const BlockJob&, const TilePlace&, const FinishVectors<F>&, const Sum*, int64_t pitch);
    /// Positions [first, last) of a segment, of a vector of channels.
    void (*part)(const BlockJob&, const FinishVectors<F>&, const Sum*, int64_t pitch, int64_t y, int channel, int first,
                 int last);
};

template <class F, class Sum, Kind residual>
Finishers<F, Sum> finishers_with(bool quantises) {
    if (quantises) return {finish_tile_as<F, Sum, residual, true>, finish_channels<F, Sum, residual, true>};
    return {finish_tile_as<F, Sum, residual, false>, finish_channels<F, Sum, residual, false>};
}

template <class F, class Sum>
Finishers<F, Sum> finishers_for(const BlockJob& job) {
    switch (kind_of(job.residual)) {
        case Kind::codes:
            if (job.finish.factor != 1.0f) return finishers_with<F, Sum, Kind::scaling_codes>(job.finish.quantises);
            return finishers_with<F, Sum, Kind::codes>(job.finish.quantises);
        case Kind::values:
            return finishers_with<F, Sum, Kind::values>(job.finish.quantises);
        default:
            return finishers_with<F, Sum, Kind::none>(job.finish.quantises);
    }
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
