// Winograd's products with AVX2 and fused multiply-adds: of 16 registers a tile of six rows and two vectors takes
// twelve for its sums.
#include "kernels/cpu/winograd_panels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/cpu/winograd_tile.h"

namespace adaq::cpu::winograd {
namespace {

struct Lanes256 : Vectors<8> {
    static constexpr int kRows = 6, kVectors = 2;
    static Floats multiply_add(Floats sum, Floats a, Floats b) { return _mm256_fmadd_ps(a, b, sum); }
};

}  // namespace

void multiply_panel_avx2(const PanelProduct& product) { multiply_panel<Lanes256>(product); }

}  // namespace adaq::cpu::winograd
#endif
