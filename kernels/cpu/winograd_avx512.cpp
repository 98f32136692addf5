// Winograd's products with AVX-512: of 32 registers a tile of six rows and four vectors takes 24 for its sums.
#include "kernels/cpu/winograd_panels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include "kernels/cpu/winograd_tile.h"

namespace adaq::cpu::winograd {
namespace {

struct Lanes512 : Vectors<16> {
    static constexpr int kRows = 6, kVectors = 4;
    static Floats multiply_add(Floats sum, Floats a, Floats b) { return _mm512_fmadd_ps(a, b, sum); }
};

}  // namespace

void multiply_panel_avx512(const PanelProduct& product) { multiply_panel<Lanes512>(product); }

}  // namespace adaq::cpu::winograd
#endif
