// Matrix instructions: the whole warp's fragments are put together, multiplied once, and handed out again. Layouts of
// fragments are those of the PTX ISA (mma.m16n8k16 for bf16, mma.m16n8k8 for tf32, mma.m16n8k32 and m8n8k16 for codes,
// ldmatrix).
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

/// Of codes: unsigned, so that sums are modulo 2^32.
struct CodesProduct {
    uint32_t d[4];
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

uint32_t unsigned_byte(uint32_t word, int i) { return word >> (8 * i) & 0xFFu; }
uint32_t signed_byte(uint32_t word, int i) {
    return static_cast<uint32_t>(static_cast<int32_t>(static_cast<int8_t>(unsigned_byte(word, i))));
}

/// d += a * b for `Rows` rows and `Depth` values of k, of which a lane's word holds four: k = member * 4 ... of its
/// row's (or column's) first 16, then of the others. A's words: rows g, then g + 8, of the first 16 values of k; the
/// same of the others.
template <int Rows, int Depth>
void resolve_codes(std::span<void* const> brought) {
    constexpr int kHalves = Depth / 16, kBlocks = Rows / 8;
    uint32_t a[Rows][Depth], b[Depth][kColumns];
    const auto lane_of = [&](int lane) -> CodesProduct& {
        return *static_cast<CodesProduct*>(brought[static_cast<size_t>(lane)]);
    };
    for (int lane = 0; lane < kLanes; ++lane) {
        const CodesProduct& mine = lane_of(lane);
        const int group = lane / 4, k = lane % 4 * 4;
        for (int i = 0; i < 4; ++i) {
            for (int half = 0; half < kHalves; ++half) {
                for (int block = 0; block < kBlocks; ++block)
                    a[group + block * 8][half * 16 + k + i] = unsigned_byte(mine.a[half * kBlocks + block], i);
                b[half * 16 + k + i][group] = signed_byte(mine.b[half], i);
            }
        }
    }
    for (int lane = 0; lane < kLanes; ++lane) {
        CodesProduct& mine = lane_of(lane);
        for (int i = 0; i < 2 * kBlocks; ++i) {
            const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
            for (int k = 0; k < Depth; ++k) mine.d[i] += a[row][k] * b[k][column];
        }
    }
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

void multiply_codes(int32_t (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], std::source_location where) {
    CodesProduct mine{{}, {a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    std::memcpy(mine.d, d, sizeof(d));
    meet({.name = "mma_codes", .resolve = resolve_codes<16, 32>, .data = &mine, .where = where});
    std::memcpy(d, mine.d, sizeof(d));
}

void multiply_codes_8x8(int32_t& d0, int32_t& d1, uint32_t a, uint32_t b, std::source_location where) {
    CodesProduct mine{{static_cast<uint32_t>(d0), static_cast<uint32_t>(d1), 0, 0}, {a, 0, 0, 0}, {b, 0}};
    meet({.name = "mma_codes_8x8", .resolve = resolve_codes<8, 16>, .data = &mine, .where = where});
    d0 = static_cast<int32_t>(mine.d[0]);
    d1 = static_cast<int32_t>(mine.d[1]);
}

}  // namespace adaq::emulator
