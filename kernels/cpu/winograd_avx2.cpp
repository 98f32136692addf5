// Winograd's products with AVX2 and fused multiply-adds: of 16 registers a tile of six rows and two vectors takes
// twelve for its sums.
#include "kernels/cpu/winograd_panels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/cpu/winograd_tile.h"

namespace adaq::cpu::winograd {
namespace {

struct Lanes256 {
    static constexpr int kLanes = 8, kRows = 6, kVectors = 2;
    using Floats = __m256;

    static Floats load(const float* p) { return _mm256_loadu_ps(p); }
    static void store(float* p, Floats v) { _mm256_storeu_ps(p, v); }
    static Floats all(float v) { return _mm256_set1_ps(v); }
    static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }
    static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
    static Floats multiply_add(Floats sum, Floats a, Floats b) { return _mm256_fmadd_ps(a, b, sum); }
};

}  // namespace

void multiply_panel_avx2(const PanelProduct& product) { multiply_panel<Lanes256>(product); }

}  // namespace adaq::cpu::winograd
#endif
