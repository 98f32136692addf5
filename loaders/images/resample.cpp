// See resample.h.
#include "loaders/images/resample.h"

#include <algorithm>
#include <cmath>

#include "engine/error.h"

namespace adaq {

namespace {

constexpr double kWeightUnits = 1 << 22;

/// The bilinear filter: a triangle of half-width 1.
double triangle(double x) { return std::max(0.0, 1.0 - std::abs(x)); }

/// The bicubic filter: Keys' convolution kernel with a = -1/2, of half-width 2.
double cubic(double x) {
    constexpr double kA = -0.5;
    x = std::abs(x);
    if (x < 1.0) return ((kA + 2.0) * x - (kA + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * kA;
    return 0.0;
}

struct Filter {
    double (*weight)(double x);
    double half_width;
};

Filter filter_of(Interpolation interpolation) {
    return interpolation == Interpolation::bicubic ? Filter{cubic, 2.0} : Filter{triangle, 1.0};
}

/// In units of 2^-22, rounded to nearest, away from zero where it is halfway between.
int32_t fixed_point(double share) {
    const double units = share * kWeightUnits;
    return static_cast<int32_t>(units < 0.0 ? units - 0.5 : units + 0.5);
}

Rectangle intersection(const Rectangle& crop, ImageSize size) {
    const int y = std::max(crop.y, 0), x = std::max(crop.x, 0);
    return {y, x, std::min(crop.y + crop.height, size.height) - y, std::min(crop.x + crop.width, size.width) - x};
}

/// Where an index outside [0, count) is reflected to, as a mirror standing on the outermost pixel would; again and
/// again.
int reflected(int index, int count) {
    if (count == 1) return 0;
    const int period = 2 * (count - 1), within = (index % period + period) % period;
    return within < count ? within : period - within;
}

void mirror(Image& image) {
    const int channels = image.channels;
    for (int y = 0; y < image.height; ++y) {
        uint8_t* left = image.row(y);
        uint8_t* right = left + image.row_bytes() - channels;
        for (; left < right; left += channels, right -= channels) std::swap_ranges(left, left + channels, right);
    }
}

}  // namespace

void ResampleTaps::prepare(int in, int out, int from, int to, Interpolation interpolation) {
    if (in == in_ && out == out_ && from == from_ && to == to_ && interpolation == interpolation_) return;
    in_ = in, out_ = out, from_ = from, to_ = to, interpolation_ = interpolation;
    const Filter filter = filter_of(interpolation);
    const double step = static_cast<double>(in) / out;
    const double widening = std::max(step, 1.0);  // the filter widens when shrinking: that is the antialiasing
    const double reach = filter.half_width * widening;
    const int most_taps = static_cast<int>(std::ceil(reach)) * 2 + 1;
    stride = (most_taps + kGroup - 1) / kGroup * kGroup;
    const size_t outputs = to - from;
    first.resize(outputs);
    count.resize(outputs);
    weights.assign(outputs * stride, 0);
    std::vector<double> share(stride);
    for (size_t i = 0; i < outputs; ++i) {
        const double centre = (from + static_cast<double>(i) + 0.5) * step;
        const int begin = std::max(static_cast<int>(centre - reach + 0.5), 0);
        const int end = std::min(static_cast<int>(centre + reach + 0.5), in);
        const size_t taps = end - begin;
        double total = 0;
        for (size_t tap = 0; tap < taps; ++tap) {
            share[tap] = filter.weight((static_cast<double>(tap) + begin - centre + 0.5) * (1.0 / widening));
            total += share[tap];
        }
        for (size_t tap = 0; tap < taps; ++tap) weights[i * stride + tap] = fixed_point(share[tap] / total);
        first[i] = begin;
        count[i] = static_cast<int>(taps);
    }
    split_weights();
}

void ResampleTaps::split_weights() {
    halves.resize(weights.size() * 2);
    for (size_t i = 0; i < weights.size(); ++i) {
        const size_t high = i / kGroup * kGroup * 2 + i % kGroup;
        halves[high] = static_cast<int16_t>(weights[i] >> kLowBits);
        halves[high + kGroup] = static_cast<int16_t>(weights[i] & ((1 << kLowBits) - 1));
    }
}

Rectangle Resampler::prepare(const ResizePlan& plan) {
    plan_ = plan;
    kept_ = intersection(plan.crop, plan.resized);
    needed_ = {plan.source.y + kept_.y, plan.source.x + kept_.x, kept_.height, kept_.width};
    if (changes_height()) {
        rows_.prepare(plan.source.height, plan.resized.height, kept_.y, kept_.y + kept_.height, plan.interpolation);
        needed_.y = plan.source.y + rows_.first_input();
        needed_.height = rows_.end_input() - rows_.first_input();
    }
    if (changes_width()) {
        columns_.prepare(plan.source.width, plan.resized.width, kept_.x, kept_.x + kept_.width, plan.interpolation);
        needed_.x = plan.source.x + columns_.first_input();
        needed_.width = columns_.end_input() - columns_.first_input();
    }
    return needed_;
}

/// Pillow 13 begins with the height where it loses more than twice as many pixels as the width; before, it never did.
/// In exact arithmetic the order would not matter; with 8 bits in between it moves some pixels by 1.
bool Resampler::height_first() const {
    const int lost_rows = plan_.source.height - plan_.resized.height,
              lost_columns = plan_.source.width - plan_.resized.width;
    return lost_rows > 0 && lost_rows > 2 * lost_columns;
}

Image& Resampler::resize_width(const Image& from) {
    narrow_.reshape(from.height, kept_.width, from.channels);
    const size_t in_stride = from.row_bytes(), out_stride = narrow_.row_bytes();
    int y = 0;
    const auto bytes_behind = [&](int row) { return (from.height - row) * in_stride; };
    // Several rows at a time, as long as what the kernel may read behind them is still inside the image ...
    for (; y + kResampleRows < from.height && bytes_behind(y + kResampleRows) >= kResampleSlack; y += kResampleRows) {
        resample_rows(from.row(y), in_stride, kResampleRows, from.channels, columns_, narrow_.row(y), out_stride);
    }
    // ... and the last ones from a copy with room behind it.
    padded_.resize(in_stride + kResampleSlack);
    for (; y < from.height; ++y) {
        std::copy_n(from.row(y), in_stride, padded_.data());
        resample_rows(padded_.data(), in_stride, 1, from.channels, columns_, narrow_.row(y), out_stride);
    }
    return narrow_;
}

Image& Resampler::resize_height(const Image& from) {
    short_.reshape(kept_.height, from.width, from.channels);
    for (int y = 0; y < kept_.height; ++y) {
        const int32_t* weights = rows_.weights.data() + ptrdiff_t{y} * rows_.stride;
        blend_rows(from.row(rows_.first[y] - rows_.first_input()), from.row_bytes(), weights, rows_.count[y],
                   from.row_bytes(), short_.row(y));
    }
    return short_;
}

/// Fills the crop from what of it is visible, reflected at its edges.
void Resampler::reflect(const Image& visible, Image& out) const {
    const int channels = visible.channels, left = kept_.x - plan_.crop.x, top = kept_.y - plan_.crop.y;
    out.reshape(plan_.crop.height, plan_.crop.width, channels);
    for (int y = 0; y < out.height; ++y) {
        const uint8_t* from = visible.row(reflected(y - top, visible.height));
        uint8_t* to = out.row(y);
        for (int x = 0; x < out.width; ++x, to += channels) {
            const ptrdiff_t column = reflected(x - left, visible.width);
            std::copy_n(from + column * channels, channels, to);
        }
    }
}

/// Puts what is visible onto black.
void Resampler::frame(const Image& visible, Image& out) const {
    out.reshape(plan_.crop.height, plan_.crop.width, visible.channels);
    std::fill(out.pixels.begin(), out.pixels.end(), uint8_t{0});
    const int left = (kept_.x - plan_.crop.x) * visible.channels, top = kept_.y - plan_.crop.y;
    for (int y = 0; y < visible.height; ++y) std::copy_n(visible.row(y), visible.row_bytes(), out.row(top + y) + left);
}

void Resampler::run(Image& pixels, Image& out) {
    require(pixels.height == needed_.height && pixels.width == needed_.width,
            "Resampler: a window of {}x{}, expected {}x{}", pixels.width, pixels.height, needed_.width, needed_.height);
    Image* current = &pixels;
    if (changes_height() && height_first()) current = &resize_height(*current);
    if (changes_width()) current = &resize_width(*current);
    if (changes_height() && !height_first()) current = &resize_height(*current);
    if (kept_ == plan_.crop) {
        std::swap(*current, out);
    } else if (plan_.reflect) {
        reflect(*current, out);
    } else {
        frame(*current, out);
    }
    if (plan_.flip) mirror(out);
}

}  // namespace adaq
