// Philox for many blocks at a time: 20 multiplications for 8 elements, vectorised over blocks.
#include "kernels/cpu/training/masks.h"

#include "kernels/cpu/training/pieces.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu {
namespace {

constexpr int64_t kBlocks = kPiece / kElementsOfBlock;

ADAQ_VECTORISE void fill_blocks(const Stream& stream, uint32_t iteration, uint32_t threshold, uint64_t first,
                                int64_t blocks, float* kept) {
    uint32_t words[4][kBlocks];
    const uint32_t site = stream.unit << 16 | stream.site << 4 | stream.phase;
    const auto low = static_cast<uint32_t>(stream.seed), high = static_cast<uint32_t>(stream.seed >> 32);
    for (int64_t b = 0; b < blocks; ++b) {
        uint32_t c0 = static_cast<uint32_t>(first + static_cast<uint64_t>(b)), c1 = iteration, c2 = site,
                 c3 = static_cast<uint32_t>((first + static_cast<uint64_t>(b)) >> 32), key0 = low, key1 = high;
#pragma GCC unroll 10
        for (int round = 0; round < 10; ++round) {
            const uint64_t product0 = uint64_t{0xD2511F53u} * c0, product1 = uint64_t{0xCD9E8D57u} * c2;
            c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ key0;
            c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ key1;
            c1 = static_cast<uint32_t>(product1);
            c3 = static_cast<uint32_t>(product0);
            key0 += 0x9E3779B9u;
            key1 += 0xBB67AE85u;
        }
        words[0][b] = c0;
        words[1][b] = c1;
        words[2][b] = c2;
        words[3][b] = c3;
    }
    for (int64_t b = 0; b < blocks; ++b) {
        for (int i = 0; i < kElementsOfBlock; ++i)
            kept[b * kElementsOfBlock + i] = (words[i / 2][b] >> (i % 2 * 16) & 0xFFFFu) < threshold ? 1.0f : 0.0f;
    }
}

}  // namespace

void Mask::fill(int64_t first, int64_t count, float* kept) const {
    const int64_t blocks = (count + kElementsOfBlock - 1) / kElementsOfBlock;
    fill_blocks(stream, iteration, threshold, static_cast<uint64_t>(first / kElementsOfBlock), blocks, kept);
}

ADAQ_VECTORISE void choose(const float* kept, const float* a, const float* b, int64_t n, float* y) {
// Both are read whatever the mask says: a branch would be mispredicted half the time.
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) {
        const float where_kept = a[i], elsewhere = b[i];
        y[i] = kept[i] > 0.0f ? where_kept : elsewhere;
    }
}

}  // namespace adaq::cpu
