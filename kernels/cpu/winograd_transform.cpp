#include "kernels/cpu/winograd_transform.h"

#include "kernels/cpu/vectorise.h"
#include "kernels/cpu/winograd_panels.h"

namespace adaq::cpu::winograd {
namespace {

// The points +-a and +-b.
constexpr double kA = 0.70710678118654752440, kB = 1.41421356237309504880;

constexpr double kNa = 2 * kA * kA * (kA * kA - kB * kB), kNb = 2 * kB * kB * (kB * kB - kA * kA);
constexpr double kG[kInputs][3] = {{1, 0, 0},
                                   {1 / kNa, kA / kNa, kA* kA / kNa},
                                   {1 / kNa, -kA / kNa, kA* kA / kNa},
                                   {1 / kNb, kB / kNb, kB* kB / kNb},
                                   {1 / kNb, -kB / kNb, kB* kB / kNb},
                                   {0, 0, 1}};

/// Loops over kLanes channels become vector instructions, of whichever set the caller is compiled for.
using Vector = float[kLanes];

/// o = B^T d of six vectors.
[[gnu::always_inline]] inline void inputs(const Vector (&d)[kInputs], Vector (&o)[kInputs]) {
    constexpr auto a = static_cast<float>(kA), b = static_cast<float>(kB);
    constexpr float a2 = 0.5f, b2 = 2.0f;  // a2 * b2 = 1
    for (int i = 0; i < kLanes; ++i) {
        const float even_a = d[4][i] - b2 * d[2][i], odd_a = a * (d[3][i] - b2 * d[1][i]);
        const float even_b = d[4][i] - a2 * d[2][i], odd_b = b * (d[3][i] - a2 * d[1][i]);
        o[0][i] = d[0][i] - (a2 + b2) * d[2][i] + d[4][i];
        o[1][i] = even_a + odd_a;
        o[2][i] = even_a - odd_a;
        o[3][i] = even_b + odd_b;
        o[4][i] = even_b - odd_b;
        o[5][i] = d[1][i] - (a2 + b2) * d[3][i] + d[5][i];
    }
}

/// o = A y of four vectors.
[[gnu::always_inline]] inline void gradients(const Vector (&y)[kOutputs], Vector (&o)[kInputs]) {
    constexpr auto a = static_cast<float>(kA), b = static_cast<float>(kB);
    constexpr float a2 = 0.5f, b2 = 2.0f;
    for (int i = 0; i < kLanes; ++i) {
        const float even_a = y[0][i] + a2 * y[2][i], odd_a = a * (y[1][i] + a2 * y[3][i]);
        const float even_b = y[0][i] + b2 * y[2][i], odd_b = b * (y[1][i] + b2 * y[3][i]);
        o[0][i] = y[0][i];
        o[1][i] = even_a + odd_a;
        o[2][i] = even_a - odd_a;
        o[3][i] = even_b + odd_b;
        o[4][i] = even_b - odd_b;
        o[5][i] = y[3][i];
    }
}

/// o = A^T m of six vectors.
[[gnu::always_inline]] inline void outputs(const Vector (&m)[kInputs], Vector (&o)[kOutputs]) {
    constexpr auto a = static_cast<float>(kA), b = static_cast<float>(kB);
    constexpr float a2 = 0.5f, b2 = 2.0f;
    for (int i = 0; i < kLanes; ++i) {
        const float sum_a = m[1][i] + m[2][i], difference_a = a * (m[1][i] - m[2][i]);
        const float sum_b = m[3][i] + m[4][i], difference_b = b * (m[3][i] - m[4][i]);
        o[0][i] = m[0][i] + sum_a + sum_b;
        o[1][i] = difference_a + difference_b;
        o[2][i] = a2 * sum_a + b2 * sum_b;
        o[3][i] = a2 * difference_a + b2 * difference_b + m[5][i];
    }
}

/// to[36] -> [channels], from a square of positions: Along its columns, then along the rows of that.
template <int kEdge, void (*Along)(const Vector (&)[kEdge], Vector (&)[kInputs])>
[[gnu::always_inline]] inline void transform_square(const float* const (&square)[kEdge][kEdge], int64_t channels,
                                                    float* to, int64_t to_point) {
    for (int64_t first = 0; first < channels; first += kLanes) {
        Vector columns[kEdge][kInputs], line[kEdge], row[kInputs];  // columns: [q][p]
        for (int q = 0; q < kEdge; ++q) {
            for (int p = 0; p < kEdge; ++p) {
                for (int i = 0; i < kLanes; ++i) line[p][i] = square[p][q][first + i];
            }
            Along(line, columns[q]);
        }
        for (int p = 0; p < kInputs; ++p) {
            for (int q = 0; q < kEdge; ++q) {
                for (int i = 0; i < kLanes; ++i) line[q][i] = columns[q][p][i];
            }
            Along(line, row);
            for (int q = 0; q < kInputs; ++q) {
                float* at = to + (p * kInputs + q) * to_point + first;
                for (int i = 0; i < kLanes; ++i) at[i] = row[q][i];
            }
        }
    }
}

ADAQ_VECTORISE void transform_weights_block(const float* w, const float* scale, int64_t k, int64_t c, int64_t k0,
                                            int64_t c0, float* u, int64_t u_point) {
    float block[kPoints][kLanes][kLanes];  // [point][k][c]
    for (int64_t ki = 0; ki < kLanes; ++ki) {
        double half[kInputs][3][kLanes];  // G g
        for (int p = 0; p < kInputs; ++p) {
            for (int s = 0; s < 3; ++s) {
                const float* from = w + ((k0 + ki) * 9 + s) * c + c0;
                for (int i = 0; i < kLanes; ++i) {
                    double sum = kG[p][0] * from[i];
                    sum += kG[p][1] * from[3 * c + i];
                    half[p][s][i] = sum + kG[p][2] * from[6 * c + i];
                }
            }
        }
        const double factor = scale ? scale[k0 + ki] : 1.0;
        for (int p = 0; p < kInputs; ++p) {
            for (int q = 0; q < kInputs; ++q) {
                for (int i = 0; i < kLanes; ++i) {
                    double sum = half[p][0][i] * kG[q][0];
                    sum += half[p][1][i] * kG[q][1];
                    sum += half[p][2][i] * kG[q][2];
                    block[p * kInputs + q][ki][i] = static_cast<float>(sum * factor);
                }
            }
        }
    }
    for (int point = 0; point < kPoints; ++point) {
        for (int64_t ci = 0; ci < kLanes; ++ci) {
            float* to = u + point * u_point + at_packed(c0 + ci, k0, c, k);
            for (int64_t ki = 0; ki < kLanes; ++ki) to[ki] = block[point][ki][ci];
        }
    }
}

/// One output channel's dw[3][3][C].
ADAQ_VECTORISE void transform_to_weights_of(const float* m, int64_t k, int64_t c, int64_t ki, float* dw) {
    constexpr auto g = [](int p, int r) { return static_cast<float>(kG[p][r]); };
    for (int64_t first = 0; first < c; first += kLanes) {
        Vector half[3][kInputs] = {};  // G^T m
        for (int p = 0; p < kInputs; ++p) {
            for (int q = 0; q < kInputs; ++q) {
                const float* from = m + ((p * kInputs + q) * k + ki) * c + first;
                for (int r = 0; r < 3; ++r)
                    for (int i = 0; i < kLanes; ++i) half[r][q][i] += g(p, r) * from[i];
            }
        }
        for (int r = 0; r < 3; ++r) {
            for (int s = 0; s < 3; ++s) {
                float* to = dw + ((ki * 3 + r) * 3 + s) * c + first;
                for (int i = 0; i < kLanes; ++i) {
                    float sum = g(0, s) * half[r][0][i];
                    for (int q = 1; q < kInputs; ++q) sum += g(q, s) * half[r][q][i];
                    to[i] = sum;
                }
            }
        }
    }
}

}  // namespace

void transform_weights(const float* w, const float* scale, int64_t k, int64_t c, float* u, int64_t u_point) {
#pragma omp parallel for schedule(static) collapse(2)
    for (int64_t c0 = 0; c0 < c; c0 += kLanes)
        for (int64_t k0 = 0; k0 < k; k0 += kLanes) transform_weights_block(w, scale, k, c, k0, c0, u, u_point);
}

void transform_to_weights(const float* m, int64_t k, int64_t c, float* dw) {
#pragma omp parallel for schedule(static)
    for (int64_t ki = 0; ki < k; ++ki) transform_to_weights_of(m, k, c, ki, dw);
}

ADAQ_VECTORISE void transform_input(const float* const (&d)[kInputs][kInputs], int64_t c, float* v, int64_t v_point) {
    transform_square<kInputs, inputs>(d, c, v, v_point);
}

ADAQ_VECTORISE void transform_gradient(const float* const (&dy)[kOutputs][kOutputs], int64_t k, float* u,
                                       int64_t u_point) {
    transform_square<kOutputs, gradients>(dy, k, u, u_point);
}

ADAQ_VECTORISE void transform_output(const float* m, int64_t m_point, int64_t k, const Output& output,
                                     const OutputTile& target) {
    const float floor = output.activation.lowest(), ceiling = output.activation.highest();
    for (int64_t first = 0; first < k; first += kLanes) {
        Vector columns[kInputs][kOutputs], column[kInputs], row[kOutputs], shift = {};
        if (output.shift) {
            for (int i = 0; i < kLanes; ++i) shift[i] = output.shift[first + i];
        }
        for (int q = 0; q < kInputs; ++q) {
            for (int p = 0; p < kInputs; ++p) {
                const float* from = m + (p * kInputs + q) * m_point + first;
                for (int i = 0; i < kLanes; ++i) column[p][i] = from[i];
            }
            outputs(column, columns[q]);
        }
        for (int p = 0; p < target.rows; ++p) {
            for (int q = 0; q < kInputs; ++q) {
                for (int i = 0; i < kLanes; ++i) column[q][i] = columns[q][p][i];
            }
            outputs(column, row);
            for (int q = 0; q < target.columns; ++q) {
                const int64_t at = p * target.row_stride + q * k + first;
                for (int i = 0; i < kLanes; ++i) row[q][i] += shift[i];
                if (target.residual) {
                    for (int i = 0; i < kLanes; ++i) row[q][i] += output.residual_scale * target.residual[at + i];
                }
                for (int i = 0; i < kLanes; ++i) row[q][i] = row[q][i] < floor ? floor : row[q][i];
                for (int i = 0; i < kLanes; ++i) target.y[at + i] = row[q][i] > ceiling ? ceiling : row[q][i];
            }
        }
    }
}

}  // namespace adaq::cpu::winograd
