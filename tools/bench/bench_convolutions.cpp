// See bench_convolutions.h.
#include "tools/bench/bench_convolutions.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/device.h"
#include "engine/error.h"
#include "engine/network.h"
#include "loaders/atomic_file.h"
#include "tools/bench/peak.h"
#include "tools/bench/random_model.h"
#include "tools/bench/timing.h"

namespace adaq {
namespace {

/// One distinct shape, named after the first layer that has it.
struct ConvolutionCase {
    std::string layer;
    Shape x, w, y;  // of one image: [H,W,C], KRSC, [P,Q,K]
    int stride = 1, padding = 0, count = 1;

    bool same_shape(const ConvolutionCase& other) const {
        return x == other.x && w == other.w && stride == other.stride && padding == other.padding;
    }
    /// Multiply-adds count two; those with padding are counted as if they were done, as everybody counts them.
    double flops() const { return 2.0 * static_cast<double>(element_count(y) * element_count(w) / w[0]); }
};

std::vector<ConvolutionCase> cases_of(const Network& network, int image, const std::string& filter) {
    const std::vector<Shape> shapes = value_shapes(network, image, image);
    std::vector<ConvolutionCase> cases;
    for (size_t i = 0; i < network.graph.nodes.size(); ++i) {
        const Node& node = network.graph.nodes[i];
        if (node.kind != NodeKind::convolution || node.name.find(filter) == std::string::npos) continue;
        const ConvolutionCase found{node.name,
                                    shapes[static_cast<size_t>(node.inputs[0])],
                                    network.layers[static_cast<size_t>(node.layer)].shape,
                                    shapes[i + 1],
                                    node.stride,
                                    node.padding};
        const auto same =
            std::find_if(cases.begin(), cases.end(), [&](const auto& other) { return found.same_shape(other); });
        if (same == cases.end())
            cases.push_back(found);
        else
            ++same->count;
    }
    return cases;
}

class ConvolutionTimer {
  public:
    explicit ConvolutionTimer(Device& device) : device_(device) {}

    /// The convolution with bias and ReLU in its epilogue, as a network with folded batch norms has it.
    Timing time(const ConvolutionCase& shape, int batch, double seconds) {
        Program program;
        Convolution op{program.bind(random_buffer(batched(shape.x, batch))),
                       program.bind(random_buffer(shape.w)),
                       program.bind(device_.create(batched(shape.y, batch))),
                       shape.stride,
                       shape.padding,
                       {}};
        op.epilogue.shift = program.bind(random_buffer({shape.w[0]}));
        op.epilogue.relu = true;
        program.add(op);
        const auto compiled = device_.compile(program);
        return time_repeatedly(seconds, [&] { compiled->run(); });
    }

  private:
    static Shape batched(Shape shape, int batch) {
        shape.insert(shape.begin(), batch);
        return shape;
    }
    Buffer random_buffer(const Shape& shape) {
        std::vector<float> values(static_cast<size_t>(element_count(shape)));
        std::uniform_real_distribution<float> uniform(-1.0f, 1.0f);
        for (float& value : values) value = uniform(random_);
        const Buffer buffer = device_.create(shape);
        device_.upload(*buffer, values);
        return buffer;
    }

    Device& device_;
    std::minstd_rand random_{1};
};

class Table {
  public:
    explicit Table(const Peak& peak) : peak_(peak) {
        fmt::print("{:>5} {:>5}  {:<22} {:>5} {:>13} {:>17} {:>9} {:>9} {:>9} {:>6}\n", "image", "batch", "layer",
                   "count", "x", "w", "best ms", "median ms", "GFLOP/s", "peak");
    }
    void add(int image, int batch, const ConvolutionCase& shape, const Timing& timing) {
        const double flops = shape.flops() * batch / timing.best, share = flops / peak_.flops;
        fmt::print("{:>5} {:>5}  {:<22} {:>5} {:>13} {:>17} {:>9.3f} {:>9.3f} {:>9.1f} {:>5.1f}%\n", image, batch,
                   shape.layer, shape.count, to_string(shape.x),
                   fmt::format("{} /{}", to_string(shape.w), shape.stride), timing.best * 1e3, timing.median * 1e3,
                   flops / 1e9, share * 100);
        std::fflush(stdout);
        rows_.push_back({{"image", image},
                         {"batch", batch},
                         {"layer", shape.layer},
                         {"count", shape.count},
                         {"x", shape.x},
                         {"w", shape.w},
                         {"stride", shape.stride},
                         {"padding", shape.padding},
                         {"seconds_best", timing.best},
                         {"seconds_median", timing.median},
                         {"runs", timing.runs},
                         {"gflops", flops / 1e9},
                         {"share_of_peak", share}});
    }
    const nlohmann::json& rows() const { return rows_; }

  private:
    Peak peak_;
    nlohmann::json rows_ = nlohmann::json::array();
};

}  // namespace

int bench_convolutions(const ConvolutionBench& bench) {
    const auto device = make_device("cpu", bench.threads);
    const Peak peak = measure_peak(bench.threads);
    const Network network = make_network(random_resnet18(), true);
    fmt::print("{}; measured peak {:.1f} GFLOP/s\n", device->description(), peak.flops / 1e9);
    ConvolutionTimer timer(*device);
    Table table(peak);
    for (int image : bench.images) {
        const auto cases = cases_of(network, image, bench.layers);
        if (cases.empty()) usage_error("--layers {}: ResNet18 has no such convolution", bench.layers);
        for (int batch : bench.batches) {
            for (const ConvolutionCase& shape : cases)
                table.add(image, batch, shape, timer.time(shape, batch, bench.seconds));
        }
    }
    if (!bench.json.empty()) {
        const nlohmann::json json{
            {"device", device->description()}, {"peak", to_json(peak)}, {"convolutions", table.rows()}};
        write_file_atomically(bench.json, json.dump(2) + "\n");
    }
    return 0;
}

}  // namespace adaq
