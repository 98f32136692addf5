// See bench_session.h.
#include "tools/bench/bench_session.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <random>

#include "adaq/session.h"
#include "adaq/state/model_state.h"
#include "engine/error.h"
#include "loaders/atomic_file.h"
#include "tools/bench/machine.h"
#include "tools/bench/random_model.h"
#include "tools/bench/timing.h"
#include "tools/program/streams.h"

namespace adaq {
namespace {

constexpr int kUsualEdge = 224;

/// ResNet18, W4A8, its input in 8 bits.
Model random_model(const std::string& device_name) {
    constexpr int kCalibrationEdge = 64;
    const StoredModel stored = random_resnet18();
    const auto device = make_device(device_name, 1);
    auto state = std::make_shared<Model::State>();
    state->stored =
        quantised_model(quantised_w4a8(*device, make_network(stored, false), kCalibrationEdge, 8), stored, "{}");
    state->stored.preprocessing = Preprocessing{256, kUsualEdge};
    return Model(std::move(state));
}

std::vector<uint8_t> random_pixels(size_t count) {
    std::vector<uint8_t> pixels(count);
    std::minstd_rand random(11);
    for (uint8_t& pixel : pixels) pixel = static_cast<uint8_t>(random() >> 8);
    return pixels;
}

/// Loads it a few times: the best tells what the code can do.
double seconds_to_load(const std::string& path, const SessionOptions& options) {
    constexpr double kSeconds = 0.5;
    return time_repeatedly(kSeconds, [&] { (void)load_session(path, options); }).best;
}

void print_shares(const Session& session, std::span<const uint8_t> pixels, double seconds, nlohmann::json& json) {
    std::vector<LayerTime> sums;
    time_repeatedly(seconds, [&] {
        const std::vector<LayerTime> layers = session.time_layers(pixels);
        if (sums.empty()) sums = layers;
        for (size_t i = 0; i < sums.size(); ++i) sums[i].seconds += layers[i].seconds;
    });
    double all = 0.0;
    for (const LayerTime& layer : sums) all += layer.seconds;
    for (const LayerTime& layer : sums) {
        print("  {:<28} {:>6.1f} %\n", layer.name, 100.0 * layer.seconds / all);
        json.push_back({{"layer", layer.name}, {"share", layer.seconds / all}});
    }
}

}  // namespace

int bench_session(const SessionBench& bench) {
    const Model model = bench.weights.empty() ? random_model(bench.device) : load(bench.weights);
    if (!model.quantised()) usage_error("--integer: {} is a float network", bench.weights);
    nlohmann::json rows = nlohmann::json::array();
    nlohmann::json json;
    print("{}, {}{}\n", model.description(), make_device(bench.device, bench.threads)->description(),
          bench.device == "cpu" ? fmt::format(", integers by {}", integer_instructions()) : "");
    print("{:>9} {:>5} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "image", "batch", "median ms", "99 % ms", "images/s",
          "run MB", "weights MB");
    for (const int batch : bench.batches.empty() ? std::vector<int>{1, 32} : bench.batches) {
        SessionOptions options{bench.device, bench.threads, batch, bench.image, bench.image};
        if (bench.image == 0 && model.state().stored.input_size().first == 0)
            options.height = options.width = kUsualEdge;
        const Session session(model, options);
        const std::vector<uint8_t> pixels =
            random_pixels(int64_t{batch} * session.height() * session.width() * session.channels());
        std::vector<float> logits(int64_t{batch} * session.classes());
        const Timing timing = time_repeatedly(bench.seconds, [&] { session.run(pixels, logits); });
        const SessionMemory memory = session.memory();
        const double run = static_cast<double>(memory.maps + memory.workspace), rate = batch / timing.median;
        print("{:>9} {:>5} {:>10.2f} {:>10.2f} {:>10.1f} {:>10.1f} {:>10.1f}\n",
              fmt::format("{}x{}", session.width(), session.height()), batch, timing.median * 1e3, timing.most * 1e3,
              rate, run / 1e6, static_cast<double>(memory.weights) / 1e6);
        nlohmann::json row{{"batch", batch},
                           {"threads", bench.threads},
                           {"image", {session.height(), session.width()}},
                           {"runs", timing.runs},
                           {"seconds_best", timing.best},
                           {"seconds_median", timing.median},
                           {"seconds_99", timing.most},
                           {"images_per_second", rate},
                           {"bytes_weights", memory.weights},
                           {"bytes_maps", memory.maps},
                           {"bytes_workspace", memory.workspace}};
        if (!bench.weights.empty() && !json.contains("seconds_to_load"))
            json["seconds_to_load"] = seconds_to_load(bench.weights, options);
        if (bench.shares) print_shares(session, pixels, bench.seconds, row["layers"] = nlohmann::json::array());
        rows.push_back(row);
    }
    if (json.contains("seconds_to_load"))
        print("loading {}: {:.1f} ms\n", bench.weights, json["seconds_to_load"].get<double>() * 1e3);
    json["sessions"] = rows;
    if (!bench.json.empty()) write_file_atomically(bench.json, json.dump(2) + "\n");
    return 0;
}

}  // namespace adaq
