// See site_codes.h.
#include "loaders/onnx/site_codes.h"

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq::onnx {
namespace {

constexpr int kMostOfInt8 = 127, kMostOfUint8 = 255;

bool fits_int8(const QuantisedActivation& activation) {
    return static_cast<int>(activation.grid.qmax()) <= kMostOfInt8;
}

/// Options of adaq-run, all that the network needs: each refusal names one activation alone.
const char* remedy(const Network& network) {
    for (const auto& site : network.values)
        if (site && !fits_int8(*site)) return "adaq-run --deploy tensorrt --a7";
    return "adaq-run --deploy tensorrt";
}

}  // namespace

std::optional<float> SiteCodes::least_value() const {
    const int least = type == DataType::int8 ? -kMostOfInt8 - 1 : 0;
    if (lowest <= least) return std::nullopt;
    return static_cast<float>(lowest - zero_point) * scale;
}

std::optional<float> SiteCodes::most_value() const {
    if (highest >= (type == DataType::int8 ? kMostOfInt8 : kMostOfUint8)) return std::nullopt;
    return static_cast<float>(highest - zero_point) * scale;
}

SiteCodes site_codes(const std::string& file, const Network& network, ValueId value, const TargetRules& rules) {
    const QuantisedActivation& activation = network.values[value].value();
    const std::string& site = value_name(network.graph, value);
    const int lowest = static_cast<int>(activation.grid.qmin()), highest = static_cast<int>(activation.grid.qmax());
    const int zero_point = static_cast<int>(activation.zero_point);
    if (!rules.signed_codes) {
        // Codes that are not negative saturate at 0 by themselves; a code of 0 or more is what runtimes compute
        // fastest.
        return {DataType::uint8, zero_point - lowest, 0, highest - lowest, activation.scale};
    }
    if (zero_point != 0)
        data_error("{}: the activation {} has zero point {}, expected 0, which is all that {} knows ({})", file,
                   printable(site), zero_point, rules.runtime, remedy(network));
    if (!fits_int8(activation))
        data_error(
            "{}: the activation {} has {} bits without a sign, expected at most 7, which fit the int8 of {} ({})", file,
            printable(site), activation.grid.bits, rules.runtime, remedy(network));
    return {DataType::int8, 0, lowest, highest, activation.scale};
}

}  // namespace adaq::onnx
