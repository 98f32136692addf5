#include "kernels/cpu/bf16_rows.h"

#include <algorithm>

#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int64_t kPart = 1 << 14;  // elements a thread takes at a time

ADAQ_VECTORISE void round_part(const float* x, int64_t n, bf16* y) {
    for (int64_t i = 0; i < n; ++i) y[i] = to_bf16(x[i]);
}

ADAQ_VECTORISE void round_part_in_place(int64_t n, float* x) {
    for (int64_t i = 0; i < n; ++i) x[i] = to_float(to_bf16(x[i]));
}

}  // namespace

void round_to_bf16(const float* x, int64_t count, void* y) {
    auto* target = static_cast<bf16*>(y);
#pragma omp parallel for schedule(static)
    for (int64_t first = 0; first < count; first += kPart)
        round_part(x + first, std::min(kPart, count - first), target + first);
}

void round_row_to_bf16(const float* x, int64_t count, bf16* y) { round_part(x, count, y); }

void round_in_place(int64_t count, float* x) {
#pragma omp parallel for schedule(static)
    for (int64_t first = 0; first < count; first += kPart)
        round_part_in_place(std::min(kPart, count - first), x + first);
}

void rounded_row(const float* x, bool stored_half, int64_t first, int64_t count, float* y) {
    if (stored_half) return widen_row(reinterpret_cast<const bf16*>(x) + first, count, y);
    std::copy_n(x + first, count, y);
    round_part_in_place(count, y);
}

void rounded_values(const float* x, bool stored_half, int64_t count, float* y) {
#pragma omp parallel for schedule(static)
    for (int64_t first = 0; first < count; first += kPart)
        rounded_row(x, stored_half, first, std::min(kPart, count - first), y + first);
}

ADAQ_VECTORISE void widen_row(const bf16* x, int64_t count, float* y) {
    for (int64_t i = 0; i < count; ++i) y[i] = to_float(x[i]);
}

}  // namespace adaq::cpu
