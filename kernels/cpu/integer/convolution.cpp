// See convolution.h.
#include "kernels/cpu/integer/convolution.h"

#include <cmath>

#include "engine/error.h"

namespace adaq::cpu::integer {
namespace {

/// Every output by plain loops: sum_at(x, w, sum) adds a product to a Sum. Taps in the order r, s, c; those beyond the
/// edges are left out.
template <typename Sum, typename X, typename W, typename Add>
void convolve_plainly(const Geometry& g, const X* x, int64_t images, const W* w, const Epilogue& epilogue,
                      const Result& y, int threads, const Add& add) {
    const int64_t p_count = g.p(), q_count = g.q(), c_count = g.group_c(), group_k = g.k / g.groups;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t position = 0; position < images * p_count * q_count; ++position) {
        const int64_t q = position % q_count, p = position / q_count % p_count, n = position / (q_count * p_count);
        for (int64_t k = 0; k < g.k; ++k) {
            Sum sum = 0;
            for (int64_t r = 0; r < g.r; ++r) {
                const int64_t row = p * g.stride_h - g.top + r * g.dilation_h;
                if (row < 0 || row >= g.h) continue;
                for (int64_t s = 0; s < g.s; ++s) {
                    const int64_t column = q * g.stride_w - g.left + s * g.dilation_w;
                    if (column < 0 || column >= g.w) continue;
                    const X* const from = x + ((n * g.h + row) * g.w + column) * g.c + k / group_k * c_count;
                    const W* const by = w + ((k * g.r + r) * g.s + s) * c_count;
                    for (int64_t c = 0; c < c_count; ++c) sum = add(from[c], by[c], k, sum);
                }
            }
            finish_plainly(static_cast<float>(sum) + 0.0f, epilogue, k, y, position * g.k + k);
        }
    }
}

}  // namespace

Convolution::Convolution(const Settings& s, const Instructions& instructions)
    : geometry_(s.geometry), x_zero_(s.x_zero) {
    check(s.geometry);
    require(static_cast<int64_t>(s.w.size()) == s.geometry.weights(), "convolution: {} weights, expected {}",
            s.w.size(), s.geometry.weights());
    require(s.w_zero.empty() || static_cast<int64_t>(s.w_zero.size()) == s.geometry.k,
            "convolution: {} zero points of weights, expected {}", s.w_zero.size(), s.geometry.k);
    require(s.x_zero >= 0 && s.x_zero <= 255, "convolution: the zero point {} is no code", s.x_zero);
    if (s.geometry.groups == 1 && !s.wide) {
        blocked_.emplace(s.geometry, instructions.integers, s.w.data(), s.w_zero, s.x_zero);
    } else {
        w_.assign(s.w.begin(), s.w.end());
        w_zero_ = s.w_zero;
        w_zero_.resize(static_cast<size_t>(s.geometry.k));
    }
}

size_t Convolution::workspace_bytes(int64_t images, int threads) const {
    return blocked_ ? blocked_->workspace_bytes(images, threads) : 0;
}

void Convolution::run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y,
                      unsigned char* workspace, int threads) const {
    if (blocked_) {
        blocked_->run(x, images, epilogue, y, workspace, threads);
    } else {
        run_plainly(x, images, epilogue, y, threads);
    }
}

void Convolution::run_plainly(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y,
                              int threads) const {
    const int x_zero = x_zero_;
    const int32_t* const w_zero = w_zero_.data();
    convolve_plainly<int64_t>(
        geometry_, x, images, w_.data(), epilogue, y, threads,
        [=](uint8_t code, int8_t w, int64_t k, int64_t sum) { return sum + int64_t{code - x_zero} * (w - w_zero[k]); });
}

FloatConvolution::FloatConvolution(const Geometry& geometry, std::span<const float> w, FloatSum sum,
                                   const Instructions& instructions)
    : geometry_(geometry), sum_(sum) {
    check(geometry);
    require(static_cast<int64_t>(w.size()) == geometry.weights(), "convolution: {} weights, expected {}", w.size(),
            geometry.weights());
    if (geometry.groups == 1) {
        blocked_.emplace(geometry, sum == FloatSum::in_order ? instructions.singles : instructions.reals, w.data());
    } else {
        w_.assign(w.begin(), w.end());
    }
}

size_t FloatConvolution::workspace_bytes(int64_t images, int threads) const {
    return blocked_ ? blocked_->workspace_bytes(images, threads) : 0;
}

void FloatConvolution::run(const float* x, int64_t images, const Epilogue& epilogue, const Result& y,
                           unsigned char* workspace, int threads) const {
    if (blocked_) {
        blocked_->run(x, images, epilogue, y, workspace, threads);
    } else {
        run_plainly(x, images, epilogue, y, threads);
    }
}

void FloatConvolution::run_plainly(const float* x, int64_t images, const Epilogue& epilogue, const Result& y,
                                   int threads) const {
    if (sum_ == FloatSum::in_order) {
        convolve_plainly<float>(geometry_, x, images, w_.data(), epilogue, y, threads,
                                [](float a, float b, int64_t, float sum) { return std::fmaf(a, b, sum); });
    } else {
        convolve_plainly<double>(geometry_, x, images, w_.data(), epilogue, y, threads,
                                 [](float a, float b, int64_t, double sum) { return sum + double{a} * double{b}; });
    }
}

}  // namespace adaq::cpu::integer
