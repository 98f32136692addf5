// See bench_convolutions.h.
#include "tools/bench/bench_convolutions.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/program/device.h"
#include "loaders/atomic_file.h"
#include "tools/bench/convolution_cases.h"
#include "tools/bench/convolution_program.h"
#include "tools/bench/machine.h"
#include "tools/bench/row_file.h"
#include "tools/bench/timing.h"
#include "tools/program/streams.h"

namespace adaq {
namespace {

/// What one shape and direction took: ours through the device, and the yardstick alone (0 runs where it has none).
struct Measurement {
    Timing ours, alone;
    double ratio() const { return alone.best / ours.best; }  // of our speed to the yardstick's
};

class ConvolutionTimer {
  public:
    ConvolutionTimer(const Machine& machine, const ConvolutionBench& bench)
        : machine_(machine), programs_(*machine.device), bench_(bench) {}

    Storage storage(const ConvolutionCase& shape) const {
        if (bench_.codes) return {DType::u8, DType::u8};
        return bench_.rounding ? Storage{} : machine_.storage(shape.w);
    }

    Measurement time(const ConvolutionCase& shape, int batch, Direction direction, double seconds) {
        const auto compiled = machine_.device->compile(programs_.make(shape, batch, direction, storage(shape)));
        std::vector<std::function<void()>> works{[&] {
            compiled->run(machine_.replays);
            machine_.wait();
        }};
        const ConvolutionSizes sizes{batch, shape.x, shape.w, shape.y, shape.window};
        auto alone = bench_.codes ? std::function<void()>() : machine_.alone(sizes, direction);
        if (alone) works.push_back([this, alone] { alone(), machine_.wait(); });
        std::vector<Timing> timings = time_in_turn(seconds, works);
        for (Timing& timing : timings) timing.best /= machine_.replays, timing.median /= machine_.replays;
        return {timings.front(), timings.size() > 1 ? timings.back() : Timing{}};
    }

  private:
    const Machine& machine_;
    ConvolutionPrograms programs_;
    const ConvolutionBench& bench_;
};

class Table {
  public:
    Table(const Machine& machine, const std::string& row_file) : machine_(machine), row_file_(row_file) {
        print("{:<9} {:>5} {:>5}  {:<22} {:>5} {:>13} {:>17} {:>9} {:>9} {:>9} {:>6} {:>9} {:>6}\n", "direction",
              "image", "batch", "layer", "count", "x", "w", "best ms", "median ms", "GFLOP/s", "peak",
              machine.yardstick.substr(0, 9), "ratio");
    }
    void add(Direction direction, int image, int batch, const ConvolutionCase& shape, Storage storage,
             const Measurement& measured) {
        const Timing &ours = measured.ours, &alone = measured.alone;
        const double flops = shape.flops() * batch, speed = flops / ours.best,
                     peak = storage.operands == DType::u8 ? 0.0 : machine_.flops,  // of floats
            share = peak > 0.0 ? speed / peak : 0.0, theirs = alone.runs > 0 ? flops / alone.best : 0.0;
        print("{:<9} {:>5} {:>5}  {:<22} {:>5} {:>13} {:>17} {:>9.3f} {:>9.3f} {:>9.1f} {:>5.1f}% {:>9.1f} {:>6.2f}\n",
              to_string(direction), image, batch, shape.layer, shape.count, to_string(shape.x),
              fmt::format("{} /{}", to_string(shape.w), shape.window.stride_h), ours.best * 1e3, ours.median * 1e3,
              speed / 1e9, share * 100, theirs / 1e9, measured.ratio());
        nlohmann::json row = row_of(shape, image, batch);
        row.update({{"direction", to_string(direction)},
                    {"padding", shape.window.top},
                    {"operands", name_of(storage.operands)},
                    {"results", name_of(storage.results)},
                    {"seconds_best", ours.best},
                    {"seconds_median", ours.median},
                    {"runs", ours.runs},
                    {"gflops", speed / 1e9},
                    {"share_of_peak", share},
                    {"yardstick", machine_.yardstick},
                    {"yardstick_gflops", theirs / 1e9},
                    {"ratio", measured.ratio()}});
        row_file_.add(row);
        rows_.push_back(std::move(row));
        if (alone.runs == 0) return;
        logarithms_ += std::log(measured.ratio());
        ++compared_;
    }
    /// Of the ratios of the rows since the last call.
    void add_mean(Direction direction, int image, int batch) {
        if (compared_ == 0) return;
        const double mean = std::exp(logarithms_ / compared_);
        print("{:<9} {:>5} {:>5}  geometric mean of the ratios {:.3f}\n", to_string(direction), image, batch, mean);
        means_.push_back({{"direction", to_string(direction)}, {"image", image}, {"batch", batch}, {"ratio", mean}});
        logarithms_ = 0.0;
        compared_ = 0;
    }
    const nlohmann::json& rows() const { return rows_; }
    const nlohmann::json& means() const { return means_; }

  private:
    static const char* name_of(DType dtype) {
        return dtype == DType::u8 ? "u8" : dtype == DType::bf16 ? "bf16" : "fp32";
    }

    const Machine& machine_;
    RowFile row_file_;
    nlohmann::json rows_ = nlohmann::json::array(), means_ = nlohmann::json::array();
    double logarithms_ = 0.0;
    int compared_ = 0;
};

}  // namespace

int bench_convolutions(const ConvolutionBench& bench) {
    const Machine machine = make_machine(bench.device, bench.threads, bench.math, bench.wgmma);
    print("{}; {}\n", machine.device->description(), machine.limits);
    if (bench.codes && bench.directions != std::vector{Direction::forward})
        usage_error("--codes: integer execution has forward convolutions alone; use --direction forward");
    ConvolutionTimer timer(machine, bench);
    Table table(machine, bench.rows);
    for (int image : bench.images) {
        const auto cases = resnet18_convolutions(image, bench.layers);
        for (int batch : bench.batches) {
            for (Direction direction : bench.directions) {
                for (const ConvolutionCase& shape : cases)
                    table.add(direction, image, batch, shape, timer.storage(shape),
                              timer.time(shape, batch, direction, bench.seconds));
                table.add_mean(direction, image, batch);
            }
        }
    }
    if (!bench.json.empty()) {
        const nlohmann::json json{{"device", machine.device->description()},
                                  {"math", to_string(bench.math)},
                                  {"wgmma", bench.wgmma},
                                  {"rounding", bench.rounding},
                                  {"codes", bench.codes},
                                  {"peak", {{"gflops", machine.flops / 1e9}, {"measured", machine.limits}}},
                                  {"yardstick", machine.yardstick},
                                  {"convolutions", table.rows()},
                                  {"mean_ratios", table.means()}};
        write_file_atomically(bench.json, json.dump(2) + "\n");
    }
    return 0;
}

}  // namespace adaq
