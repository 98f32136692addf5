// The small statistics behind every number that adaq reports: how sure an accuracy is, how loud an error is beside its
// signal, how values are spread. Plain loops in float64, the same on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "adaq/statistics.h"

namespace adaq {

struct Interval {
    double lo = 0.0, hi = 0.0;
};

/// The 95 % Wilson score interval of a share, as fractions in [0, 1]. It never leaves [0, 1] and is honest at 0 and n
/// (E. B. Wilson, 1927). n = 0 knows nothing: [0, 1]. Throws std::logic_error unless 0 <= successes <= n.
Interval wilson_interval(int64_t successes, int64_t n);

/// The histogram of finite values from their minimum to their maximum. Equal values all fall into one bin of width 0.
/// No values: no bins.
Histogram histogram_of(std::span<const float> values, int bins = 96);

/// Signal-to-quantisation-noise ratio in dB: 10 log10(sum x^2 / sum (y - x)^2), both of one length. Infinite where y
/// equals x, minus infinite where x is 0 everywhere and y is not.
double sqnr_db(std::span<const float> x, std::span<const float> y);

/// The same from the two sums, for those who add them up batch by batch.
double sqnr_db(double signal_energy, double noise_energy);

/// Smallest, middle and largest of at least one value; the median of an even number is the mean of the middle two.
/// Throws std::logic_error where there are none.
Spread spread_of(std::span<const float> values);

}  // namespace adaq
