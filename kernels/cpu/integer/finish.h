// Epilogues in vectors of floats F, which an instruction set or its twin defines. Everything here has internal linkage:
// it is compiled again with each instruction set's flags. No function of the standard library is called.
#pragma once

#include "kernels/cpu/integer/kernels.h"

namespace adaq::cpu::integer {
namespace {  // NOLINT: a header of internal linkage throughout

/// Where v * (1 / s) is so near to a tie, v / s may be on the other side. Both are within 3 * 2^-24 * 256 of the
/// quotient wherever it is not clamped.
constexpr float kNearTie = 0.5f - 1.0f / 16384;

template <class F>
struct FinishVectors {
    typename F::Floats lowest, highest, scale, reciprocal, low, high;
    typename F::Ints offset;
    bool divides;

    explicit FinishVectors(const Finish& f)
        : lowest(F::all(f.lowest)),
          highest(F::all(f.highest)),
          scale(F::all(f.scale)),
          reciprocal(F::all(f.reciprocal)),
          low(F::all(f.low)),
          high(F::all(f.high)),
          offset(F::all_ints(f.offset)),
          divides(f.reciprocal == 0.0f) {}

    typename F::Floats clamp(typename F::Floats v) const { return F::min(highest, F::max(lowest, v)); }

    typename F::Floats nearest(typename F::Floats quotient) const {
        return F::round(F::min(high, F::max(low, quotient)));
    }

    typename F::Ints code(typename F::Floats v) const {
        if (divides) return F::add_ints(F::to_ints(nearest(F::div(v, scale))), offset);
        const typename F::Floats t = F::min(high, F::max(low, F::mul(v, reciprocal)));
        typename F::Floats q = F::round(t);
        if (F::any_beyond(F::sub(t, q), kNearTie)) q = nearest(F::div(v, scale));
        return F::add_ints(F::to_ints(q), offset);
    }
};

enum class Kind : uint8_t { none, values, codes };

inline Kind kind_of(const OperandRow& row) {
    if (row.codes != nullptr) return Kind::codes;
    return row.values != nullptr ? Kind::values : Kind::none;
}

template <class F, Kind kind>
inline typename F::Floats read(const OperandRow& row, int64_t i, int count) {
    if constexpr (kind == Kind::codes) return F::sub(F::load_codes(row.codes + i, count), F::all(row.zero));
    return F::load(row.values + i, count);
}

/// One segment of a tile: sums lie [column][vectors * lanes of the product].
template <class F, class Sum, Kind residual, bool quantises>
inline void finish_segment(const BlockJob& job, const FinishVectors<F>& f, const Sum* sums, int64_t pitch, int64_t y,
                           int first, int columns) {
    const typename F::Floats residual_scale = F::all(job.residual.scale);
    for (int channel = 0; channel < job.channels; channel += F::kLanes) {
        const int rest = job.channels - channel, count = rest < F::kLanes ? rest : F::kLanes;
        const typename F::Floats scale = F::load(job.scale + channel, F::kLanes),
                                 shift = F::load(job.shift + channel, F::kLanes);
        for (int column = first; column < columns; ++column) {
            const int64_t at = (y + column * job.column_rows) * job.row + channel;
            typename F::Floats v = F::add(F::mul(F::floats(sums + column * pitch + channel), scale), shift);
            if constexpr (residual != Kind::none)
                v = F::add(v, F::mul(residual_scale, read<F, residual>(job.residual, at, count)));
            v = f.clamp(v);
            if constexpr (quantises) {
                F::store_codes(job.codes + at, f.code(v), count);
            } else {
                F::store(job.values + at, v, count);
            }
        }
    }
}

template <class F, class Sum, Kind residual, bool quantises>
inline void finish_tile_as(const BlockJob& job, const TilePlace& tile, const FinishVectors<F>& f, const Sum* sums,
                           int64_t pitch) {
    for (int segment = 0; segment < tile.segments; ++segment)
        finish_segment<F, Sum, residual, quantises>(job, f, sums + segment * tile.columns * pitch, pitch,
                                                    tile.y[segment], segment == 0 ? 0 : tile.done, tile.columns);
}

template <class F, class Sum>
using FinishTile = void (*)(const BlockJob&, const TilePlace&, const FinishVectors<F>&, const Sum*, int64_t);

template <class F, class Sum>
FinishTile<F, Sum> finish_for(const BlockJob& job) {
    switch (kind_of(job.residual)) {
        case Kind::codes:
            return job.finish.quantises ? finish_tile_as<F, Sum, Kind::codes, true>
                                        : finish_tile_as<F, Sum, Kind::codes, false>;
        case Kind::values:
            return job.finish.quantises ? finish_tile_as<F, Sum, Kind::values, true>
                                        : finish_tile_as<F, Sum, Kind::values, false>;
        default:
            return job.finish.quantises ? finish_tile_as<F, Sum, Kind::none, true>
                                        : finish_tile_as<F, Sum, Kind::none, false>;
    }
}

template <class F, Kind a, Kind b, bool quantises>
void pointwise_as(const PointwiseJob& job) {
    const FinishVectors<F> f(job.finish);
    const typename F::Floats a_scale = F::all(job.a.scale), b_scale = F::all(job.b.scale);
    for (int64_t i = 0; i < job.count; i += F::kLanes) {
        const int64_t rest = job.count - i;
        const int count = rest < F::kLanes ? static_cast<int>(rest) : F::kLanes;
        typename F::Floats v = F::mul(a_scale, read<F, a>(job.a, i, count));
        if constexpr (b != Kind::none) v = F::add(v, F::mul(b_scale, read<F, b>(job.b, i, count)));
        v = f.clamp(v);
        if constexpr (quantises) {
            F::store_codes(job.codes + i, f.code(v), count);
        } else {
            F::store(job.values + i, v, count);
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
    if (job.a.codes != nullptr) {
        job.finish.quantises ? pointwise_of<F, Kind::codes, true>(job) : pointwise_of<F, Kind::codes, false>(job);
    } else {
        job.finish.quantises ? pointwise_of<F, Kind::values, true>(job) : pointwise_of<F, Kind::values, false>(job);
    }
}

}  // namespace
}  // namespace adaq::cpu::integer
