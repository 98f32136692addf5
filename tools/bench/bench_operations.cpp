// See bench_operations.h.
#include "tools/bench/bench_operations.h"

#include <fmt/core.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "loaders/atomic_file.h"
#include "tools/bench/machine.h"
#include "tools/bench/row_file.h"
#include "tools/bench/timing.h"
#include "tools/program/streams.h"

namespace adaq {
namespace {

constexpr Stream kStream{1, 0, 0, 1};

/// A program of one operation on made-up values, and what it must read and write, in bytes.
class OneOperation {
  public:
    explicit OneOperation(Device& device) : device_(device) {}

    TensorId in(const Shape& shape, DType dtype = DType::f32) {
        bytes_ += element_count(shape) * (dtype == DType::bf16 ? 2 : 4);
        return small(shape, 0.4f, dtype);
    }
    TensorId out(const Shape& shape) {
        bytes_ += element_count(shape) * 4;
        return program_.bind(device_.create(shape));
    }
    /// Read and written.
    TensorId moved(const Shape& shape) {
        bytes_ += element_count(shape) * 4;
        return in(shape);
    }
    /// Not worth counting.
    TensorId small(const Shape& shape, float value, DType dtype = DType::f32) {
        const Buffer buffer = device_.create(shape, dtype);
        std::vector<float> values(element_count(shape));
        for (size_t i = 0; i < values.size(); ++i) values[i] = value * static_cast<float>(1 + i % 7);
        device_.upload(*buffer, values);
        return program_.bind(buffer);
    }
    /// The state of iteration 1.
    TensorId state() {
        const Buffer buffer = device_.create({kIterationValues});
        std::vector<float> values(kIterationValues);
        values[kIteration] = values[kRegulariserOn] = values[kFirstCorrection] = values[kSecondCorrection] = 1.0f;
        values[kBeta] = 11.0f;
        values[kRoundingRate] = values[kScaleRate] = 1e-6f;
        device_.upload(*buffer, values);
        return program_.bind(buffer);
    }
    OutputQuantiser quantiser(bool drop = false) {
        OutputQuantiser q{{4, true}, small({1}, 0.1f)};
        if (drop) q.dropping = Dropping{0.5f, kStream, state()};
        return q;
    }
    void add(const Operation& operation) { program_.add(operation); }

    const Program& program() const { return program_; }
    double bytes() const { return static_cast<double>(bytes_); }

