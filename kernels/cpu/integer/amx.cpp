// AMX: TDPBUSD multiplies a tile of 16 positions by a tile of 16 channels, 64 elements deep, sums in 32 bits. Epilogues
// are AVX-512's.
#include "kernels/cpu/integer/instruction_files.h"

#if defined(__x86_64__)
#include "kernels/cpu/integer/amx_tile.h"
#include "kernels/cpu/integer/lanes_avx512.h"

namespace adaq::cpu::integer {
namespace {

/// Tile registers: sums 0 ... 3 as [segment][vector], x 4 and 5, weights 6 and 7.
struct Tiles {
    struct alignas(64) Configuration {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    };

    void configure(int columns, int chunk) {
        Configuration c = {};
        c.palette = 1;
        for (int i = 0; i < 8; ++i) {
            const bool x = i == 4 || i == 5;
            c.rows[i] = static_cast<uint8_t>(i < 6 ? columns : chunk);
            c.row_bytes[i] = static_cast<uint16_t>(x ? 4 * chunk : kTileRowBytes);
        }
        _tile_loadconfig(&c);
    }
    void release() { _tile_release(); }

    template <int segment, int vector>
    void load_sums(const unsigned char* from, int64_t pitch) {
        if constexpr (segment == 0 && vector == 0) _tile_loadd(0, from, pitch);
        if constexpr (segment == 0 && vector == 1) _tile_loadd(1, from, pitch);
        if constexpr (segment == 1 && vector == 0) _tile_loadd(2, from, pitch);
        if constexpr (segment == 1 && vector == 1) _tile_loadd(3, from, pitch);
    }
    template <int segment, int vector>
    void store_sums(unsigned char* to, int64_t pitch) {
        if constexpr (segment == 0 && vector == 0) _tile_stored(0, to, pitch);
        if constexpr (segment == 0 && vector == 1) _tile_stored(1, to, pitch);
        if constexpr (segment == 1 && vector == 0) _tile_stored(2, to, pitch);
        if constexpr (segment == 1 && vector == 1) _tile_stored(3, to, pitch);
    }
    template <int segment>
    void load_x(const unsigned char* from, int64_t pitch) {
        if constexpr (segment == 0) _tile_loadd(4, from, pitch);
        if constexpr (segment == 1) _tile_loadd(5, from, pitch);
    }
    template <int vector>
    void load_weights(const unsigned char* from, int64_t pitch) {
        if constexpr (vector == 0) _tile_loadd(6, from, pitch);
        if constexpr (vector == 1) _tile_loadd(7, from, pitch);
    }
    template <int segment, int vector>
    void multiply_add() {
        if constexpr (segment == 0 && vector == 0) _tile_dpbusd(0, 4, 6);
        if constexpr (segment == 0 && vector == 1) _tile_dpbusd(1, 4, 7);
        if constexpr (segment == 1 && vector == 0) _tile_dpbusd(2, 5, 6);
        if constexpr (segment == 1 && vector == 1) _tile_dpbusd(3, 5, 7);
    }
};

}  // namespace

const Instructions& amx_instructions() {
    static constexpr Instructions kAll =
        instructions<Floats512, Singles512, Reals512>("AMX", matrix_kernels<Tiles, Floats512>());
    return kAll;
}

}  // namespace adaq::cpu::integer
#endif
