// How tensor cores add up products, by the emulator's settings:
//   rounded  one product after the other, each sum rounded to nearest: the arithmetic of ordinary instructions, in
//   which
//            two orders of the same products differ least
//   hopper   all products of an instruction and the sum so far at once: each is cut off 25 binary places below the
//            largest exponent among them, the rest is added without error, and the result cut off to a float
//   ampere   the same with 24 places, first for the lower half of k and then for the upper one
// Cutting off is towards zero; a product's exponent is the sum of its factors', of which subnormals and zero have -126.
// Found by experiment (Fasi et al., Numerical behavior of NVIDIA tensor cores, PeerJ Computer Science 7:e330, 2021) and
// confirmed bit by bit on cards (Xie et al., MMA-Sim, arXiv 2511.10909; Khattak and Mikaitis, arXiv 2512.07004).
// Nothing of it is promised by NVIDIA.
#pragma once

#include "kernels/emulator/settings.h"

namespace adaq::emulator {

/// A warp's share of a product.
inline constexpr int kSumRows = 16, kSumColumns = 8;
using SumTile = float[kSumRows][kSumColumns];

/// sums += a * b, for Depth 8 (tf32) and 16 (bf16). What is not finite gives what IEEE 754 says.
template <int Depth>
void add_products(ProductSums how, const float (&a)[kSumRows][Depth], const float (&b)[Depth][kSumColumns],
                  SumTile& sums);

}  // namespace adaq::emulator
