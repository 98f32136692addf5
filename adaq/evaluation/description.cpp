// See description.h.
#include "adaq/evaluation/description.h"

#include <fmt/format.h>

#include <chrono>
#include <exception>

#include "adaq/data/fingerprints.h"
#include "adaq/settings/settings.h"
#include "loaders/weights/graph_json.h"
#include "report/describe.h"

namespace adaq {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

Report report_of(const Model& model, const ImageSets& images, const Device& device, const DeviceOptions& options) {
    Report report;
    report.model_file = model.file();
    report.architecture = model.description();
    report.notes = model.notes();
    report.notes.insert(report.notes.end(), images.notes().begin(), images.notes().end());
    report.adaq_version = ADAQ_VERSION;
    report.processor = device.description();
    report.libraries = {{"compiler", "g++ " __VERSION__}};
    report.device = device.name();
    report.threads = thread_count(options.threads);
    report.math = device.name() == "reference" ? "fp64" : options.math;
    return report;
}

std::string float_network_key(const Model& model, bool fold, const DeviceOptions& device) {
    const Model::State& state = model.state();
    return fmt::format("{} graph {} fold {} device {} {} {}", state.crc32(),
                       crc32_text(graph_json(state.stored.graph).dump()), fold, device.device,
                       thread_count(device.threads), device.math);
}

void describe_layers(Report& report, const LayersToDescribe& what) {
    const StoredModel& stored = what.original.state().stored;
    const Network& network = what.network;
    const Indexed<Shape> shapes =
        what.shapes.empty() ? value_shapes(network.graph, kNominalSize, kNominalSize) : what.shapes;
    if (stored.quantisation) {
        for (ValueId v = 0; v < network.values.count(); ++v) {
            const auto& quantiser = network.values[v];
            if (quantiser)
                report.activations.push_back(describe_activation(value_name(network.graph, v), *quantiser, {}));
        }
    }
    report.weights = describe_weights(network, what.per_channel, shapes, what.output_sqnr);
    report.sizes = describe_sizes(network, stored);
    report.parameters = report.sizes.float32 / 4;
}

void put_first(std::vector<std::string>& notes, const std::string& warning) {
    if (!warning.empty()) notes.insert(notes.begin(), warning);
}

Phase::Phase(Report& report, const char* name)
    : report_(report), name_(name), start_(now()), exceptions_(std::uncaught_exceptions()) {}

Phase::~Phase() {
    if (std::uncaught_exceptions() > exceptions_) return;
    const double seconds = now() - start_;
    report_.total_seconds += seconds;
    for (auto& [name, before] : report_.seconds) {
        if (name != name_) continue;
        before += seconds;
        return;
    }
    report_.seconds.emplace_back(name_, seconds);
}

}  // namespace adaq
