// Matrix instructions: the whole warp's fragments are put together, multiplied once, and handed out again. Layouts of
// fragments are those of the PTX ISA (mma.m16n8k16 for bf16, mma.m16n8k8 for tf32, ldmatrix).
#include "kernels/emulator/cuda.h"
// platform.h's contract is not needed here, only the words that ptx.h itself uses.
#include <bit>
#include <cstring>

#include "kernels/emulator/access.h"
#include "kernels/emulator/misuse.h"
#include "kernels/emulator/ptx.h"
#include "kernels/emulator/tensor_cores.h"

namespace adaq::emulator {
namespace {

struct Matrices {
    const void* row;
    uint32_t fragment[4];
};

/// What a lane brings to a product, and takes from it.
struct Product {
    float d[4];
    uint32_t a[4], b[2];
};

constexpr int kLanes = 32, kRows = kSumRows, kColumns = kSumColumns;

float low_half(uint32_t word) { return std::bit_cast<float>(word << 16); }
float high_half(uint32_t word) { return std::bit_cast<float>(word & 0xFFFF0000u); }
float tf32(uint32_t word) { return std::bit_cast<float>(word & ~0x1FFFu); }

/// d += a * b.
template <int Depth>
void multiply(std::span<void* const> brought, const float (&a)[kRows][Depth], const float (&b)[Depth][kColumns]) {
    SumTile d;
    const auto each = [&](auto visit) {
        for (int lane = 0; lane < kLanes; ++lane) {
            auto& mine = *static_cast<Product*>(brought[lane]);
            const int row = lane / 4, column = lane % 4 * 2;
            visit(mine.d[0], d[row][column]);
            visit(mine.d[1], d[row][column + 1]);
            visit(mine.d[2], d[row + 8][column]);
            visit(mine.d[3], d[row + 8][column + 1]);
        }
    };
    each([](float& fragment, float& whole) { whole = fragment; });
    add_products(settings().sums, a, b, d);
    each([](float& fragment, float& whole) { fragment = whole; });
}

void resolve_bf16(std::span<void* const> brought) {
    float a[kRows][16], b[16][kColumns];
    for (int lane = 0; lane < kLanes; ++lane) {
        const auto& mine = *static_cast<const Product*>(brought[lane]);
        const int group = lane / 4, pair = lane % 4 * 2;
        for (int i = 0; i < 4; ++i) {  // rows g and g + 8 of the left half, then of the right one
            float* at = &a[group + i % 2 * 8][pair + i / 2 * 8];
            at[0] = low_half(mine.a[i]), at[1] = high_half(mine.a[i]);
        }
        for (int i = 0; i < 2; ++i) {
            b[pair + i * 8][group] = low_half(mine.b[i]), b[pair + i * 8 + 1][group] = high_half(mine.b[i]);
        }
    }
    multiply<16>(brought, a, b);
}

void resolve_tf32(std::span<void* const> brought) {
    float a[kRows][8], b[8][kColumns];
    for (int lane = 0; lane < kLanes; ++lane) {
        const auto& mine = *static_cast<const Product*>(brought[lane]);
        const int group = lane / 4, k = lane % 4;
        for (int i = 0; i < 4; ++i) a[group + i % 2 * 8][k + i / 2 * 4] = tf32(mine.a[i]);
        for (int i = 0; i < 2; ++i) b[k + i * 4][group] = tf32(mine.b[i]);
    }
    multiply<8>(brought, a, b);
}

/// `matrix`: 8 rows of 16 bytes, by lanes 8 i ...
const std::byte* row_of(std::span<void* const> brought, int matrix, int row) {
    return static_cast<const std::byte*>(
        static_cast<const Matrices*>(brought[static_cast<size_t>(matrix) * 8 + static_cast<size_t>(row)])->row);
}

void resolve_matrices(std::span<void* const> brought) {
    for (int lane = 0; lane < kLanes; ++lane) {
        auto& mine = *static_cast<Matrices*>(brought[lane]);
        for (int i = 0; i < 4; ++i) std::memcpy(&mine.fragment[i], row_of(brought, i, lane / 4) + lane % 4 * 4, 4);
    }
}

void resolve_transposed(std::span<void* const> brought) {
    for (int lane = 0; lane < kLanes; ++lane) {
        auto& mine = *static_cast<Matrices*>(brought[lane]);
        for (int i = 0; i < 4; ++i) {
            uint16_t pair[2];
            for (int j = 0; j < 2; ++j) std::memcpy(&pair[j], row_of(brought, i, lane % 4 * 2 + j) + lane / 4 * 2, 2);
            std::memcpy(&mine.fragment[i], pair, 4);
        }
    }
}

void meet_for_product(const char* name, void (*resolve)(std::span<void* const>), float (&d)[4], const uint32_t (&a)[4],
                      const uint32_t (&b)[2], std::source_location where) {
    Product mine{{d[0], d[1], d[2], d[3]}, {a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    meet({.name = name, .resolve = resolve, .data = &mine, .where = where});
    std::memcpy(d, mine.d, sizeof(d));
}

}  // namespace

void load_matrices(uint32_t (&fragment)[4], const void* row, bool transposed, std::source_location where) {
    if (reinterpret_cast<uintptr_t>(row) % 16 != 0) fail("ldmatrix: a row at an address that 16 does not divide");
    require_shared(row, "ldmatrix");
    check_access(row, 16, Access::read);
    Matrices mine{row, {}};
    meet({.name = transposed ? "ldmatrix_x4_transposed" : "ldmatrix_x4",
          .resolve = transposed ? resolve_transposed : resolve_matrices,
          .data = &mine,
          .where = where});
    std::memcpy(fragment, mine.fragment, sizeof(mine.fragment));
}

void multiply_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], std::source_location where) {
    meet_for_product("mma_bf16", resolve_bf16, d, a, b, where);
}

void multiply_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], std::source_location where) {
    meet_for_product("mma_tf32", resolve_tf32, d, a, b, where);
}

}  // namespace adaq::emulator
