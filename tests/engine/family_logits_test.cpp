// Small networks of every family against PyTorch's logits in float64.
#include <doctest/doctest.h>

#include <cmath>

#include "engine/error.h"
#include "engine/nearest.h"
#include "engine/passes/executor.h"
#include "support/devices.h"
#include "support/family_fixtures.h"
#include "support/onnx_files.h"
#include "support/operations.h"
#include "support/sanitizer.h"
#include "support/temporary_folder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

/// The root of the mean square.
double error_of(const std::vector<float>& logits, const std::vector<double>& exact) {
    REQUIRE(logits.size() == exact.size());
    double sum = 0.0;
    for (size_t i = 0; i < exact.size(); ++i) sum += (logits[i] - exact[i]) * (logits[i] - exact[i]);
    return std::sqrt(sum / static_cast<double>(exact.size()));
}

/// Of the error, in that of PyTorch's contiguous tensors, whose kernels err least. It folds nothing: folded, each
/// weight is rounded once more. The CPU multiplies wide 3x3 windows by Winograd's F(4x4, 3x3), whose rounding is larger
/// than that of a sum (tools/compare_float_logits.py compares networks of full size).
double bound_of(const std::string& name, const std::string& device, bool fold) {
    if (fold) return 3.0;
    return device != "reference" && name.find("resnet") != std::string::npos ? 2.5 : 2.0;
}

Network rounded(Device& device, const SmallNetwork& small, const StoredModel& model, bool fold) {
    Network network = make_network(model, fold);
    quantise_weights(device, network, {{"minmax", 4, 2.4, false}, true, true});
    SiteOptions sites;
    sites.bits = 8;
    start_activations(device, network, small.images(), activation_sites(network.graph, sites),
                      {"minmax", 8, 2.4, false});
    return network;
}

}  // namespace

TEST_SUITE("families") {
    TEST_CASE("float logits are as near to float64 as twice PyTorch's own are") {
        for (const std::string& name : SmallNetwork::names()) {
            const SmallNetwork small(name);
            const StoredModel model = small.model(hints_of(name));
            // The reference is slow, the more so with instrumented code.
            for (const std::string& device : kAddressSanitizer ? devices_under_test() : all_devices()) {
                Bench bench(device);
                for (bool fold : {false, true}) {
                    INFO(name << " on " << device << ", folded " << fold);
                    const std::vector<float> logits =
                        logits_of(bench.device(), make_network(model, fold), small.images());
                    CHECK(error_of(logits, small.logits()) <= bound_of(name, device, fold) * small.float32_error());
                }
            }
        }
    }

    TEST_CASE("quantised networks of every family are saved and loaded to the same logits, and run as integers") {
        const TemporaryFolder folder;
        for (const std::string& name : SmallNetwork::names()) {
            const SmallNetwork small(name);
            const StoredModel model = small.model(hints_of(name));
            Bench bench("cpu");
            for (bool fold : {false, true}) {
                INFO(name << ", folded " << fold);
                const Network network = rounded(bench.device(), small, model, fold);
                const std::vector<float> logits = logits_of(bench.device(), network, small.images());
                save_bin(folder / "q.bin", quantised_model(network, model, "{}"));
                const Network again = make_network(load_weights(folder / "q.bin"), false);
                CHECK(logits_of(bench.device(), again, small.images()) == logits);
                CHECK(logits_of(bench.device(), again, small.images(), Execution::integer) == logits);
            }
        }
    }

    TEST_CASE("what goes to PyTorch has torchvision's tensors, and is read back as the same network") {
        const TemporaryFolder folder;
        Bench bench("cpu");
        for (const std::string& name : SmallNetwork::names()) {
            const SmallNetwork small(name);
            const StoredModel model = small.model(hints_of(name));
            INFO(name);
            save_safetensors(folder / "f.safetensors", model);
            const StoredModel read = load_weights(folder / "f.safetensors");
            CHECK(read.graph == model.graph);
            CHECK(read.graph.description == model.graph.description);
            CHECK(equal(read.tensors, small.tensors()));
            for (bool fold : {false, true}) {
                const Network network = rounded(bench.device(), small, model, fold);
                save_safetensors(folder / "q.safetensors", quantised_model(network, model, "{}"));
                const StoredModel floats = load_weights(folder / "q.safetensors");
                CHECK(floats.tensors.size() == small.shapes().size());
                Network with_floats = make_network(floats, false), weights_alone = network;
                for (auto& site : weights_alone.values) site.reset();
                CHECK(relative_error(logits_of(bench.device(), with_floats, small.images()),
                                     logits_of(bench.device(), weights_alone, small.images())) < 1e-5);
            }
        }
    }

    TEST_CASE("ONNX has a map flattened before the layer that reads it, and the layer's weight as PyTorch has it") {
        const SmallNetwork small("vgg_bn");
        const StoredModel model = small.model();
        const onnx::GraphProto graph = onnx::export_network("f.onnx", model, {}).model.graph;
        const onnx::TensorProto* weight = find_initializer(graph, "classifier.0.weight");
        REQUIRE(weight);
        CHECK(values_of<float>(*weight) == small.tensors().at("classifier.0.weight").values);
        REQUIRE(count_of(graph, "Flatten") == 1);
        const onnx::NodeProto* flatten = maker_of(graph, "classifier.0.flatten");
        REQUIRE(flatten);
        CHECK(flatten->op_type == "Flatten");
        Bench bench("reference");
        const StoredModel quantised = quantised_model(rounded(bench.device(), small, model, true), model, "{}");
        const onnx::GraphProto codes = onnx::export_network("q.onnx", quantised, {}).model.graph;
        const std::vector<int8_t> exported = values_of<int8_t>(*find_initializer(codes, "classifier.0.weight.codes"));
        const QuantisedWeight& stored = quantised.quantisation->weights.at("classifier.0.weight");
        for (size_t i = 0; i < exported.size(); ++i)
            REQUIRE(exported[i] ==
                    stored.codes[i] -
                        static_cast<int>(stored.zero_point[i / (stored.codes.size() / stored.scale.size())]));
        CHECK(maker_of(codes, "classifier.0.flatten.dequantised"));
    }
}
