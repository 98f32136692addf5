// Winograd's products with AVX-512: of 32 registers a tile of six rows and four vectors takes 24 for its sums.
#include "kernels/cpu/winograd_panels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/cpu/winograd_tile.h"

namespace adaq::cpu::winograd {
namespace {

struct Lanes512 {
    static constexpr int kLanes = 16, kRows = 6, kVectors = 4;
    using Floats = __m512;

    static Floats load(const float* p) { return _mm512_loadu_ps(p); }
    static void store(float* p, Floats v) { _mm512_storeu_ps(p, v); }
    static Floats all(float v) { return _mm512_set1_ps(v); }
    static Floats add(Floats a, Floats b) { return _mm512_add_ps(a, b); }
    static Floats multiply(Floats a, Floats b) { return _mm512_mul_ps(a, b); }
    static Floats multiply_add(Floats sum, Floats a, Floats b) { return _mm512_fmadd_ps(a, b, sum); }
};

}  // namespace

void multiply_panel_avx512(const PanelProduct& product) { multiply_panel<Lanes512>(product); }

}  // namespace adaq::cpu::winograd
#endif
