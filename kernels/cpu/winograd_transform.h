// The transforms of Winograd's minimal filtering F(4x4, 3x3) (A. Lavin and S. Gray, arXiv 1509.09308): 16 outputs of a
// 3x3 convolution from 36 products a channel instead of 144.
//     Y = A^T [ (G g G^T) . (B^T d B) ] A          d: 6x6 inputs, g: 3x3 weights, Y: 4x4 outputs, . : by element
// Interpolation points 0, +-sqrt(1/2), +-sqrt(2), infinity: beside the usual 0, +-1, +-2 they lose half as much (error
// of an output, in units of the outputs' deviation: 5e-7; a direct sum's is 1e-7).
#pragma once

#include <cstdint>

#include "engine/activation.h"

namespace adaq::cpu::winograd {

inline constexpr int kOutputs = 4, kInputs = 6, kPoints = kInputs * kInputs;
inline constexpr int kLanes = 16;  // channels that a transform takes at a time

/// u[36][C][K], packed for products (winograd_panels.h), from w[K][3][3][C] times scale[K] (null: 1), rounded once.
/// u_point: floats from a point to the next.
void transform_weights(const float* w, const float* scale, int64_t k, int64_t c, float* u, int64_t u_point);

/// v[36] -> [C], v_point floats from one to the next, from the 6x6 inputs d[6][6] -> [C] (positions in the padding
/// point to zeros).
void transform_input(const float* const (&d)[kInputs][kInputs], int64_t c, float* v, int64_t v_point);

/// What happens to the outputs before they are written: y = activation(sum + shift + residual_scale * residual).
struct Output {
    const float* shift;  // [K], null: 0
    float residual_scale;
    Activation activation;
};

/// The part of a tile's 4x4 outputs that lies on the map: y[row * row_stride + column * K + k], and so the residual
/// (null: none), which may lie where y lies.
struct OutputTile {
    float* y;
    const float* residual;
    int64_t row_stride;
    int rows, columns;
};

/// From m[36] -> [K], m_point floats from one to the next.
void transform_output(const float* m, int64_t m_point, int64_t k, const Output& output, const OutputTile& target);

// The way back to the weights is the transpose of all that (linear in g): dg = G^T [ sum of tiles of (B^T d B) .
// (A dY A^T) ] G.

/// u[36] -> [K], u_point floats from one to the next: A dY A^T of the gradients dy[4][4] -> [K] (those beyond the map
/// point to zeros).
void transform_gradient(const float* const (&dy)[kOutputs][kOutputs], int64_t k, float* u, int64_t u_point);

/// dw[K][3][3][C] = G^T m G, m[36][K][C] summed over all tiles.
void transform_to_weights(const float* m, int64_t k, int64_t c, float* dw);

}  // namespace adaq::cpu::winograd
