// See normalise.h.
#include "loaders/images/normalise.h"

#include <cmath>

#include "engine/error.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace adaq {

namespace {

#if defined(__x86_64__)

/// a / b from inverse = 1 / b, correctly rounded in all but rare cases (Markstein): the quotient's error is found
/// exactly by a fused multiply-add and put right.
[[gnu::target("avx2,fma"), gnu::always_inline]] inline __m256 divide(__m256 a, __m256 b, __m256 inverse) {
    const __m256 quotient = _mm256_mul_ps(a, inverse);
    return _mm256_fmadd_ps(_mm256_fnmadd_ps(quotient, b, a), inverse, quotient);
}

/// Blocks of Normaliser::kBlock numbers, without the two divisions, which would take most of the time.
[[gnu::target("avx2,fma")]] void normalise_blocks(const uint8_t* pixels, size_t blocks, const float* mean,
                                                  const float* std, const float* inverse, float* out) {
    constexpr size_t kLanes = 8, kVectors = Normaliser::kBlock / kLanes;
    const __m256 full = _mm256_set1_ps(255.0f), inverse_full = _mm256_set1_ps(1.0f / 255.0f);
    __m256 means[kVectors], stds[kVectors], inverses[kVectors];
    for (size_t i = 0; i < kVectors; ++i) {
        means[i] = _mm256_loadu_ps(mean + i * kLanes);
        stds[i] = _mm256_loadu_ps(std + i * kLanes);
        inverses[i] = _mm256_loadu_ps(inverse + i * kLanes);
    }
    for (size_t block = 0; block < blocks; ++block) {
        for (size_t i = 0; i < kVectors; ++i, pixels += kLanes, out += kLanes) {
            const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(pixels));
            const __m256 unit = divide(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), full, inverse_full);
            _mm256_storeu_ps(out, divide(_mm256_sub_ps(unit, means[i]), stds[i], inverses[i]));
        }
    }
}

bool has_fma() { return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0; }

#else

void normalise_blocks(const uint8_t*, size_t, const float*, const float*, const float*, float*) {}
bool has_fma() { return false; }

#endif

}  // namespace

Normaliser::Normaliser(const Preprocessing& preprocessing, int channels) : value_(channels) {
    if (preprocessing.mean.size() != value_.size() || preprocessing.std.size() != value_.size()) {
        data_error(
            "preprocessing: {} means and {} standard deviations, expected {} of each (the model's input channels)",
            preprocessing.mean.size(), preprocessing.std.size(), channels);
    }
    for (size_t c = 0; c < value_.size(); ++c) {
        const float mean = preprocessing.mean[c], std = preprocessing.std[c];
        if (!std::isfinite(mean) || !std::isfinite(std) || !(std > 0)) {
            data_error(
                "preprocessing: mean {} and standard deviation {} of channel {}, expected finite ones, the latter "
                "above 0",
                mean, std, c);
        }
        for (size_t pixel = 0; pixel < 256; ++pixel)
            value_[c][pixel] = (static_cast<float>(pixel) / 255.0f - mean) / std;
    }
    for (size_t i = 0; i < kBlock; ++i) {
        mean_[i] = preprocessing.mean[i % value_.size()];
        std_[i] = preprocessing.std[i % value_.size()];
        inverse_[i] = 1.0f / std_[i];
    }
    fast_ = has_fma() && fast_is_exact();
}

/// Tries every pixel value in every channel, so that the rare cases of divide() never show.
bool Normaliser::fast_is_exact() const {
    std::array<uint8_t, 256 * kBlock> pixels;
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i / kBlock);
    std::array<float, 256 * kBlock> fast, exact;
    normalise_blocks(pixels.data(), 256, mean_.data(), std_.data(), inverse_.data(), fast.data());
    look_up(pixels.data(), pixels.size(), exact.data());
    return fast == exact;
}

void Normaliser::look_up(const uint8_t* pixels, size_t count, float* out) const {
    const size_t channels = value_.size();
    for (size_t i = 0; i < count; i += channels) {
        for (size_t c = 0; c < channels; ++c) out[i + c] = value_[c][pixels[i + c]];
    }
}

void Normaliser::run(const Image& image, float* out) const {
    require(image.channels == std::ssize(value_), "Normaliser: an image of {} channels, expected {}", image.channels,
            value_.size());
    const uint8_t* pixels = image.pixels.data();
    const size_t count = image.pixels.size(), blocks = fast_ ? count / kBlock : 0, done = blocks * kBlock;
    normalise_blocks(pixels, blocks, mean_.data(), std_.data(), inverse_.data(), out);
    look_up(pixels + done, count - done, out + done);
}

}  // namespace adaq
