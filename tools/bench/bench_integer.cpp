// See bench_integer.h.
#include "tools/bench/bench_integer.h"

#include <fmt/core.h>
#include <omp.h>

#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "kernels/cpu/integer/convolution.h"
#include "kernels/cpu/integer/reciprocal.h"
#include "kernels/cpu/thread_count.h"
#include "loaders/atomic_file.h"
#include "tools/bench/convolution_cases.h"
#include "tools/bench/integer_peak.h"
#include "tools/bench/onednn/onednn_alone.h"
#include "tools/bench/peak.h"
#include "tools/bench/timing.h"
#include "tools/program/streams.h"

namespace adaq {
namespace {

namespace integer = cpu::integer;

integer::Geometry geometry_of(const ConvolutionCase& shape) {
    integer::Geometry g{
        .h = shape.x[0], .w = shape.x[1], .c = shape.x[2], .k = shape.w[0], .r = shape.w[1], .s = shape.w[2]};
    g.stride_h = g.stride_w = shape.window.stride_h;
    g.top = g.left = g.bottom = g.right = shape.window.top;
    return g;
}

/// A layer with its tensors, codes or floats.
class TimedLayer {
  public:
    TimedLayer(const ConvolutionCase& shape, int batch, const IntegerBench& bench, int threads,
               const integer::Instructions& set)
        : batch_(batch),
          threads_(threads),
          scale_(static_cast<size_t>(shape.w[0]), 1.37e-5f),
          shift_(scale_.size(), 0.5f) {
        const integer::Geometry g = geometry_of(shape);
        const auto x_count = static_cast<size_t>(batch * element_count(shape.x));
        epilogue_.scale = scale_.data();
        epilogue_.shift = shift_.data();
        epilogue_.lowest = 0.0f;
        y_codes_.resize(static_cast<size_t>(batch * element_count(shape.y)));
        epilogue_.quantiser = integer::Quantiser{0.0173f, 0, 0, 255};
        epilogue_.quantiser->products = integer::products_have_codes(*epilogue_.quantiser);
        if (bench.sums == "codes") {
            std::vector<int8_t> w(static_cast<size_t>(g.weights()));
            const int dropped = 8 - bench.bits;
            for (size_t i = 0; i < w.size(); ++i)
                w[i] = static_cast<int8_t>((static_cast<int>(i * 37 % 255) - 127) >> dropped);
            x_codes_.resize(x_count);
            for (size_t i = 0; i < x_count; ++i) x_codes_[i] = static_cast<uint8_t>((i * 29 & 255) >> dropped);
            codes_.emplace(integer::Convolution::Settings{.geometry = g, .w = w, .x_most = (1 << bench.bits) - 1}, set);
            workspace_ = integer::AlignedBytes(codes_->workspace_bytes(batch, threads));
        } else {
            std::vector<float> w(static_cast<size_t>(g.weights()));
            for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i * 37 % 255) - 127.0f;
            x_floats_.assign(x_count, 3.0f);
            floats_.emplace(g, w, bench.sums == "exact" ? integer::FloatSum::exact : integer::FloatSum::in_order, set);
            workspace_ = integer::AlignedBytes(floats_->workspace_bytes(batch, threads));
        }
    }
    void run() {
        const integer::Result y{nullptr, y_codes_.data()};
        if (codes_) {
            codes_->run(x_codes_.data(), batch_, epilogue_, y, workspace_.data(), threads_);
        } else {
            floats_->run(x_floats_.data(), batch_, epilogue_, y, workspace_.data(), threads_);
        }
    }

  private:
    int64_t batch_;
    int threads_;
    std::vector<float> scale_, shift_, x_floats_;
    std::vector<uint8_t> x_codes_, y_codes_;
    integer::Epilogue epilogue_;
    std::optional<integer::Convolution> codes_;
    std::optional<integer::FloatConvolution> floats_;
    integer::AlignedBytes workspace_;
};

double measured_peak(const IntegerBench& bench, integer::Level level, int threads) {
    if (bench.sums == "codes") return measure_integer_peak(level, threads);
    return measure_peak(threads).flops / (bench.sums == "exact" ? 4.0 : 2.0);
}

}  // namespace

