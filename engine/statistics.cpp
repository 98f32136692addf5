// See statistics.h.
#include "engine/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/error.h"

namespace adaq {

Interval wilson_interval(int64_t successes, int64_t n) {
    require(successes >= 0 && successes <= n, "wilson_interval: {} successes of {}", successes, n);
    if (n == 0) return {0.0, 1.0};
    constexpr double z = 1.959963984540054;  // the normal distribution's 97.5 % point
    const double count = static_cast<double>(n);
    const double share = static_cast<double>(successes) / count;
    const double shrink = 1.0 + z * z / count;
    const double centre = (share + z * z / (2.0 * count)) / shrink;
    const double half = z / shrink * std::sqrt(share * (1.0 - share) / count + z * z / (4.0 * count * count));
    // At the edges the bound is exactly 0 or 1; rounding would leave it a little beside.
    return {successes == 0 ? 0.0 : std::max(0.0, centre - half), successes == n ? 1.0 : std::min(1.0, centre + half)};
}

Histogram histogram_of(std::span<const float> values, int bins) {
    require(bins > 0, "histogram_of: {} bins", bins);
    if (values.empty()) return {};
    const auto [lowest, highest] = std::minmax_element(values.begin(), values.end());
    Histogram histogram{*lowest, *highest, std::vector<int64_t>(bins)};
    const double width = histogram.hi - histogram.lo;
    require(std::isfinite(width), "histogram_of: values from {} to {}", histogram.lo, histogram.hi);
    for (float value : values) {
        const double position = width > 0.0 ? (value - histogram.lo) / width * bins : 0.0;
        ++histogram.counts[std::min(bins - 1, static_cast<int>(position))];
    }
    return histogram;
}

double sqnr_db(double signal_energy, double noise_energy) {
    if (noise_energy == 0.0) return std::numeric_limits<double>::infinity();
    return 10.0 * std::log10(signal_energy / noise_energy);
}

double sqnr_db(std::span<const float> x, std::span<const float> y) {
    require(x.size() == y.size(), "sqnr_db: {} values beside {}", x.size(), y.size());
    double signal = 0.0, noise = 0.0;
    for (size_t i = 0; i < x.size(); ++i) {
        const double value = x[i], error = static_cast<double>(y[i]) - value;
        signal += value * value;
        noise += error * error;
    }
    return sqnr_db(signal, noise);
}

Spread spread_of(std::span<const float> values) {
    require(!values.empty(), "spread_of: no values");
    std::vector<float> sorted(values.begin(), values.end());
    std::sort(sorted.begin(), sorted.end());
    const size_t n = sorted.size();
    const double median = (static_cast<double>(sorted[(n - 1) / 2]) + static_cast<double>(sorted[n / 2])) / 2.0;
    return {sorted.front(), median, sorted.back()};
}

}  // namespace adaq
