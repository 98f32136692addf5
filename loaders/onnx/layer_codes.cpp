// See layer_codes.h.
#include "loaders/onnx/layer_codes.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/error.h"
#include "engine/printable.h"

namespace adaq::onnx {
namespace {

using ZeroPoints = TargetRules::ZeroPoints;

struct Range {
    int lowest = 0, highest = 0;
    void widen(int code) {
        lowest = std::min(lowest, code);
        highest = std::max(highest, code);
    }
    bool fits(int bits) const { return lowest >= -(1 << (bits - 1)) && highest < 1 << (bits - 1); }
};

/// The narrowest type of less than a byte that `range` fits; undefined: none.
DataType packed_type(const Range& range, int narrowest) {
    if (narrowest <= 2 && range.fits(2)) return DataType::int2;
    if (narrowest <= 4 && range.fits(4)) return DataType::int4;
    return DataType::undefined;
}

/// What the batch norm does to a channel: its sign goes into the codes, its size into the scale.
float factor_of(const Layer& layer, size_t channel) {
    return layer.channel_scale.empty() ? 1.0f : layer.channel_scale[channel];
}

std::vector<float> scales_of(const Layer& layer, const QuantisedWeight& weight) {
    if (layer.channel_scale.empty()) return weight.scale;
    std::vector<float> scales(static_cast<size_t>(layer.channels()));
    for (size_t k = 0; k < scales.size(); ++k) {
        const double scale = weight.scale[weight.scale.size() == 1 ? 0 : k];
        scales[k] = static_cast<float>(scale * std::abs(static_cast<double>(factor_of(layer, k))));
        if (!(scales[k] > 0.0f)) scales[k] = 1.0f;  // of a channel that is nothing, whose codes are 0
    }
    return scales;
}

/// Codes of one channel around zero.
class Channel {
  public:
    Channel(const Layer& layer, const QuantisedWeight& weight, size_t channel)
        : zero_point_(static_cast<int>(weight.zero_point[weight.zero_point.size() == 1 ? 0 : channel])),
          factor_(factor_of(layer, channel)) {
        const double scale = weight.scale[weight.scale.size() == 1 ? 0 : channel];
        nothing_ = !(static_cast<float>(scale * std::abs(static_cast<double>(factor_))) > 0.0f);
    }
    int centred(int16_t code) const {
        if (nothing_) return 0;
        return factor_ < 0.0f ? zero_point_ - code : code - zero_point_;
    }
    /// With a zero point, on the grid that the codes come from: the opposite of q - z is (-1 - q) - (-1 - z).
    int shifted(int16_t code) const {
        if (nothing_) return zero_point();
        return factor_ < 0.0f ? -1 - code : code;
    }
    int zero_point() const { return factor_ < 0.0f ? -1 - zero_point_ : zero_point_; }

