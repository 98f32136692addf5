// See peak.h. One kernel an instruction set, chosen when the program runs: a function's target attribute lets it use
// instructions that the rest of the build may not. Intrinsics, because the build allows no contraction, so that the
// compiler would make two instructions of a * b + c.
#include "tools/bench/peak.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "engine/printable.h"
#include "loaders/atomic_file.h"
#include "tools/program/streams.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace adaq {
namespace {

/// A kernel does `rounds` rounds and returns something that depends on all of them. `start` is known at run time only,
/// and each chain starts elsewhere, so that the compiler cannot foresee a result.
struct Kernel {
    const char* instruction_set;
    double flops_a_round;
    float (*run)(int64_t rounds, float start);
};

// Chains that do not depend on each other: two units of four cycles' latency need eight, and 16 AVX2 registers hold
// twelve beside the operands. x -> x * 0.999 + 0.001 approaches 1, so that no value becomes denormal.
constexpr float kFactor = 0.999f, kSummand = 0.001f;

#if defined(__x86_64__)
constexpr int kChains512 = 16, kChains256 = 12;

__attribute__((target("avx512f"))) float run_avx512(int64_t rounds, float start) {
    const __m512 factor = _mm512_set1_ps(kFactor), summand = _mm512_set1_ps(kSummand);
    __m512 x[kChains512];
    for (__m512& chain : x) chain = _mm512_set1_ps(start++);
    for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
        for (int k = 0; k < kChains512; ++k) x[k] = _mm512_fmadd_ps(x[k], factor, summand);
    }
    float sum = 0.0f;
    for (const __m512& chain : x) sum += _mm512_cvtss_f32(chain);
    return sum;
}

__attribute__((target("avx2,fma"))) float run_avx2(int64_t rounds, float start) {
    const __m256 factor = _mm256_set1_ps(kFactor), summand = _mm256_set1_ps(kSummand);
    __m256 x[kChains256];
    for (__m256& chain : x) chain = _mm256_set1_ps(start++);
    for (int64_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
        for (int k = 0; k < kChains256; ++k) x[k] = _mm256_fmadd_ps(x[k], factor, summand);
    }
    float sum = 0.0f;
    for (const __m256& chain : x) sum += _mm256_cvtss_f32(chain);
    return sum;
}
#endif

/// Without fused multiply-adds, or on another processor: vectors as the compiler makes them.
constexpr int kChainsBaseline = 48;

float run_baseline(int64_t rounds, float start) {
    std::array<float, kChainsBaseline> x;
    for (float& chain : x) chain = start++;
    for (int64_t i = 0; i < rounds; ++i) {
        for (float& chain : x) chain = chain * kFactor + kSummand;
    }
    float sum = 0.0f;
    for (float chain : x) sum += chain;
    return sum;
}

Kernel best_kernel() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) return {"AVX-512", 2.0 * 16 * kChains512, run_avx512};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return {"AVX2 + FMA", 2.0 * 8 * kChains256, run_avx2};
#endif
    return {"baseline", 2.0 * kChainsBaseline, run_baseline};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// A thread's best rate over many short slices, in flops a second: the slices in which nobody interrupted it.
double best_rate(const Kernel& kernel, int slices, int64_t rounds, float start) {
    volatile float sink = 0.0f;
    double best = 0.0;
    for (int i = 0; i < slices; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        sink = sink + kernel.run(rounds, start);
        best = std::max(best, kernel.flops_a_round * static_cast<double>(rounds) / seconds_since(begin));
    }
    return best;
}

}  // namespace

Peak measure_peak(int threads) {
    constexpr double kSlice = 1e-3;  // seconds
    constexpr int kSlices = 200;
    if (threads <= 0) threads = static_cast<int>(std::max(std::thread::hardware_concurrency(), 1u));
    const Kernel kernel = best_kernel();
    const auto start = static_cast<float>(threads);
    const auto rounds = static_cast<int64_t>(kSlice * best_rate(kernel, 10, 1 << 14, start) / kernel.flops_a_round);
    double flops = 0.0;
#pragma omp parallel num_threads(threads) reduction(+ : flops)
    flops += best_rate(kernel, kSlices, std::max<int64_t>(rounds, 1), start);  // all at once: they may share a clock
    return {kernel.instruction_set, threads, flops};
}

double measure_bandwidth(int asked) {
    constexpr size_t kFloats = size_t{64} << 20;  // 256 MiB
    constexpr int kRounds = 5;
    // NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): OpenMP reads it
    const int threads = asked > 0 ? asked : static_cast<int>(std::max(std::thread::hardware_concurrency(), 1u));
    std::vector<float> from(kFloats, 1.0f), to(kFloats);
    double best = 0.0;
    for (int round = 0; round < kRounds; ++round) {
        const auto begin = std::chrono::steady_clock::now();
#pragma omp parallel for num_threads(threads) schedule(static)
        for (size_t i = 0; i < kFloats; i += 4096) std::copy_n(from.data() + i, 4096, to.data() + i);
        best = std::max(best, 2.0 * sizeof(float) * static_cast<double>(kFloats) / seconds_since(begin));
    }
    return best;
}

nlohmann::json to_json(const Peak& peak) {
    return {{"instruction_set", peak.instruction_set}, {"threads", peak.threads}, {"gflops", peak.flops / 1e9}};
}

int bench_peak(int threads, const std::string& json_path) {
    const Peak peak = measure_peak(threads);
    print("{:.1f} GFLOP/s in float32: {}, {}\n", peak.flops / 1e9, peak.instruction_set,
          plural(peak.threads, "thread"));
    if (!json_path.empty()) write_file_atomically(json_path, to_json(peak).dump(2) + "\n");
    return 0;
}

}  // namespace adaq
