// What the files of instruction sets offer for Winograd's products (winograd_products.h), each compiled with flags of
// its own: the product by one panel of weights, those of up to kPanel output channels.
#pragma once

#include <cstdint>

namespace adaq::cpu::winograd {

inline constexpr int kPanel = 64;     // output channels; the last panel may have fewer, a multiple of 16
inline constexpr int kChannels = 64;  // input channels whose weights of a panel stay in the first-level cache

/// m[rows][width] = v[rows][c] * u[c][width].
struct PanelProduct {
    const float* v;
    int64_t v_row;  // floats from a row to the next
    const float* u;
    float* m;
    int64_t m_row;
    int64_t rows, c;
    int64_t piece;  // channels that are summed in a row; kChannels is a multiple of it
    int width;
    const float* next;  // the panel that is multiplied next
};
using MultiplyPanel = void (*)(const PanelProduct&);

/// u[c][k] as it is packed: panels of kPanel output channels, [panel][c][width].
constexpr int64_t at_packed(int64_t ci, int64_t ki, int64_t c, int64_t k) {
    const int64_t first = ki / kPanel * kPanel, width = k - first < kPanel ? k - first : kPanel;
    return first * c + ci * width + ki - first;
}

void multiply_panel_baseline(const PanelProduct& product);
#if defined(__x86_64__)
void multiply_panel_avx2(const PanelProduct& product);
void multiply_panel_avx512(const PanelProduct& product);
#endif

}  // namespace adaq::cpu::winograd
