// See linear.h.
#include "kernels/cpu/integer/linear.h"

#include "engine/error.h"
#include "kernels/cpu/vectorise.h"

namespace adaq::cpu::integer {
namespace {

/// Modulo 2^32.
ADAQ_VECTORISE uint32_t dot(const int32_t* x, int32_t x_zero, const int16_t* w, int64_t count) {
    const auto zero = static_cast<uint32_t>(x_zero);
    uint32_t sum = 0;
    for (int64_t i = 0; i < count; ++i)
        sum += (static_cast<uint32_t>(x[i]) - zero) * static_cast<uint32_t>(static_cast<int32_t>(w[i]));
    return sum;
}

ADAQ_VECTORISE int64_t wide_dot(const int32_t* x, int32_t x_zero, const int16_t* w, int64_t count) {
    int64_t sum = 0;
    for (int64_t i = 0; i < count; ++i) sum += (int64_t{x[i]} - x_zero) * w[i];
    return sum;
}

}  // namespace

SumsLinear::SumsLinear(std::span<const int8_t> w, int64_t k, const std::vector<int32_t>& w_zero, int32_t x_zero,
                       bool wide)
    : k_(k), c_(static_cast<int64_t>(w.size()) / k), x_zero_(x_zero), wide_(wide), w_(w.begin(), w.end()) {
    require(k > 0 && static_cast<int64_t>(w.size()) % k == 0, "linear: {} weights of {} outputs", w.size(), k);
    require(w_zero.empty() || static_cast<int64_t>(w_zero.size()) == k,
            "linear: {} zero points of weights, expected {}", w_zero.size(), k);
    if (w_zero.empty()) return;
    for (size_t i = 0; i < w_.size(); ++i) w_[i] = static_cast<int16_t>(w_[i] - w_zero[i / static_cast<size_t>(c_)]);
}

void SumsLinear::run(const int32_t* x, int64_t images, const Epilogue& epilogue, const Result& y, int threads) const {
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t i = 0; i < images * k_; ++i) {
        const int64_t k = i / images, n = i % images;  // a row of weights for all images
        const int32_t* const from = x + n * c_;
        const int16_t* const by = w_.data() + k * c_;
        const float sum = wide_ ? static_cast<float>(wide_dot(from, x_zero_, by, c_))
                                : static_cast<float>(static_cast<int32_t>(dot(from, x_zero_, by, c_)));
        finish_plainly(sum, epilogue, k, y, n * k_ + k);
    }
}

}  // namespace adaq::cpu::integer
