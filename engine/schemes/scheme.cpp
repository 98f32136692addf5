// The registry of range schemes and the checks that they share. See scheme.h.
#include "engine/schemes/scheme.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/error.h"
#include "engine/schemes/search.h"

namespace adaq {
namespace {

struct Entry {
    const char* name;
    ChosenRange (*choose)(const SchemeInput&);
    bool takes_p = false, two_sided_only = false;
};

constexpr std::array<Entry, 6> kSchemes{{{"absmax", choose_absmax},
                                         {"minmax", choose_minmax},
                                         {"norm", choose_norm, true},
                                         {"norm-legacy", choose_norm_legacy, true, true},
                                         {"orgnorm", choose_orgnorm},
                                         {"lp", choose_lp}}};

const Entry& find_scheme(const std::string& name) {
    const auto* entry = std::find_if(kSchemes.begin(), kSchemes.end(), [&](const Entry& e) { return e.name == name; });
    if (entry == kSchemes.end()) usage_error("`scheme` {}: expected one of {}", name, fmt::join(scheme_names(), ", "));
    return *entry;
}

/// No NaN, no infinity, and a range whose width float32 can hold.
void check_finite(const std::vector<MinMax>& extremes, std::string_view tensor_name) {
    for (size_t group = 0; group < extremes.size(); ++group) {
        const auto [lo, hi] = extremes[group];
        if (std::isnan(lo) || std::isnan(hi)) {
            data_error("{}: found NaN (group {} of {}), expected finite values", tensor_name, group, extremes.size());
        }
        if (std::isinf(lo) || std::isinf(hi)) {
            data_error("{}: found infinity (group {} of {}), expected finite values", tensor_name, group,
                       extremes.size());
        }
        // Twice the larger end is the width of a symmetric range.
        if (std::isinf(2.0f * std::max(std::fabs(lo), std::fabs(hi)))) {
            data_error("{}: values from {} to {} (group {} of {}), expected a range that float32 can hold", tensor_name,
                       lo, hi, group, extremes.size());
        }
    }
}

}  // namespace

const std::vector<std::string>& scheme_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const Entry& entry : kSchemes) list.emplace_back(entry.name);
        return list;
    }();
    return names;
}

bool takes_p(const std::string& scheme) { return find_scheme(scheme).takes_p; }

void check_one_sided(const SchemeOptions& options, std::string_view tensor_name) {
    if (find_scheme(options.scheme).two_sided_only)
        usage_error("`{}` {}: {} has no negative values, expected two-sided data (use norm)", options.option,
                    options.scheme, tensor_name);
}

ChosenRange choose_range(Device& device, const DeviceTensor& x, int64_t groups, const SchemeOptions& options,
                         std::string_view tensor_name) {
    const Entry& scheme = find_scheme(options.scheme);
    if (options.bits < 2 || options.bits > 8) {
        usage_error("{}: {} bits asked for, expected 2 to 8 bits", tensor_name, options.bits);
    }
    if (!(options.p > 0.0 && options.p <= 16.0))
        usage_error("`p` {}: expected a number above 0, at most 16", options.p);
    const int64_t count = element_count(x.shape());
    require(groups > 0 && count > 0 && count % groups == 0, "{}: {} elements do not make {} groups", tensor_name, count,
            groups);

    std::vector<MinMax> extremes = device.min_max(x, groups);
    check_finite(extremes, tensor_name);
    const bool one_sided =
        !options.narrow && std::all_of(extremes.begin(), extremes.end(), [](const MinMax& m) { return m.min >= 0.0f; });
    if (one_sided) check_one_sided(options, tensor_name);
    return scheme.choose(SchemeInput{.device = device,
                                     .x = x,
                                     .groups = groups,
                                     .elements = count / groups,
                                     .grid = {.bits = options.bits, .one_sided = one_sided, .narrow = options.narrow},
                                     .symmetric = options.symmetric && !one_sided,
                                     .p = options.p,
                                     .tensor_name = tensor_name,
                                     .extremes = std::move(extremes)});
}

}  // namespace adaq
