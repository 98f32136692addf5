#include "kernels/cpu/depthwise_rows.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

// So many channels; the compiler has registers for them, whatever the instruction set.
typedef float Floats16 __attribute__((vector_size(64)));
typedef float Floats4 __attribute__((vector_size(16)));
template <class V>
constexpr int64_t kLanes = 1;
template <>
constexpr int64_t kLanes<Floats16> = 16;
template <>
constexpr int64_t kLanes<Floats4> = 4;

/// Rows begin anywhere.
template <class V>
[[gnu::always_inline]] inline void load(const float* from, V& v) {
    std::memcpy(&v, from, sizeof(V));
}
template <class V>
[[gnu::always_inline]] inline void store(const V& v, float* to) {
    std::memcpy(to, &v, sizeof(V));
}
/// sum += from[...] * weight
template <class V>
[[gnu::always_inline]] inline void add_product(const float* from, const V& weight, V& sum) {
    V x;
    load(from, x);
    sum += x * weight;
}

/// Positions [first, last) from which pixels lie in x.
struct Inside {
    int64_t first, last;
    bool empty() const { return first >= last; }
};

Inside inside_of(const TapColumn& column, int64_t step, int64_t width, int64_t positions) {
    const int64_t offset = column.pixel;
    const int64_t first = offset >= 0 ? 0 : std::min((-offset + step - 1) / step, positions);
    const int64_t last = offset >= width ? first : std::min((width - 1 - offset) / step + 1, positions);
    return {first, std::max(first, last)};
}

/// From which those of several columns all do.
Inside common(const TapColumn* columns, int64_t count, int64_t step, int64_t width, int64_t positions) {
    Inside all{0, positions};
    for (int64_t t = 0; t < count; ++t) {
        const Inside one = inside_of(columns[t], step, width, positions);
        all = {std::max(all.first, one.first), std::min(all.last, one.last)};
    }
    return {std::min(all.first, positions), std::max(all.last, std::min(all.first, positions))};
}

/// Positions [first, first + kPositions) by a vector of channels. kChecked: some taps lie beside x.
template <class V, int kPositions, bool kChecked>
[[gnu::always_inline]] inline void filter(const FilterRow& f, int64_t first, int64_t channel) {
    V sum[kPositions] = {};
    const int64_t channels = f.channels, step = f.step * channels;
    const TapColumn *const begin = f.columns->data(), *const end = begin + f.columns->size();
    for (int r = 0; r < f.count; ++r) {
        const float *const x = f.rows[r] + first * step + channel, *const w = f.weights[r] + channel;
        for (const TapColumn* tap = begin; tap != end; ++tap) {
            if (kChecked) {
                const int64_t pixel = first * f.step + tap->pixel;
                if (pixel < 0 || pixel >= f.width) continue;
            }
            V weight;
            load(w + tap->weight, weight);
            const float* const from = x + tap->offset;
#pragma GCC unroll 8
            for (int i = 0; i < kPositions; ++i) add_product(from + i * step, weight, sum[i]);
        }
    }
    V scale, shift;
    load(f.scale + channel, scale);
    load(f.shift + channel, shift);
    const V floor = V{} + f.activation.lowest(), ceiling = V{} + f.activation.highest();
#pragma GCC unroll 8
    for (int i = 0; i < kPositions; ++i) {
        V v = sum[i] * scale + shift;
        v = v < floor ? floor : v;
        v = v > ceiling ? ceiling : v;
        store(v, f.y + (first + i) * f.y_step + channel);
    }
}

/// What the next row will need beside positions [first, first + count).
[[gnu::always_inline]] inline void prefetch(const FilterRow& f, int64_t first, int count, int64_t channel) {
    const int64_t channels = f.channels, pixels = f.step * count;
    for (int row = 0; row < f.next_rows; ++row) {
        const float* const at = f.next + (row * f.width + first * f.step) * channels + channel;
        for (int64_t i = 0; i < pixels; ++i) __builtin_prefetch(at + i * channels);
    }
    const float* const y = f.y + (first + f.positions) * f.y_step + channel;
    for (int i = 0; i < count; ++i) __builtin_prefetch(y + i * f.y_step, 1);
}

template <int kPositions, bool kChecked>
[[gnu::always_inline]] inline void filter_channels(const FilterRow& f, int64_t first) {
    int64_t channel = 0;
    for (; channel + 16 <= f.channels; channel += 16) {
        if (!kChecked) prefetch(f, first, kPositions, channel);
        filter<Floats16, kPositions, kChecked>(f, first, channel);
    }
    for (; channel + 4 <= f.channels; channel += 4) filter<Floats4, kPositions, kChecked>(f, first, channel);
    for (; channel < f.channels; ++channel) filter<float, kPositions, kChecked>(f, first, channel);
}

