// Means and standard deviations of an input's channels as they are typed: "0.485,0.456,0.406", of pixel values from 0
// to
// 1. Numbers of pixel values from 0 to 255 are a usual mistake; they are refused.
#pragma once

#include <string>
#include <vector>

namespace adaq {

constexpr bool is_mean(float value) { return value >= 0.0f && value <= 1.0f; }
constexpr bool is_deviation(float value) { return value > 0.0f && value <= 1.0f; }

inline constexpr const char* kMeanLimits = "a number from 0 to 1, of pixel values from 0 to 1";
inline constexpr const char* kDeviationLimits = "a number above 0 and up to 1, of pixel values from 0 to 1";

/// The values of --mean. UsageError, naming the option, if they are no such numbers with commas or blanks between them.
std::vector<float> parse_means(const std::string& text);
/// The same of --std.
std::vector<float> parse_deviations(const std::string& text);

/// UsageError, naming the option, unless there is a value for each input channel of the network.
void check_channels(const std::string& option, const std::vector<float>& values, int channels);

}  // namespace adaq
