// Tensors for the tests of range schemes, the same as tools/make_scheme_fixtures.py makes, bit for bit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace adaq::test {

/// Four 16-bit fields of splitmix64's output, added: bell-shaped, in [-2, 2), exact.
inline double bell(uint64_t seed, uint64_t index) {
    uint64_t z = ((seed << 32) + index + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    int64_t total = -131070;
    for (int shift = 0; shift < 64; shift += 16) total += static_cast<int64_t>((z >> shift) & 0xffffu);
    return static_cast<double>(total) / 65536.0;
}

inline double shaped(const std::string& kind, double t, int64_t group) {
    if (kind == "bell") return t;
    if (kind == "skewed") return t > 0.0 ? t * 3.0 : t;
    if (kind == "heavy") return t * t * t;
    if (kind == "relu") return std::max(t, 0.0);
    if (kind == "far") return t + 3.0;
    if (kind == "spiky") return std::max(t * t * t * t * t, 0.0);
    if (kind == "constant") return group % 2 == 0 ? 0.75 : -0.5;
    if (kind == "zero") return 0.0;
    if (kind == "dead") return group % 3 == 1 ? 0.0 : t;
    throw std::logic_error("no generator " + kind);
}

/// [groups, elements]; groups differ in scale.
inline std::vector<float> scheme_input(const std::string& kind, uint64_t seed, int64_t groups, int64_t elements) {
    std::vector<float> x(static_cast<size_t>(groups * elements));
    for (size_t i = 0; i < x.size(); ++i) {
        const int64_t group = static_cast<int64_t>(i) / elements;
        x[i] = static_cast<float>(shaped(kind, bell(seed, i), group) * (static_cast<double>(group % 7 + 1) * 0.125));
    }
    return x;
}

}  // namespace adaq::test
