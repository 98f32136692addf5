// Range schemes: which interval of a tensor the integers of a grid should cover (docs/arithmetic.md section 2). One
// file a scheme, one signature; choose_range() checks its input once, looks the scheme up and lets the device do the
// heavy part.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/grid.h"
#include "engine/program/device.h"

namespace adaq {

struct SchemeOptions {
    std::string scheme;             // one of scheme_names()
    int bits = 8;                   // 2 ... 8
    double p = 2.4;                 // of schemes that take one (takes_p()); the others have theirs fixed
    bool symmetric = false;         // z = 0 for two-sided data: the range becomes +- the larger end of each candidate
    const char* option = "scheme";  // that chose the scheme, for errors
    bool narrow = false;            // a narrow grid (adaq/grid.h), whatever the signs of the data
};

/// One scale and zero point per group, and the (widened) range that they stand for.
struct ChosenRange {
    Grid grid;
    std::vector<float> scale, zero_point;  // [groups]
    std::vector<float> lo, hi;             // [groups], lo <= 0 <= hi
    double score = 0.0;  // sum of |x-hat - x|^p over the whole tensor; 0 for absmax and minmax, which do not search
    int64_t empty_groups = 0;  // groups whose range is 0: they got scale 1, zero point 0
};

/// In the order in which the documentation lists them.
const std::vector<std::string>& scheme_names();

/// Whether the scheme minimises a norm whose exponent is SchemeOptions::p.
bool takes_p(const std::string& scheme);

/// Throws UsageError, naming the tensor, where the scheme takes two-sided data alone: for data that has no negative
/// values.
void check_one_sided(const SchemeOptions& options, std::string_view tensor_name);

/// The range of each group of x, which is [groups, elements] in its logical order whatever its shape. The grid is
/// one-sided where no element of the whole tensor is negative, unless it is to be narrow. Throws UsageError for an
/// unknown scheme, bits outside 2 ... 8, a p that is not in (0, 16], or `norm-legacy` on one-sided data; DataError,
/// which names the tensor, where x is not finite.
ChosenRange choose_range(Device& device, const DeviceTensor& x, int64_t groups, const SchemeOptions& options,
                         std::string_view tensor_name);

}  // namespace adaq
