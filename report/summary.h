// Facts that follow from a report's numbers and that more than one renderer states: shares, drops, bits in words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "adaq/report.h"

namespace adaq::report {

/// Both networks were evaluated, on labelled images.
bool has_drop(const Report& report);

/// What learning has won over rounding to nearest: "nearest rounding of the same bits reaches 82.97 %: learning wins
/// back 9.22 of the 9.48 points that it loses"; empty where that was not measured.
std::string won_back(const Report& report);

/// Any network was evaluated on labelled images.
bool has_accuracy(const Report& report);

/// Bits are stated of what was quantised: a float run has none.
bool is_quantised(const Report& report);

double share(int64_t part, int64_t whole);

/// Points (hundredths) that `after` lies below `before`.
double drop_in_points(int64_t before, int64_t before_images, int64_t after, int64_t after_images);

/// How many times smaller the quantised model is; 0 where sizes are unknown.
double size_ratio(const Sizes& sizes);

/// "W4A8", or "quantised" where the report has no label.
std::string quantised_label(const Report& report);

/// "4-bit weights (2 of 21 layers: 8-bit) and 8-bit activations"; activations not quantised: "float32 activations".
std::string bits_in_words(const Report& report);

/// "4 (2 of 21: 8)" for a table; the most frequent number first. Empty input: "32".
std::string bits_in_figures(const std::vector<int>& bits);
/// The most frequent number alone; 32 where there is none.
int usual_bits(const std::vector<int>& bits);
std::vector<int> weight_bits(const Report& report);
std::vector<int> activation_bits(const Report& report);

/// The quantised layer whose weights lost most (smallest SQNR), null where there are none.
const WeightReport* weakest_weights(const Report& report);
/// The one whose output lost most, of those whose output was compared.
const WeightReport* weakest_output(const Report& report);

/// What a unit, layer or site is called where a method may come to it more than once: "layer1.0", "layer1.0, phase 2".
std::string with_phase(const std::string& name, uint32_t phase);

/// Shares of all learned weights of a unit; 0 where there are none. unsettled: behind the last iteration.
struct RoundingShares {
    int64_t weights = 0;
    double up = 0.0, down = 0.0, unsettled = 0.0;
};
RoundingShares rounding_shares(const UnitRecord& unit);

}  // namespace adaq::report
