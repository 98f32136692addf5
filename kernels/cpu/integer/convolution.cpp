// See convolution.h.
#include "kernels/cpu/integer/convolution.h"

#include <algorithm>
#include <utility>

#include "engine/error.h"

namespace adaq::cpu::integer {
namespace {

const Geometry& checked(const Geometry& g, size_t weights) {
    check(g);
    require(static_cast<int64_t>(weights) == g.weights(), "convolution: {} weights, expected {}", weights, g.weights());
    return g;
}

}  // namespace

Convolution::Convolution(const Settings& s, const Instructions& instructions)
    : geometry_(checked(s.geometry, s.w.size())),
      instructions_(&instructions),
      x_zero_(s.x_zero),
      x_most_(s.x_most),
      wide_(s.wide) {
    require(s.w_zero.empty() || static_cast<int64_t>(s.w_zero.size()) == s.geometry.k,
            "convolution: {} zero points of weights, expected {}", s.w_zero.size(), s.geometry.k);
    require(s.bias.empty() || static_cast<int64_t>(s.bias.size()) == s.geometry.k,
            "convolution: {} biases, expected {}", s.bias.size(), s.geometry.k);
    require(s.x_zero >= 0 && s.x_zero <= 255, "convolution: the zero point {} is no code", s.x_zero);
    require(s.x_most >= s.x_zero && s.x_most <= 255, "convolution: codes up to {}, with a zero of {}", s.x_most,
            s.x_zero);
    if (!s.wide && DepthwiseConvolution::is(s.geometry)) {
        depthwise_.emplace(s.geometry, instructions, s.w.data(), s.w_zero, s.x_zero, s.bias);
    } else if (const WinogradKernels* const kernels = s.wide ? nullptr : winograd_for(s)) {
        winograd_.emplace(WinogradLayer{s.geometry, s.w.data(), s.w_zero, s.x_most}, *kernels, s.x_zero, s.bias);
    } else if (!s.wide) {
        blocked_.emplace(s.geometry, instructions.integers, s.w.data(), s.w_zero, s.x_zero, s.bias);
    } else {
        w_.assign(s.w.begin(), s.w.end());
        w_zero_ = s.w_zero;
        w_zero_.resize(static_cast<size_t>(s.geometry.k));
        bias_ = s.bias;
        bias_.resize(static_cast<size_t>(s.geometry.k));
    }
}

/// Those that pay, the best first.
std::vector<const WinogradKernels*> Convolution::winograds() const {
    const auto gain = [&](const WinogradKernels* kernels) {
        return WinogradConvolution::gain(geometry_, x_most_, *kernels, instructions_->integers);
    };
    std::vector<const WinogradKernels*> found;
    for (const WinogradKernels* kernels : {&instructions_->winograd_bytes, &instructions_->winograd_words})
        if (gain(kernels) > 0.0) found.push_back(kernels);
    constexpr double kClearly = 1.05;  // weights of bytes are smaller
    if (found.size() == 2 && gain(found[1]) > kClearly * gain(found[0])) std::swap(found[0], found[1]);
    return found;
}

const WinogradKernels* Convolution::winograd_for(const Settings& s) const {
    const WinogradLayer layer{s.geometry, s.w.data(), s.w_zero, s.x_most};
    for (const WinogradKernels* kernels : winograds())
        if (WinogradConvolution::is_exact(layer, *kernels)) return kernels;
    return nullptr;
}

size_t Convolution::workspace_bytes(int64_t images, int threads) const {
    if (wide_ || depthwise_) return 0;
    size_t most =
        BlockedConvolution::workspace_bytes(geometry_, instructions_->integers, Source::codes, images, threads);
    for (const WinogradKernels* kernels : winograds())
        most = std::max(most, WinogradConvolution::workspace_bytes(geometry_, *kernels, images, threads));
    return most;
}

void Convolution::run(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y,
                      unsigned char* workspace, int threads) const {
    if (blocked_) {
        blocked_->run(x, images, epilogue, y, workspace, threads);
    } else if (winograd_) {
        winograd_->run(x, images, epilogue, y, workspace, threads);
    } else if (depthwise_) {
        depthwise_->run(x, images, epilogue, y, threads);
    } else {
        run_plainly(x, images, epilogue, y, threads);
    }
}

/// What lies beyond the edges counts nothing.
void Convolution::run_plainly(const uint8_t* x, int64_t images, const Epilogue& epilogue, const Result& y,
                              int threads) const {
    const Geometry& g = geometry_;
    const int64_t p_count = g.p(), q_count = g.q(), c_count = g.group_c(), group_k = g.k / g.groups;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t position = 0; position < images * p_count * q_count; ++position) {
        const int64_t q = position % q_count, p = position / q_count % p_count, n = position / (q_count * p_count);
        for (int64_t k = 0; k < g.k; ++k) {
            const int w_zero = w_zero_[static_cast<size_t>(k)];
            int64_t sum = bias_[static_cast<size_t>(k)];
            for (int64_t r = 0; r < g.r; ++r) {
                const int64_t row = p * g.stride_h - g.top + r * g.dilation_h;
                if (row < 0 || row >= g.h) continue;
                for (int64_t s = 0; s < g.s; ++s) {
                    const int64_t column = q * g.stride_w - g.left + s * g.dilation_w;
                    if (column < 0 || column >= g.w) continue;
                    const uint8_t* const from = x + ((n * g.h + row) * g.w + column) * g.c + k / group_k * c_count;
                    const int8_t* const by = w_.data() + ((k * g.r + r) * g.s + s) * c_count;
                    for (int64_t c = 0; c < c_count; ++c) sum += int64_t{from[c] - x_zero_} * (by[c] - w_zero);
                }
            }
            finish_plainly(static_cast<float>(sum), epilogue, k, y, position * g.k + k);
        }
    }
}

FloatConvolution::FloatConvolution(const Geometry& geometry, std::span<const float> w, FloatSum sum,
                                   const Instructions& instructions)
    : geometry_(checked(geometry, w.size())),
      kernels_(sum == FloatSum::in_order ? instructions.singles : instructions.reals),
      blocked_(geometry_, kernels_, w.data()) {}

size_t FloatConvolution::workspace_bytes(int64_t images, int threads) const {
    return BlockedConvolution::workspace_bytes(geometry_, kernels_, Source::floats, images, threads);
}

void FloatConvolution::run(const float* x, int64_t images, const Epilogue& epilogue, const Result& y,
                           unsigned char* workspace, int threads) const {
    blocked_.run(x, images, epilogue, y, workspace, threads);
}

}  // namespace adaq::cpu::integer
