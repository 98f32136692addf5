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
    for (int64_t b = 0; b < blocks; ++b) {
        const Random128 bits = random_block(stream, iteration, first + static_cast<uint64_t>(b));
        for (int word = 0; word < 4; ++word) words[word][b] = bits.word[word];
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