/// What the next row of dy will need beside a position.
template <int64_t kCount>
[[gnu::always_inline]] inline void prefetch(const ProductRow& p, int64_t position, int64_t channel) {
    const int64_t channels = p.channels;
    for (int row = 0; row < p.next_rows; ++row) {
        const float* const at = p.next + (row * p.width + position * p.step) * channels + channel;
        for (int64_t i = 0; i < p.step; ++i)
            for (int64_t v = 0; v < kCount; v += 16) __builtin_prefetch(at + i * channels + v);
    }
    for (int64_t v = 0; v < kCount; v += 16)
        __builtin_prefetch(p.dy + (position + p.positions) * channels + channel + v);
}

/// Columns [begin, begin + kColumns) at positions [inside.first, inside.last), by vectors of channels.
template <class V, int kVectors, int kColumns>
[[gnu::always_inline]] inline void products(const ProductRow& p, int64_t begin, const Inside& inside, int64_t channel) {
    const int64_t channels = p.channels, step = p.step * channels;
    const TapColumn* const taps = p.columns->data() + begin;
    V sum[kColumns][kVectors] = {};
    const float* x[kColumns];
    for (int t = 0; t < kColumns; ++t) x[t] = p.x + taps[t].offset + inside.first * step + channel;
    const float* dy = p.dy + inside.first * channels + channel;
    for (int64_t q = inside.first; q < inside.last; ++q, dy += channels) {
        if (begin == 0 && p.next_rows > 0) prefetch<kVectors * kLanes<V>>(p, q, channel);
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
            V gradient;
            load(dy + v * kLanes<V>, gradient);
#pragma GCC unroll 4
            for (int t = 0; t < kColumns; ++t) add_product(x[t] + v * kLanes<V>, gradient, sum[t][v]);
        }
#pragma GCC unroll 4
        for (int t = 0; t < kColumns; ++t) x[t] += step;
    }
    for (int t = 0; t < kColumns; ++t) {
        for (int v = 0; v < kVectors; ++v) {
            float* const dw = p.dw + taps[t].weight + channel + v * kLanes<V>;
            V before;
            load(dw, before);
            store(before + sum[t][v], dw);
        }
    }
}

template <int kColumns>
[[gnu::always_inline]] inline void product_channels(const ProductRow& p, int64_t begin, const Inside& inside) {
    if (inside.empty()) return;
    int64_t channel = 0;
    for (; channel + 32 <= p.channels; channel += 32) products<Floats16, 2, kColumns>(p, begin, inside, channel);
    for (; channel + 16 <= p.channels; channel += 16) products<Floats16, 1, kColumns>(p, begin, inside, channel);
    for (; channel + 4 <= p.channels; channel += 4) products<Floats4, 1, kColumns>(p, begin, inside, channel);
    for (; channel < p.channels; ++channel) products<float, 1, kColumns>(p, begin, inside, channel);
}

/// Columns side by side where all lie in x, and each by itself where not all do.
template <int kColumns>
[[gnu::always_inline]] inline void product_columns(const ProductRow& p, int64_t begin) {
    const TapColumn* const columns = p.columns->data() + begin;
    const Inside all = common(columns, kColumns, p.step, p.width, p.positions);
    product_channels<kColumns>(p, begin, all);
    if (kColumns == 1) return;
    for (int64_t t = 0; t < kColumns; ++t) {
        const Inside own = inside_of(columns[t], p.step, p.width, p.positions);
        if (all.empty()) {
            product_channels<1>(p, begin + t, own);
        } else {
            product_channels<1>(p, begin + t, {own.first, all.first});
            product_channels<1>(p, begin + t, {all.last, own.last});
        }
    }
}

}  // namespace

ADAQ_VECTORISE void filter_row(const FilterRow& row) {
    constexpr int kPositions = 4;
    const Inside inside =
        common(row.columns->data(), static_cast<int64_t>(row.columns->size()), row.step, row.width, row.positions);
    int64_t position = 0;
    for (; position < inside.first; ++position) filter_channels<1, true>(row, position);
    for (; position + kPositions <= inside.last; position += kPositions)
        filter_channels<kPositions, false>(row, position);
    for (; position < inside.last; ++position) filter_channels<1, false>(row, position);
    for (; position < row.positions; ++position) filter_channels<1, true>(row, position);
}

ADAQ_VECTORISE void add_products(const ProductRow& row) {
    const auto count = static_cast<int64_t>(row.columns->size());
    int64_t begin = 0;
    for (; begin + 3 <= count; begin += 3) product_columns<3>(row, begin);
    for (; begin < count; ++begin) product_columns<1>(row, begin);
}

ADAQ_VECTORISE void add_to(const float* x, int64_t n, double* sum) {
    for (int64_t i = 0; i < n; ++i) sum[i] += static_cast<double>(x[i]);
}

}  // namespace adaq::cpu
