// Counter-based random numbers, the same on every device: a number is a function of (seed, unit, phase, iteration,
// site, index) alone, never of layout, thread count or what ran before (docs/arithmetic.md section 7).
//
// Philox4x32-10: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011. One call gives 128 bits.
#pragma once

#include <cstdint>

#include "engine/grid.h"

namespace adaq {

/// Which of all random streams. site tells apart the draws of one iteration (the batch, the input's mixing, each
/// activation site's dropping); phase < 16, site < 4096, unit < 65536.
struct Stream {
    uint64_t seed = 0;
    uint32_t unit = 0, phase = 0, site = 0;
};

struct Random128 {
    uint32_t word[4];
};

ADAQ_HOST_DEVICE inline Random128 philox(uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, uint64_t seed) {
    uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
        const uint64_t product0 = uint64_t{0xD2511F53u} * c0, product1 = uint64_t{0xCD9E8D57u} * c2;
        c0 = static_cast<uint32_t>(product1 >> 32) ^ c1 ^ key0;
        c2 = static_cast<uint32_t>(product0 >> 32) ^ c3 ^ key1;
        c1 = static_cast<uint32_t>(product1);
        c3 = static_cast<uint32_t>(product0);
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    return {{c0, c1, c2, c3}};
}

/// The 128 bits that belong to a block of indices of a stream in an iteration.
ADAQ_HOST_DEVICE inline Random128 random_block(const Stream& stream, uint32_t iteration, uint64_t block) {
    return philox(static_cast<uint32_t>(block), iteration, stream.unit << 16 | stream.site << 4 | stream.phase,
                  static_cast<uint32_t>(block >> 32), stream.seed);
}

/// Elements share a block eight at a time, 16 bits each: element i has half i % 8 of block i / 8, low halves first.
inline constexpr int kElementsOfBlock = 8;

ADAQ_HOST_DEVICE inline uint32_t element_bits(const Random128& block, int element_of_block) {
    return block.word[element_of_block / 2] >> (element_of_block % 2 * 16) & 0xFFFFu;
}

/// An element is kept where element_bits() < keep_threshold(): probability rounded to a multiple of 2^-16.
ADAQ_HOST_DEVICE inline uint32_t keep_threshold(float probability) {
    return static_cast<uint32_t>(probability * 65536.0f + 0.5f);
}

ADAQ_HOST_DEVICE inline bool kept(const Stream& stream, uint32_t iteration, uint64_t index, uint32_t threshold) {
    return element_bits(random_block(stream, iteration, index / kElementsOfBlock),
                        static_cast<int>(index % kElementsOfBlock)) < threshold;
}

/// Uniform in [0, bound), bound < 2^32: draw number `draw` of a stream in an iteration (word 0 of its block), by
/// multiplication and shift (bias below bound / 2^32).
ADAQ_HOST_DEVICE inline uint32_t random_below(const Stream& stream, uint32_t iteration, uint64_t draw, uint32_t bound) {
    return static_cast<uint32_t>(uint64_t{random_block(stream, iteration, draw).word[0]} * bound >> 32);
}

}  // namespace adaq
