// See rounding_probe.h.
#include "engine/reconstruction/rounding_probe.h"

#include <algorithm>
#include <cmath>

#include "engine/program/buffers.h"
#include "engine/rounding.h"

namespace adaq {
namespace {

constexpr int64_t kMostSampled =
    16384;  // weights a layer: shares are known to half a percent, in a tenth of a millisecond

Unsettled unsettled_of(const std::vector<float>& v) {
    constexpr double kNear = 0.05;
    double softness = 0.0;
    int64_t between = 0;
    for (float value : v) {
        const double h = soft_rounding(value).h;
        softness += 1.0 - std::abs(2.0 * h - 1.0);
        between += h > kNear && h < 1.0 - kNear ? 1 : 0;
    }
    const auto count = static_cast<double>(v.size());
    return {softness / count, static_cast<double>(between) / count};
}

/// `count` of `channels`, evenly spaced.
std::vector<float> spaced(int64_t count, int64_t channels) {
    std::vector<float> indices;
    for (int64_t i = 0; i < count; ++i) {
        const int64_t index = i * channels / count;
        indices.push_back(static_cast<float>(index));
    }
    return indices;
}

}  // namespace

RoundingProbe::RoundingProbe(Device& device, const std::vector<LearnedRounding>& roundings) : device_(device) {
    if (roundings.empty()) return;
    Program program;
    for (const LearnedRounding& rounding : roundings) {
        Shape shape = rounding.v->shape();
        const int64_t channels = shape[0], weights = element_count(shape);
        shape[0] = std::clamp<int64_t>(kMostSampled / (weights / channels), 1, channels);
        const Buffer indices = device.create({shape[0]}), sample = device.create(shape);
        device.upload(*indices, spaced(shape[0], channels));
        program.add(Gather{program.bind(rounding.v), program.bind(sample), program.bind(indices)});
        samples_.push_back({sample, static_cast<double>(weights)});
    }
    gather_ = device.compile(program);
}

Unsettled RoundingProbe::measure() {
    if (!gather_) return {};
    gather_->run();
    Unsettled sum;
    double weights = 0.0;
    for (const Sample& sample : samples_) {
        const Unsettled layer = unsettled_of(get(device_, *sample.v));
        sum.softness += sample.represents * layer.softness;
        sum.share += sample.represents * layer.share;
        weights += sample.represents;
    }
    return {sum.softness / weights, sum.share / weights};
}

RoundingRecord describe_rounding(Device& device, const LearnedRounding& rounding, const std::string& layer) {
    const std::vector<float> w = get(device, *rounding.w), v = get(device, *rounding.v);
    const std::vector<float> scale = get(device, *rounding.scale), zero = get(device, *rounding.zero_point);
    const float qmin = rounding.grid.qmin(), qmax = rounding.grid.qmax();
    const size_t per_group = w.size() / scale.size();
    int64_t up = 0, down = 0;
    for (size_t i = 0; i < w.size(); ++i) {
        const float s = scale[i / per_group], z = zero[i / per_group];
        const float learned = std::clamp(std::floor(w[i] / s) + (v[i] >= 0.0f ? 1.0f : 0.0f) + z, qmin, qmax) - z;
        const float nearest = quantise_centred(w[i], s, z, qmin, qmax);
        up += learned > nearest ? 1 : 0;
        down += learned < nearest ? 1 : 0;
    }
    const auto count = static_cast<double>(w.size());
    return {layer, static_cast<int64_t>(w.size()), static_cast<double>(up) / count, static_cast<double>(down) / count,
            unsettled_of(v)};
}

}  // namespace adaq