  private:
    Device& device_;
    Program program_;
    int64_t bytes_ = 0;
};

struct Case {
    std::string name;
    Shape shape;
    std::function<void(OneOperation&)> make;
};

void add_activation_cases(std::vector<Case>& cases, const Shape& s) {
    const int64_t images = s[0];
    Shape cache = s;
    cache[0] = 2 * images;
    const auto indices = [images](OneOperation& o) {
        return o.small({images}, 1.0f);  // 1 ... 7, in turn
    };
    cases.push_back({"fake quantise", s, [=](OneOperation& o) {
                         const TensorId x = o.in(s);
                         o.add(FakeQuantise{x, o.out(s), o.quantiser()});
                     }});
    cases.push_back({"fake quantise, dropping", s, [=](OneOperation& o) {
                         const TensorId x = o.in(s);
                         o.add(FakeQuantise{x, o.out(s), o.quantiser(true)});
                     }});
    cases.push_back({"activation backward", s, [=](OneOperation& o) {
                         ActivationGradient a{o.in(s), Activation::relu(), o.quantiser(true), o.small({1}, 0.0f), 1.0};
                         const TensorId dy = o.in(s);
                         o.add(ActivationBackward{dy, o.out(s), kNone, a});
                     }});
    cases.push_back({"add relu", s, [=](OneOperation& o) {
                         const TensorId a = o.in(s), b = o.in(s), y = o.out(s);
                         Addition op{a, b, y};
                         op.quantiser = o.quantiser();
                         op.saved = o.out(s);
                         o.add(op);
                     }});
    cases.push_back({"batch norm", s, [=](OneOperation& o) {
                         const Shape c{s[3]};
                         o.in(s);  // x is read twice
                         const TensorId x = o.in(s), y = o.out(s);
                         o.add(BatchNorm{x, y, o.small(c, 1.0f), o.small(c, 0.1f), o.small(c, 0.0f), o.small(c, 1.0f),
                                         o.small(c, 0.0f), o.small(c, 1.0f)});
                     }});
    cases.push_back({"batch norm backward", s, [=](OneOperation& o) {
                         const Shape c{s[3]};
                         o.in(s);  // both are read twice
                         o.in(s);
                         const TensorId dy = o.in(s), x = o.in(s), dx = o.out(s);
                         o.add(BatchNormGradient{dy, x, dx, o.small(c, 1.0f), o.small(c, 0.0f), o.small(c, 1.0f)});
                     }});
    cases.push_back({"batch norm, fixed", s, [=](OneOperation& o) {
                         const Shape c{s[3]};
                         const TensorId x = o.in(s), y = o.out(s);
                         BatchNorm op{x,
                                      y,
                                      o.small(c, 1.0f),
                                      o.small(c, 0.1f),
                                      o.small(c, 0.0f),
                                      o.small(c, 1.0f),
                                      o.small(c, 0.0f),
                                      o.small(c, 1.0f)};
                         op.fixed = true;
                         o.add(op);
                     }});
    cases.push_back({"statistics loss", s, [=](OneOperation& o) {
                         const Shape c{s[3]};
                         o.in(s);  // x is read twice
                         const TensorId x = o.in(s), dy = o.in(s), dx = o.out(s);
                         StatisticsLoss op{x, dx, o.small({1}, 0.0f), o.small(c, 0.1f), o.small(c, 1.0f)};
                         op.through = ThroughFixedNorm{dy, o.small(c, 1.0f), o.small(c, 1.0f)};
                         o.add(op);
                     }});
    cases.push_back({"channel shift gradient", s, [=](OneOperation& o) {
                         const TensorId dy = o.in(s);
                         o.add(ChannelShiftGradient{dy, o.small({s[3]}, 0.0f)});
                     }});
    cases.push_back({"Adam", s, [=](OneOperation& o) {
                         const TensorId x = o.moved(s), gradient = o.in(s), m = o.moved(s), u = o.moved(s);
                         o.add(AdamStep{x, gradient, m, u, o.state()});
                     }});
    cases.push_back({"squared error", s, [=](OneOperation& o) {
                         const TensorId y = o.in(s), dy = o.out(s), target = o.small(cache, 0.3f);
                         o.add(SquaredError{y, target, dy, o.small({1}, 0.0f), indices(o)});
                     }});
    cases.push_back({"gather, mixing", s, [=](OneOperation& o) {
                         const TensorId x = o.small(cache, 0.3f), other = o.small(cache, 0.2f), y = o.moved(s);
                         o.add(Gather{x, y, indices(o), Mixing{other, 0.5f, kStream, o.state()}});
                     }});
    cases.push_back({"gather from bf16", s, [=](OneOperation& o) {
                         const TensorId x = o.small(cache, 0.3f, DType::bf16);
                         o.add(Gather{x, o.out(s), indices(o)});
                     }});
}

void add_pooling_cases(std::vector<Case>& cases, const Shape& s) {
    const Shape pooled{s[0], (s[1] - 1) / 2 + 1, (s[2] - 1) / 2 + 1, s[3]};
    cases.push_back({"max pool", s, [=](OneOperation& o) {
                         const TensorId x = o.in(s);
                         o.add(MaxPool{x, o.out(pooled)});
                     }});
    cases.push_back({"max pool backward", s, [=](OneOperation& o) {
                         const TensorId x = o.in(s), dy = o.in(pooled);
                         o.add(MaxPoolGradient{x, dy, o.out(s)});
                     }});
}

void add_average_cases(std::vector<Case>& cases, const Shape& s) {
    const Shape averaged{s[0], s[3]};
    cases.push_back({"global average pool", s, [=](OneOperation& o) {
                         const TensorId x = o.in(s);
                         o.add(GlobalAveragePool{x, o.out(averaged)});
                     }});
    cases.push_back({"global average pool backward", s, [=](OneOperation& o) {
                         const TensorId dy = o.in(averaged);
                         o.add(GlobalAveragePoolGradient{dy, o.out(s)});
                     }});
}

/// As MobileNetV2 has them.
void add_depthwise_cases(std::vector<Case>& cases, const Shape& x, int stride) {
    const int64_t side = (x[1] - 1) / stride + 1, channels = x[3];
    const Shape y{x[0], side, side, channels}, w{channels, 3, 3, 1};
    ConvolutionWindow window = ConvolutionWindow::square(stride, 1);
    window.groups = static_cast<int>(channels);
    const std::string name = stride == 1 ? "depthwise 3x3" : "depthwise 3x3 /2";
    cases.push_back({name, x, [=](OneOperation& o) {
                         const TensorId in = o.in(x);
                         Convolution op{in, o.small(w, 0.1f), o.out(y), window};
                         op.epilogue.shift = o.small({channels}, 0.1f);
                         op.epilogue.activation = Activation::clamp(0.0f, 6.0f);
                         o.add(op);
                     }});
    cases.push_back({name + " to data", x, [=](OneOperation& o) {
                         const TensorId dy = o.in(y);
                         o.add(ConvolutionToData{dy, o.small(w, 0.1f), o.out(x), window});
                     }});
    cases.push_back({name + " to weights", x, [=](OneOperation& o) {
                         const TensorId in = o.in(x), dy = o.in(y);
                         o.add(ConvolutionToWeights{in, dy, o.small(w, 0.0f), window});
                     }});
}

void add_weight_cases(std::vector<Case>& cases, const Shape& s) {
    const auto rounding = [s](OneOperation& o, TensorId v) {
        const Shape k{s[0]};
        const TensorId w = o.in(s), w_hat = o.out(s);
        return Rounding{w, v, w_hat, o.small(k, 0.1f), o.small(k, 0.0f), o.small(k, 1.0f), {4, false}};
    };
    cases.push_back({"channel scale gradient", s, [=](OneOperation& o) {
                         const Shape k{s[0]};
                         const TensorId w_hat = o.in(s), gradient = o.in(s);
                         o.add(ChannelScaleGradient{w_hat, gradient, o.small(k, 1.0f), o.small(k, 0.0f)});
                     }});
    cases.push_back({"round weights", s, [=](OneOperation& o) { o.add(RoundWeights{rounding(o, o.in(s))}); }});
    cases.push_back({"rounding step", s, [=](OneOperation& o) {
                         RoundingStep op{rounding(o, o.moved(s)), o.in(s), o.moved(s), o.moved(s), o.state()};
                         op.penalty = o.small({1}, 0.0f);
                         o.add(op);
                     }});
}

std::vector<Case> cases_of(int image, int batch) {
    std::vector<Case> cases;
    const int64_t edge = (image + 1) / 2, n = batch;
    add_pooling_cases(cases, {n, edge, edge, 64});
    for (int stage = 0; stage < 4; ++stage) {
        const int64_t side = std::max<int64_t>(edge >> (stage + 1), 1);
        add_activation_cases(cases, {n, side, side, int64_t{64} << stage});
    }
    const auto of_stage = [&](int stage, int64_t channels) {
        const int64_t side = std::max<int64_t>(edge >> stage, 1);
        return Shape{n, side, side, channels};
    };
    add_depthwise_cases(cases, of_stage(0, 32), 1);
    add_depthwise_cases(cases, of_stage(0, 96), 2);
    add_depthwise_cases(cases, of_stage(1, 144), 1);
    add_depthwise_cases(cases, of_stage(3, 384), 1);
    add_depthwise_cases(cases, of_stage(4, 960), 1);
    const int64_t last = std::max<int64_t>(edge >> 4, 1);
    add_average_cases(cases, {n, last, last, 512});
    for (const int64_t width : {64, 128, 256, 512}) add_weight_cases(cases, {width, 3, 3, width});
    const Shape logits{n, 1000};
    cases.push_back({"kl divergence", logits, [=](OneOperation& o) {
                         const TensorId x = o.in(logits), target = o.in(logits);
                         o.add(KlDivergence{x, target, o.out(logits), o.small({1}, 0.0f)});
                     }});
    return cases;
}

}  // namespace

int bench_operations(const OperationBench& bench) {
    const Machine machine = make_machine(bench.device, bench.threads, bench.math);
    print("{}; {}\n", machine.device->description(), machine.limits);
    print("{:<29} {:>5} {:>16} {:>10} {:>10} {:>9} {:>7}\n", "operation", "batch", "shape", "best ms", "median ms",
          "GB/s", "copying");
    RowFile row_file(bench.rows);
    nlohmann::json rows = nlohmann::json::array();
    for (int batch : bench.batches) {
        for (const Case& c : cases_of(bench.image, batch)) {
            if (c.name.find(bench.operations) == std::string::npos) continue;
            OneOperation operation(*machine.device);
            c.make(operation);
            const auto compiled = machine.device->compile(operation.program());
            Timing timing = time_repeatedly(bench.seconds, [&] {
                compiled->run(machine.replays);
                machine.wait();
            });
            timing.best /= machine.replays, timing.median /= machine.replays;
            const double speed = operation.bytes() / timing.best, share = speed / machine.bandwidth;
            print("{:<29} {:>5} {:>16} {:>10.4f} {:>10.4f} {:>9.1f} {:>6.1f}%\n", c.name, batch, to_string(c.shape),
                  timing.best * 1e3, timing.median * 1e3, speed / 1e9, share * 100);
            rows.push_back({{"operation", c.name},
                            {"batch", batch},
                            {"shape", c.shape},
                            {"bytes", operation.bytes()},
                            {"seconds_best", timing.best},
                            {"seconds_median", timing.median},
                            {"gigabytes_per_second", speed / 1e9},
                            {"share_of_copying", share}});
            row_file.add(rows.back());
        }
    }
    if (rows.empty()) usage_error("--operation {}: there is no such operation", bench.operations);
    if (!bench.json.empty()) {
        const nlohmann::json json{{"device", machine.device->description()},
                                  {"measured", machine.limits},
                                  {"gigabytes_per_second", machine.bandwidth / 1e9},
                                  {"operations", rows}};
        write_file_atomically(bench.json, json.dump(2) + "\n");
    }
    return 0;
}

}  // namespace adaq
