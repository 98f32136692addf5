// .safetensors in and out (loaders/weights/safetensors.h).
#include <doctest/doctest.h>

#include <cmath>
#include <ctime>

#include "support/sanitizer.h"
#include "support/temporary_folder.h"
#include "support/text.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;
using nlohmann::json;

namespace {

Bytes safetensors(const std::string& header, const std::string& data) {
    const uint64_t length = header.size();
    return bytes_of_text(std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data);
}

/// The header and the data of a file, split as the format says.
std::pair<json, std::string> split(const std::string& path) {
    const std::string whole = text_of_file(path);
    uint64_t length = 0;
    std::memcpy(&length, whole.data(), sizeof length);
    return {json::parse(whole.substr(8, length)), whole.substr(8 + length)};
}

/// basic.safetensors with `edit` done to its header.
std::string refusal_after(const std::function<void(json&)>& edit) {
    auto [header, data] = split(weight_fixture("basic.safetensors"));
    edit(header);
    return refusal(safetensors(header.dump(), data));
}

}  // namespace

TEST_SUITE("weights: safetensors") {
    TEST_CASE("floats of every width are read exactly") {
        CHECK(equal(load_weights(weight_fixture("basic.safetensors")).tensors, expected_tensors("basic.json")));
        for (const char* fixture : {"coarse_f16.safetensors", "coarse_bf16.safetensors", "coarse_f64.safetensors"})
            CHECK(equal(load_weights(weight_fixture(fixture)).tensors, expected_tensors("coarse.json")));
    }

    TEST_CASE("headers that lie are refused by name") {
        const std::string name = "layer1.0.conv2.weight";
        CHECK(refusal_after([](json&) {}).empty());
        CHECK(mentions(refusal_after([&](json& h) { h[name]["shape"][0] = 3; }),
                       name + " (float32 3x2x3x3) has 144 bytes"));
        CHECK(mentions(refusal_after([&](json& h) { h[name]["shape"] = {1LL << 40, 1LL << 40}; }), name));
        CHECK(mentions(refusal_after([&](json& h) { h[name]["shape"] = {-1, 36}; }), name + ".shape[0] is -1"));
        CHECK(mentions(refusal_after([&](json& h) { h[name]["dtype"] = "F8_E4M3"; }), name + ".dtype is \"F8_E4M3\""));
        CHECK(mentions(refusal_after([&](json& h) { h[name]["data_offsets"][1] = 1 << 30; }),
                       name + " (float32 2x2x3x3)"));
        CHECK(mentions(refusal_after([&](json& h) { h[name]["data_offsets"] = {8, 4}; }), name + ".data_offsets[1]"));
        CHECK(mentions(refusal_after([&](json& h) { h[name].erase("dtype"); }), name + " has no \"dtype\""));
        CHECK(mentions(refusal_after([&](json& h) { h[name] = 5; }), name + " is 5"));
        CHECK(mentions(refusal_after([&](json& h) { h.erase(name); }), "where the tensor before it ends"));
        CHECK(mentions(refusal_after([&](json& h) { h["copy"] = h[name]; }), "where the tensor before it ends"));
        CHECK(
            mentions(refusal_after([&](json& h) { h["conv1.weight"]["dtype"] = "I32"; }), "conv1.weight holds int32"));
    }

    TEST_CASE("broken headers are refused") {
        CHECK(mentions(refusal(safetensors("{]", "")), "not JSON"));
        CHECK(mentions(refusal(safetensors("{\"a\":1e999}", "")), "not JSON"));
        CHECK(mentions(refusal(safetensors("{\"a\":\"\xff\"}", "")), "not JSON"));
        CHECK(mentions(refusal(safetensors("{\"a\":1,\"a\":2}", "")), "the key \"a\" twice"));
        CHECK(mentions(refusal(safetensors("{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}", "")),
                       "deeper"));
        CHECK(mentions(refusal(safetensors("{\"a\":" + std::string(1000000, '['), "")), "deeper"));
        CHECK(mentions(refusal(safetensors("{}", "")), "no conv1.weight"));
        const uint64_t huge = uint64_t{1} << 60;
        CHECK(refusal(bytes_of_text(std::string(reinterpret_cast<const char*>(&huge), 8) + "{}")) ==
              "file: a header of 1152921504606846976 bytes, expected at most 8388608");
        const uint64_t longer = 1000;
        CHECK(refusal(bytes_of_text(std::string(reinterpret_cast<const char*>(&longer), 8) + "{}")) ==
              "file: truncated: 10 bytes, its header alone takes 1008");
    }

    TEST_CASE("JSON within the metadata nests no deeper than the header") {
        for (const char* key : {"adaq.classes", "adaq.preprocessing"}) {
            const std::string deep = "{\"classes\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
            CHECK(refusal_after([&](json& h) { h["__metadata__"][key] = deep; }) ==
                  fmt::format("file: {} nests deeper than 64 levels", key));
        }
    }

    TEST_CASE("a header of 40,000 tensors is read in time that grows with its length alone") {
        json header;
        for (int i = 0; i < 40000; ++i)
            header["tensor" + std::to_string(i)] = {
                {"dtype", "F32"}, {"shape", json::array({1, 1})}, {"data_offsets", json::array({4 * i, 4 * i + 4})}};
        const Bytes bytes = safetensors(header.dump(), std::string(160000, '\0'));
        const std::clock_t start = std::clock();  // of this process: the machine may be busy
        CHECK(refusal(bytes) ==
              "file: no conv1.weight (it begins with tensor0), expected a torchvision ResNet" + other_networks());
        CHECK(std::clock() - start < kSlowness * 4 * CLOCKS_PER_SEC);  // quadratic: 36 s
    }

    TEST_CASE("a file with bytes missing or too many is refused, and told which") {
        const Bytes whole = bytes_of_file(weight_fixture("basic.safetensors"));
        const size_t size = whole.size();
        for (const size_t shorter : {size - 1, size - 1000, size - 2000})
            CHECK(refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(shorter)}) ==
                  fmt::format("file: truncated: {} bytes, expected {} by its header", shorter, size));
        size_t accepted = 0;
        for (size_t length = 0; length < whole.size(); length += 3)
            accepted += refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}).empty();
        CHECK(accepted == 0);
        Bytes longer = whole;
        longer.push_back(std::byte{0});
        CHECK(refusal(longer) == fmt::format("file: too long: {} bytes, expected {} by its header", size + 1, size));
    }

    TEST_CASE("a float model written and read again is the same, metadata too, and equal models give equal files") {
        const TemporaryFolder folder;
        StoredModel model = load_weights(weight_fixture("basic.pth"));
        model.preprocessing = Preprocessing{40, 32, {0.1f, 0.2f, 0.3f}, {0.4f, 0.5f, 0.6f}};
        model.class_names = {"a", "b\n\"", "straße"};
        save_safetensors(folder / "a.safetensors", model);
        save_safetensors(folder / "b.safetensors", model);
        CHECK(equal(load_weights(folder / "a.safetensors"), model));
        CHECK(text_of_file(folder / "a.safetensors") == text_of_file(folder / "b.safetensors"));
        CHECK(folder.count() == 2);
    }

    TEST_CASE("a quantised model becomes the values on its grids, with encodings beside") {
        const TemporaryFolder folder;
        const StoredModel model = load_weights(weight_fixture("quantised.bin"));
        save_safetensors(folder / "q.safetensors", model);
        CHECK(equal(load_weights(folder / "q.safetensors").tensors, expected_tensors("quantised.json")));

        const json encodings = json::parse(text_of_file(folder / "q.encodings.json"));
        CHECK(encodings["folded"] == false);
        CHECK(encodings["settings"] == json{{"method", "nearest"}, {"seed", 1}});
        REQUIRE(encodings["weights"].size() == model.quantisation->weights.size());
        for (const auto& [name, weight] : model.quantisation->weights) {
            const json& entry = encodings["weights"][name];
            CHECK(entry["bits"] == weight.grid.bits);
            CHECK(entry["qmin"] == weight.grid.qmin());
            CHECK(entry["qmax"] == weight.grid.qmax());
            CHECK(entry["scheme"] == weight.scheme);
            CHECK(entry["scale"].get<std::vector<float>>() == weight.scale);
            CHECK(entry["zero_point"].get<std::vector<float>>() == weight.zero_point);
        }
        REQUIRE(encodings["activations"].size() == 5);
        CHECK(encodings["activations"]["layer1.0"]["scale"] == 0.03125);
        CHECK(encodings["activations"]["layer1.0"]["zero_point"] == 5);
        CHECK(encodings["activations"]["layer1.0"]["one_sided"] == true);
    }

    TEST_CASE("a folded model gets batch norms that only add the bias") {
        const TemporaryFolder folder;
        const StoredModel folded = tiny_model(true);
        save_safetensors(folder / "f.safetensors", folded);
        const StoredModel read = load_weights(folder / "f.safetensors");
        const std::map<std::string, std::string> norms{
            {"conv1", "bn1"}, {"layer1.0.conv1", "layer1.0.bn1"}, {"layer1.0.conv2", "layer1.0.bn2"}};
        for (const auto& [name, norm] : norms) {
            CHECK(read.tensors.at(name + ".weight") == folded.tensors.at(name + ".weight"));
            CHECK(read.tensors.at(norm + ".bias") == folded.tensors.at(name + ".bias"));
            for (size_t i = 0; i < read.tensors.at(norm + ".weight").values.size(); ++i) {
                const float variance = read.tensors.at(norm + ".running_var").values[i];
                CHECK(variance + 1e-5f == 1.0f);  // PyTorch in float
                CHECK(static_cast<float>(1.0 / std::sqrt(static_cast<double>(variance) + 1e-5)) ==
                      1.0f);  // and in double
                CHECK(read.tensors.at(norm + ".weight").values[i] == 1.0f);
                CHECK(read.tensors.at(norm + ".running_mean").values[i] == 0.0f);
            }
        }
        CHECK(json::parse(text_of_file(folder / "f.encodings.json"))["folded"] == true);
    }
}