  private:
    int zero_point_;
    float factor_;
    bool nothing_;
};

[[noreturn]] void refuse(const std::string& file, const Layer& layer, size_t channel, Range range,
                         const char* runtime) {
    data_error(
        "{}: channel {} of {} has codes of {} to {} around its zero point, expected -128 to 127, which is what {} "
        "multiplies: 8-bit weights with zero point 0 that leave out -128 (adaq-run --deploy), or at most 7 bits",
        file, channel, printable(layer.name), range.lowest, range.highest, runtime);
}

/// Codes around zero as they are, or on their grid (`shifted`) where that takes fewer bits.
std::optional<PackedCodes> packed(const Range& range, const std::vector<int32_t>& centred, Grid grid,
                                  std::vector<int32_t>& shifted, const std::vector<int32_t>& zero_points,
                                  int narrowest) {
    const DataType plain = packed_type(range, narrowest);
    const DataType on_grid = packed_type({static_cast<int>(grid.qmin()), static_cast<int>(grid.qmax())}, narrowest);
    const auto bits = [](DataType type) { return type == DataType::undefined ? 8 : bits_of(type); };
    if (bits(on_grid) < bits(plain)) return PackedCodes{on_grid, std::move(shifted), zero_points};
    if (plain == DataType::undefined) return std::nullopt;
    return PackedCodes{plain, centred, {}};
}

}  // namespace

LayerWeight layer_weight(const std::string& file, const Layer& layer, const QuantisedWeight& weight, int narrowest,
                         ZeroPoints allowed, const char* runtime) {
    const auto channels = static_cast<size_t>(layer.channels());
    const size_t count = weight.codes.size() / channels;
    LayerWeight made;
    made.scale = scales_of(layer, weight);
    made.codes.resize(weight.codes.size());
    std::vector<int32_t> shifted(weight.codes.size()), zero_points(channels);
    Range all, beyond;
    size_t refused = channels;  // the first channel that does not fit
    for (size_t k = 0; k < channels; ++k) {
        const Channel channel(layer, weight, k);
        Range range;
        for (size_t i = k * count; i < (k + 1) * count; ++i) {
            made.codes[i] = channel.centred(weight.codes[i]);
            shifted[i] = channel.shifted(weight.codes[i]);
            range.widen(made.codes[i]);
        }
        zero_points[k] = channel.zero_point();
        if (refused == channels && !range.fits(8)) {
            refused = k;
            beyond = range;
        }
        all.widen(range.lowest);
        all.widen(range.highest);
    }
    if (all.fits(8)) {
        made.packed = packed(all, made.codes, weight.grid, shifted, zero_points, narrowest);
        return made;
    }
    const bool one = std::all_of(zero_points.begin(), zero_points.end(), [&](int z) { return z == zero_points[0]; });
    if (allowed == ZeroPoints::none || (allowed == ZeroPoints::one && !one))
        refuse(file, layer, refused, beyond, runtime);
    made.codes = std::move(shifted);
    if (made.scale.size() == 1 && !one) made.scale.assign(channels, made.scale[0]);
    zero_points.resize(made.scale.size());
    made.zero_point = std::move(zero_points);
    return made;
}

std::vector<float> float_weight(const Layer& layer, const StoredModel& model) {
    const std::string name = layer.name + ".weight";
    const auto channels = static_cast<size_t>(layer.channels());
    std::vector<float> values;
    const auto of_channels = [&](auto value) {
        const size_t count = values.size() / channels;
        for (size_t i = 0; i < values.size(); ++i) values[i] = value(i, i / count);
    };
    if (!layer.codes) {
        values = model.tensors.at(name).values;
        of_channels([&](size_t i, size_t k) { return values[i] * factor_of(layer, k); });
        return values;
    }
    const QuantisedWeight& weight = model.quantisation->weights.at(name);
    const std::vector<float> scales = scales_of(layer, weight);
    values.resize(weight.codes.size());
    of_channels([&](size_t i, size_t k) {
        return static_cast<float>(Channel(layer, weight, k).centred(weight.codes[i])) *
               scales[scales.size() == 1 ? 0 : k];
    });
    return values;
}

std::optional<QuantisedBias> integer_bias(const Layer& layer, const LayerWeight& weight, float input_scale) {
    if (layer.bias_codes) return layer.bias_codes;
    constexpr double kPrecision = 1.0 / (1 << 22);
    const auto channels = static_cast<size_t>(layer.channels());
    QuantisedBias bias{std::vector<int32_t>(channels), std::vector<float>(channels)};
    for (size_t k = 0; k < channels; ++k) {
        const float unit = QuantisedBias::unit(input_scale, weight.scale[weight.group_of(static_cast<int64_t>(k))]);
        const double value = layer.channel_shift[k], code = std::rint(value / unit);
        if (!(unit > 0.0f) || std::abs(code) > std::numeric_limits<int32_t>::max()) return std::nullopt;
        if (std::abs(code * unit - value) > kPrecision * std::abs(value)) return std::nullopt;
        bias.codes[k] = static_cast<int32_t>(code);
        bias.scale[k] = unit;
    }
    return bias;
}

int largest_pair(const LayerWeight& weight, int64_t channels) {
    const size_t count = weight.codes.size() / static_cast<size_t>(channels);
    int largest = 0;
    for (size_t k = 0; k < static_cast<size_t>(channels); ++k) {
        int first = 0, second = 0;
        for (size_t i = k * count; i < (k + 1) * count; ++i) {
            const int size = std::abs(weight.codes[i]);
            second = std::max(second, std::min(first, size));
            first = std::max(first, size);
        }
        largest = std::max(largest, first + second);
    }
    return largest;
}

}  // namespace adaq::onnx
