// See winograd_products.h. Threads share out points, panels and chunks of rows; a panel's chunks follow each other, so
// that its weights are read from afar once.
#include "kernels/cpu/winograd_products.h"

#include <algorithm>

#include "kernels/cpu/winograd_tile.h"

namespace adaq::cpu::winograd {
namespace {

constexpr int64_t kChunk = 64;  // rows, at most: what they add up to stays in the first-level cache, too

/// Vectors as the compiler makes them of what every processor has.
struct BaselineLanes {
    static constexpr int kLanes = 4, kRows = 6, kVectors = 2;
    using Floats = float __attribute__((vector_size(16)));

    static Floats load(const float* p) {
        Floats v;
        __builtin_memcpy(&v, p, sizeof v);
        return v;
    }
    static void store(float* p, Floats v) { __builtin_memcpy(p, &v, sizeof v); }
    static Floats all(float v) { return Floats{v, v, v, v}; }
    static Floats add(Floats a, Floats b) { return a + b; }
    static Floats multiply(Floats a, Floats b) { return a * b; }
    static Floats multiply_add(Floats sum, Floats a, Floats b) { return sum + a * b; }
};

}  // namespace

void multiply_panel_baseline(const PanelProduct& product) { multiply_panel<BaselineLanes>(product); }

MultiplyPanel panel_kernel(integer::Level level) {
    switch (level) {
#if defined(__x86_64__)
        case integer::Level::amx:
        case integer::Level::avx512_vnni:
        case integer::Level::avx512:
            return multiply_panel_avx512;
        case integer::Level::avx_vnni:
        case integer::Level::avx2:
            return multiply_panel_avx2;
#endif
        default:
            return multiply_panel_baseline;
    }
}

void multiply(const Products& p, MultiplyPanel kernel) {
    const int64_t panels = (p.k + kPanel - 1) / kPanel, chunks = (p.rows + kChunk - 1) / kChunk;
#pragma omp parallel for schedule(static) collapse(3)
    for (int64_t point = 0; point < p.points; ++point) {
        for (int64_t panel = 0; panel < panels; ++panel) {
            for (int64_t chunk = 0; chunk < chunks; ++chunk) {
                const int64_t row = p.rows * chunk / chunks, rows = p.rows * (chunk + 1) / chunks - row;
                const int64_t first = panel * kPanel, width = std::min<int64_t>(kPanel, p.k - first);
                const float* const u = p.u + point * p.u_point + first * p.c;
                const float* next = u;
                if (chunk + 1 == chunks && panel + 1 < panels) next = u + width * p.c;
                if (chunk + 1 == chunks && panel + 1 == panels && point + 1 < p.points)
                    next = p.u + (point + 1) * p.u_point;
                kernel({p.v + point * p.v_point + row * p.c, p.c, u, p.m + point * p.m_point + row * p.k + first, p.k,
                        rows, p.c, terms_in_a_row(p.c), static_cast<int>(width), next});
            }
        }
    }
}

}  // namespace adaq::cpu::winograd
