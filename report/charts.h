// The plots of the HTML page, each a pure function from a part of the report to one inline SVG (or to nothing, "",
// where that part is missing). Charts are drawn 480 units wide, so that their text stays readable on a phone.
#pragma once

#include <string>

#include "adaq/report.h"

namespace adaq::report {

/// Top-1 and top-5 of both networks as bars with their 95 % Wilson intervals, 0 to 100 %. Without labels: how often
/// both networks name the same class.
std::string accuracy_chart(const Report& report);

/// Bytes before and after: packed integers, scales, what stays float32.
std::string size_chart(const Report& report);

/// SQNR of every layer's weights and output in dB, a row a layer in network order.
std::string sqnr_chart(const Report& report);

/// Every site's quantised range (band) and observed range (line), each in units of the site's largest quantised value.
std::string range_chart(const Report& report);

/// A layer's weights over the grid that they are rounded to; `typical` is drawn.
std::string weight_histogram(const WeightReport& layer);

/// A site's values over its quantised range.
std::string activation_histogram(const ActivationReport& site);

/// Of every layer whose rounding was learned, the share of weights that left the nearest integer, upwards and
/// downwards.
std::string rounding_chart(const Report& report);

/// Every learned activation scale against the one it started from, in percent.
std::string scale_chart(const Report& report);

/// Of every layer whose channels' weight scales were learned, the range of their change and its median, in percent.
std::string channel_chart(const Report& report);

/// A unit's losses and unsettled roundings over its iterations.
std::string learning_curves(const UnitRecord& unit);

}  // namespace adaq::report
