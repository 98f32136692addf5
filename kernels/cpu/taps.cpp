#include "kernels/cpu/taps.h"

#include <algorithm>

#include "kernels/cpu/bf16_rows.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int64_t kFewestChannels = 64;  // below, a product is too small for a call

void copy_row(const TapsOperand& from, int64_t first, int64_t n, int64_t row, float* rows) {
    if (from.stored_half)
        std::copy_n(reinterpret_cast<const bf16*>(from.values) + first, n, reinterpret_cast<bf16*>(rows) + row * n);
    else if (from.half)
        round_row_to_bf16(from.values + first, n, reinterpret_cast<bf16*>(rows) + row * n);
    else
        std::copy_n(from.values + first, n, rows + row * n);
}

}  // namespace

TapRange::TapRange(int64_t positions, int64_t stride, int64_t offset, int64_t size) : first(0), last(positions) {
    while (first < last && first * stride + offset < 0) ++first;
    while (last > first && (last - 1) * stride + offset >= size) --last;
}

Taps::Taps(const Shape& x, const Shape& w, const Shape& y, int64_t stride, int64_t padding)
    : x_(x), y_(y), stride_(stride), padding_(padding) {
    for (int64_t r = 0; r < w[1]; ++r) {
        for (int64_t s = 0; s < w[2]; ++s) {
            const TapRange rows(y[1], stride, r - padding, x[1]), columns(y[2], stride, s - padding, x[2]);
            taps_.push_back({r, s, rows, columns, rows.count() * columns.count(), total_});
            total_ += rows_of(taps_.back());
        }
    }
}

bool Taps::gain(const Shape& w, const Shape& y, int64_t largest_map) {
    return y[1] * y[2] <= largest_map && std::min(w[0], w[3]) >= kFewestChannels;
}

int64_t Taps::most_rows() const {
    int64_t most = 0;
    for (const Tap& tap : taps_) most = std::max(most, rows_of(tap));
    return most;
}

void Taps::copy_x(const Tap& tap, const TapsOperand& x, float* rows) const {
    const int64_t columns = tap.columns.count();
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows_of(tap); ++row) {
        const int64_t n = row / tap.of_image, i = row % tap.of_image;
        const int64_t h = (tap.rows.first + i / columns) * stride_ + tap.r - padding_,
                      w = (tap.columns.first + i % columns) * stride_ + tap.s - padding_;
        copy_row(x, ((n * x_[1] + h) * x_[2] + w) * x_[3], x_[3], row, rows);
    }
}

void Taps::copy_y(const Tap& tap, const TapsOperand& y, float* rows) const {
    const int64_t columns = tap.columns.count();
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < rows_of(tap); ++row) {
        const int64_t n = row / tap.of_image, i = row % tap.of_image;
        const int64_t p = tap.rows.first + i / columns, q = tap.columns.first + i % columns;
        copy_row(y, ((n * y_[1] + p) * y_[2] + q) * y_[3], y_[3], row, rows);
    }
}

ADAQ_VECTORISE void add_row(const float* x, int64_t n, float* y) {
    for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

}  // namespace adaq::cpu
