// See bench_network.h.
#include "tools/bench/bench_network.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "engine/passes/executor.h"
#include "loaders/atomic_file.h"
#include "loaders/weights/weights.h"
#include "tools/bench/random_model.h"
#include "tools/bench/timing.h"
#include "tools/program/streams.h"

namespace adaq {
namespace {

Timing time_network(Device& device, const Network& network, int edge, int batch, double seconds) {
    Executor executor(device, network, batch, edge, edge);
    const Tensor images = random_images(batch, edge, network.graph.input_channels);
    std::vector<float> logits(batch * executor.classes());
    return time_repeatedly(seconds, [&] { executor.run(images.values, logits); });
}

class NetworkTable {
  public:
    NetworkTable() {
        print("{:<8} {:>5} {:>5} {:>10} {:>10} {:>14} {:>16}\n", "network", "image", "batch", "best ms", "median ms",
              "images/s best", "images/s median");
    }
    void add(const char* network, int image, int batch, const Timing& timing) {
        const double best = batch / timing.best, median = batch / timing.median;
        print("{:<8} {:>5} {:>5} {:>10.2f} {:>10.2f} {:>14.1f} {:>16.1f}\n", network, image, batch, timing.best * 1e3,
              timing.median * 1e3, best, median);
        rows_.push_back({{"network", network},
                         {"image", image},
                         {"batch", batch},
                         {"seconds_best", timing.best},
                         {"seconds_median", timing.median},
                         {"runs", timing.runs},
                         {"images_per_second_best", best},
                         {"images_per_second_median", median}});
    }
    const nlohmann::json& rows() const { return rows_; }

  private:
    nlohmann::json rows_ = nlohmann::json::array();
};

}  // namespace

int bench_network(const NetworkBench& bench) {
    if (bench.images.size() != bench.batches.size()) {
        usage_error("--image and --batch: {} and {} values, expected as many of each", bench.images.size(),
                    bench.batches.size());
    }
    const auto device = make_device("cpu", bench.threads);
    const StoredModel model = bench.weights.empty() ? random_resnet18() : load_weights(bench.weights);
    const Network network = make_network(model, false);
    print("{}\n", device->description());
    NetworkTable table;
    for (size_t i = 0; i < bench.images.size(); ++i) {
        const int image = bench.images[i], batch = bench.batches[i];
        if (network.quantised()) {
            table.add("as saved", image, batch, time_network(*device, network, image, batch, bench.seconds));
            continue;
        }
        table.add("float", image, batch, time_network(*device, network, image, batch, bench.seconds));
        if (!bench.quantised) continue;
        const Network quantised = quantised_w4a8(*device, network, image);
        table.add("W4A8", image, batch, time_network(*device, quantised, image, batch, bench.seconds));
    }
    if (network.quantised() || bench.quantised)
        print("Quantised networks are simulated in float32 here; --integer times them as they run.\n");
    if (!bench.json.empty()) {
        const nlohmann::json json{{"device", device->description()}, {"networks", table.rows()}};
        write_file_atomically(bench.json, json.dump(2) + "\n");
    }
    return 0;
}

}  // namespace adaq