int bench_integer(const IntegerBench& bench) {
    const integer::Level level = bench.level.empty() ? integer::best_level() : integer::level_named(bench.level);
    if (!integer::runs(level)) usage_error("--level {}: this processor lacks it", bench.level);
    const integer::Instructions& set = integer::instructions(level);
    const int threads = bench.threads > 0 ? bench.threads : omp_get_num_procs();
    const cpu::ThreadCount count(threads);
    const double peak = measured_peak(bench, level, threads);
    print("{}, {} thread{}, sums of {}: measured peak {:.1f} GMAC/s\n", set.name, threads, threads == 1 ? "" : "s",
          bench.sums, peak / 1e9);
    nlohmann::json rows = nlohmann::json::array(), totals = nlohmann::json::array();
    for (const int image : bench.images) {
        const auto cases = resnet18_convolutions(image, bench.layers);
        for (const int batch : bench.batches) {
            print("{:>5} {:>5}  {:<22} {:>5} {:>13} {:>17} {:>9} {:>9} {:>6} {:>9} {:>6}\n", "image", "batch", "layer",
                  "count", "x", "w", "best ms", "GMAC/s", "peak", "oneDNN", "ratio");
            double ours_all = 0.0, theirs_all = 0.0;
            for (const ConvolutionCase& shape : cases) {
                TimedLayer layer(shape, batch, bench, threads, set);
                std::vector<std::function<void()>> works{[&] { layer.run(); }};
                const ConvolutionSizes sizes{batch, shape.x, shape.w, shape.y, shape.window};
                if (auto alone = onednn_codes_alone(sizes)) works.push_back(alone);
                const std::vector<Timing> timings = time_in_turn(bench.seconds, works);
                const double products = shape.flops() / 2.0 * batch, ours = timings.front().best,
                             theirs = timings.size() > 1 ? timings.back().best : 0.0;
                ours_all += shape.count * ours, theirs_all += shape.count * theirs;
                print("{:>5} {:>5}  {:<22} {:>5} {:>13} {:>17} {:>9.3f} {:>9.1f} {:>5.1f}% {:>9.1f} {:>6.2f}\n", image,
                      batch, shape.layer, shape.count, to_string(shape.x),
                      fmt::format("{} /{}", to_string(shape.w), shape.window.stride_h), ours * 1e3,
                      products / ours / 1e9, peak > 0.0 ? 100.0 * products / ours / peak : 0.0,
                      theirs > 0.0 ? products / theirs / 1e9 : 0.0, theirs / ours);
                rows.push_back(row_of(shape, image, batch));
                rows.back().update({{"seconds_best", ours},
                                    {"seconds_median", timings.front().median},
                                    {"gmacs", products / ours / 1e9},
                                    {"yardstick_gmacs", theirs > 0.0 ? products / theirs / 1e9 : 0.0}});
            }
            print("{:>5} {:>5}  all layers: {:.3f} ms an image, oneDNN {:.3f} ms\n", image, batch,
                  ours_all * 1e3 / batch, theirs_all * 1e3 / batch);
            totals.push_back({{"image", image},
                              {"batch", batch},
                              {"seconds_an_image", ours_all / batch},
                              {"yardstick_seconds_an_image", theirs_all / batch}});
        }
    }
    if (!bench.json.empty()) {
        const nlohmann::json json{{"instruction_set", set.name}, {"threads", threads},   {"sums", bench.sums},
                                  {"peak_gmacs", peak / 1e9},    {"convolutions", rows}, {"networks", totals}};
        write_file_atomically(bench.json, json.dump(2) + "\n");
    }
    return 0;
}

}  // namespace adaq
