// The flat binary (weights/FORMAT.md): files that a Python script wrote from the description are read exactly, what
// adaq writes reads back the same, and whatever a header or a flipped bit gets wrong is refused by name.
#include <doctest/doctest.h>

#include <ctime>
#include <limits>

#include "support/sanitizer.h"
#include "support/temporary_folder.h"
#include "support/text.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;
using nlohmann::json;

namespace {

const Bytes& quantised_file() {
    static const Bytes bytes = bytes_of_file(weight_fixture("quantised.bin"));
    return bytes;
}

std::string flat_refusal_after(const std::function<void(json&)>& edit) {
    return refusal(with_header(quantised_file(), edit));
}

Bytes saved(const StoredModel& model) {
    const TemporaryFolder folder;
    save_bin(folder / "model.bin", model);
    return bytes_of_file(folder / "model.bin");
}

std::string refused_to_save(const StoredModel& model) {
    const TemporaryFolder folder;
    try {
        save_bin(folder / "model.bin", model);
        return "";
    } catch (const DataError& error) {
        CHECK(folder.count() == 0);
        return error.what();
    }
}

constexpr const char* kWeight = "layer2.0.conv2.weight";  // q8 in the fixture: qmin -128, per layer

/// A file of nothing but this header, whose CRC-32 fits.
Bytes header_alone(std::string text) {
    const std::string key = "\"header_crc32\":\"";
    text.replace(text.find(key) + key.size(), 8, crc32_hex(text.data(), text.size()));
    const uint64_t length = text.size();
    return bytes_of_text("ADAQBIN1" + std::string(reinterpret_cast<const char*>(&length), sizeof length) + text);
}

constexpr const char *kBias = "fc.bias", *kNarrow = "layer1.0.conv2.weight";

StoredModel folded_with_integer_bias() {
    StoredModel model = tiny_model(true);
    const QuantisedBias bias{{3, -12}, {0.25f, 0.5f}};
    model.quantisation->biases[kBias] = bias;
    model.tensors[kBias] = bias.values();
    const Shape shape = model.tensors.at(kNarrow).shape;
    model.tensors.erase(kNarrow);
    QuantisedWeight weight{shape, {8, false, true}, "absmax", {}, {0.125f}, {0.0f}};
    for (int64_t i = 0; i < element_count(shape); ++i) weight.codes.push_back(static_cast<int16_t>(i % 2 ? 127 : -127));
    model.quantisation->weights[kNarrow] = weight;
    return model;
}

/// The file with `edit` done to its header, which must not make it longer.
Bytes with_shorter_header(const Bytes& file, const std::function<void(json&)>& edit) {
    json header = header_of(file);
    const size_t length = header.dump().size();
    edit(header);
    header["header_crc32"] = "00000000";
    std::string text = header.dump();
    text.resize(length, ' ');
    header["header_crc32"] = crc32_hex(text.data(), text.size());
    text = header.dump();
    text.resize(length, ' ');
    Bytes edited = file;
    const Bytes bytes = bytes_of_text(text);
    std::copy(bytes.begin(), bytes.end(), edited.begin() + 16);
    return edited;
}

}  // namespace

TEST_SUITE("weights: flat binary") {
    TEST_CASE("a header of 100,000 empty tensors is refused in time that grows with its length alone") {
        std::string text = R"({"format":1,"header_crc32":"00000000","architecture":{"family":"resnet","block":"basic",)"
                           R"("blocks":[1],"width":1,"classes":2,"input_channels":1,"stem":"conv7x7s2-maxpool3x3s2"},)"
                           R"("tensors":[{})";
        for (int i = 1; i < 100000; ++i) text += ",{}";
        const std::clock_t start = std::clock();  // of this process: the machine may be busy
        CHECK(refusal(header_alone(text + "]}")) == "file: header.tensors[0] has no \"name\"");
        CHECK(std::clock() - start < kSlowness * 2 * CLOCKS_PER_SEC);  // quadratic: 8 s
    }

    TEST_CASE("a header's JSON nests 64 levels at most, in what adaq does not know, too") {
        const auto nested = [](size_t levels) {
            json inner = 1;
            for (size_t i = 0; i < levels; ++i) inner = json::array({std::move(inner)});
            return flat_refusal_after([&](json& h) { h["made_by"] = inner; });
        };
        CHECK(nested(63).empty());
        CHECK(nested(64) == "file: the header nests deeper than 64 levels");
        std::string deep = R"({"header_crc32":"00000000","x":)" + std::string(1000000, '[') + std::string(1000000, ']');
        CHECK(refusal(header_alone(deep + "}")) == "file: the header nests deeper than 64 levels");
    }

    TEST_CASE("a quantised file gives the values that its writer meant") {
        const StoredModel model = load_weights(weight_fixture("quantised.bin"));
        CHECK(model.graph == resnet_graph({BlockKind::bottleneck, {1, 1}, 1, 2, 1}));
        CHECK(model.preprocessing == Preprocessing{40, 32, {0.286f}, {0.353f}});
        CHECK(model.class_names == std::vector<std::string>{"shoe", "straße"});
        CHECK(json::parse(model.extra) ==
              json::parse(R"({"made_by": {"tool": "a later version", "numbers": [1, 2.5]}})"));
        REQUIRE(model.quantisation);
        CHECK(json::parse(model.quantisation->settings) == json{{"seed", 1}, {"method", "nearest"}});

        const auto expected = expected_tensors("quantised.json");
        CHECK(model.tensors.size() + model.quantisation->weights.size() == expected.size());
        for (const auto& [name, tensor] : model.tensors) CHECK(tensor == expected.at(name));
        for (const auto& entry : model.quantisation->weights) {
            const std::string& name = entry.first;
            const auto& weight = entry.second;
            CAPTURE(name);
            REQUIRE(weight.shape == expected.at(name).shape);
            const size_t group = weight.codes.size() / weight.scale.size();
            size_t wrong = 0;
            for (size_t i = 0; i < weight.codes.size(); ++i) {
                const float centred = static_cast<float>(weight.codes[i]) - weight.zero_point[i / group];
                wrong += centred * weight.scale[i / group] != expected.at(name).values[i];
            }
            CHECK(wrong == 0);
        }
        REQUIRE(model.quantisation->activations.size() == 5);
        const QuantisedActivation& site = model.quantisation->activations.at("layer1.0");
        CHECK(site.grid == Grid{8, true});
        CHECK(site.scale == 0.03125f);
        CHECK(site.zero_point == 5.0f);
    }

    TEST_CASE("a file that the first version 2 wrote reads as the network that it was made from") {
        // adaq-convert basic.pth graph.bin
        CHECK(equal(load_weights(weight_fixture("graph.bin")), load_weights(weight_fixture("basic.pth"))));
    }

    TEST_CASE("biases that are integers and narrow grids are read as they were written") {
        StoredModel model = folded_with_integer_bias();
        CHECK(equal(read_weights("file", saved(model)), model));
        const json header = header_of(saved(model));
        CHECK(header["quantisation"]["biases"] == json::array({kBias}));
        CHECK(header["quantisation"]["weights"][kNarrow]["narrow"] == true);
        model.tensors.at(kBias).values[1] = 0.5f;
        CHECK(mentions(refused_to_save(model), "fc.bias is 0.5, expected -6, which its integer stands for"));
        model.tensors.at(kBias).values[1] = -6.0f;
        model.quantisation->biases.at(kBias).scale[0] = 0.0f;
        CHECK(mentions(refused_to_save(model), "fc.bias has scale 0, expected a positive number"));
        model.quantisation->biases.at(kBias).codes.pop_back();
        CHECK(mentions(refused_to_save(model), "fc.bias has 1 codes and 2 scales"));
        model.quantisation->biases.erase(kBias);
        model.quantisation->weights.at(kNarrow).codes[0] = -128;
        CHECK(mentions(refused_to_save(model), "has the code -128, expected -127 to 127"));
    }

    TEST_CASE("whose arithmetic a file has is kept, and told by integer biases where nothing else tells it") {
        StoredModel model = tiny_model(true);
        CHECK(read_weights("file", saved(model)).quantisation->arithmetic == Arithmetic::adaq);
        CHECK(!header_of(saved(model))["quantisation"].contains("arithmetic"));
        model.quantisation->arithmetic = Arithmetic::openvino;
        CHECK(header_of(saved(model))["quantisation"]["arithmetic"] == "openvino");
        CHECK(read_weights("file", saved(model)).quantisation->arithmetic == Arithmetic::openvino);
        const auto refused = [&](const json& value) {
            return refusal(
                with_shorter_header(saved(model), [&](json& h) { h["quantisation"]["arithmetic"] = value; }));
        };
        CHECK(mentions(refused("tflite"), "\"openvino\", in a file without integer biases"));
        CHECK(mentions(refused(3), "arithmetic"));
        const StoredModel biases = folded_with_integer_bias();
        CHECK(read_weights("file", saved(biases)).quantisation->arithmetic == Arithmetic::onnxruntime);
    }

    TEST_CASE("integer biases and narrow grids that are not whole are refused by name") {
        const Bytes file = saved(folded_with_integer_bias());
        const auto refused = [&](const std::function<void(json&)>& edit) {
            return refusal(with_shorter_header(file, edit));
        };
        CHECK(refused([](json&) {}).empty());
        CHECK(mentions(refused([](json& h) { h["quantisation"]["biases"] = {"x.bias"}; }), "no x.bias"));
        CHECK(mentions(refused([](json& h) { h["quantisation"].erase("biases"); }), "fc.bias has dtype i32"));
        CHECK(mentions(refused([](json& h) { h["quantisation"]["weights"][kNarrow]["narrow"] = 3; }), "narrow"));
        CHECK(mentions(refused([](json& h) { h["quantisation"]["weights"][kNarrow]["one_sided"] = true; }),
                       "a grid with a sign"));
    }

    TEST_CASE("f16 and bf16 tensors become float32") {
        const StoredModel model = load_weights(weight_fixture("coarse_halves.bin"));
        CHECK(equal(model.tensors, expected_tensors("coarse.json")));
        CHECK_FALSE(model.preprocessing);
        CHECK(model.class_names.empty());
    }

    TEST_CASE("what is written reads back the same, and the same model gives the same bytes") {
        const TemporaryFolder folder;
        for (const char* fixture : {"quantised.bin", "coarse_halves.bin", "basic.pth"}) {
            const StoredModel model = load_weights(weight_fixture(fixture));
            save_bin(folder / "a.bin", model);
            const StoredModel read = load_weights(folder / "a.bin");
            CHECK(equal(read, model));
            save_bin(folder / "b.bin", read);
            CHECK(text_of_file(folder / "a.bin") == text_of_file(folder / "b.bin"));
        }
        CHECK(folder.count() == 2);
    }

    TEST_CASE("a folded network has biases and no batch norms") {
        const StoredModel model = tiny_model(true);
        CHECK(equal(read_weights("f", saved(model)), model));
        CHECK(json(header_of(saved(model)))["quantisation"]["folded"] == true);
    }

    TEST_CASE("tensors lie at multiples of 64 in network order, with zeros between") {
        const Bytes bytes = saved(tiny_model());
        std::vector<std::string> names;
        const json header = header_of(bytes);
        for (const json& tensor : header["tensors"]) {
            CHECK(tensor["offset"].get<size_t>() % 64 == 0);
            names.push_back(tensor["name"]);
        }
        CHECK(names.front() == "conv1.weight");
        CHECK(names[1] == "bn1.weight");
        CHECK(names.back() == "fc.bias");
    }

    TEST_CASE("every single flipped bit anywhere in a file is refused") {
        StoredModel model = tiny_model();
        model.preprocessing = Preprocessing{0, 28, {0.5f}, {0.25f}};
        model.quantisation.emplace();
        QuantisedWeight& weight = model.quantisation->weights["layer1.0.conv2.weight"];
        weight = {{1, 1, 3, 3}, {3, false}, "lp", {-4, -3, -2, -1, 0, 1, 2, 3, 0}, {0.5f}, {1.0f}};
        model.tensors.erase("layer1.0.conv2.weight");
        model.quantisation->activations["conv1"] = {{8, true}, "lp", 0.5f, 0.0f};
        Bytes bytes = saved(model);
        REQUIRE(equal(read_weights("f", bytes), model));
        size_t accepted = 0;
        const size_t step = kAddressSanitizer ? 7 : 1;  // every bit of a byte has its turn
        for (size_t bit = 0; bit < 8 * bytes.size(); bit += step) {
            bytes[bit / 8] ^= std::byte{1} << bit % 8;
            accepted += refusal(bytes).empty();
            bytes[bit / 8] ^= std::byte{1} << bit % 8;
        }
        CHECK(accepted == 0);
        CHECK(refusal(bytes).empty());
    }

    TEST_CASE("every truncation is refused") {
        const Bytes whole = saved(tiny_model());
        size_t accepted = 0;
        for (size_t length = 0; length < whole.size(); ++length)
            accepted += refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}).empty();
        CHECK(accepted == 0);
    }

    TEST_CASE("a header whose checksum is wrong or missing is refused") {
        std::string text = header_of(quantised_file()).dump();
        CHECK(refusal(with_header_text(quantised_file(), text)).empty());
        CHECK(mentions(flat_refusal_after([](json& h) { h.erase("header_crc32"); }), "no header_crc32"));
        Bytes bytes = quantised_file();
        const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        bytes[all.find("shoe")] = std::byte{'S'};
        CHECK(mentions(refusal(bytes), "header's CRC-32"));
    }

    TEST_CASE("headers that lie about tensors are refused by name") {
        const std::string name = kWeight;
        const auto edited = [&](const char* key, const json& value) {
            return flat_refusal_after([&](json& h) { entry_of(h, name)[key] = value; });
        };
        CHECK(mentions(edited("bytes", 1), name + " (q8 2x2x3x3) has 1 bytes, expected 36"));
        CHECK(mentions(edited("shape", {2, 2, 3, 4}), "has 36 bytes, expected 48"));
        CHECK(mentions(edited("shape", {1LL << 40, 1LL << 40}), "impossible shape"));
        CHECK(mentions(edited("shape", {-2, 2}), "shape[0] is -2"));
        CHECK(mentions(edited("shape", {4, 9}), name + " has shape 4x9, expected 2x2x3x3"));
        CHECK(mentions(edited("offset", 16385), "expected a multiple of 64"));
        CHECK(mentions(edited("offset", 0), "overlaps"));
        CHECK(mentions(edited("offset", 16384), "overlaps"));
        CHECK(mentions(edited("offset", 1LL << 50), "(truncated?)"));
        CHECK(mentions(edited("offset", std::numeric_limits<int64_t>::max() / 64 * 64), "(truncated?)"));
        CHECK(mentions(edited("offset", -64), "offset is -64"));
        CHECK(mentions(edited("crc32", "00000000"), name + "'s bytes have CRC-32"));
        CHECK(mentions(edited("crc32", "ABCDEFGH"), "eight lower-case hex digits"));
        CHECK(mentions(edited("dtype", "q9"), "dtype is \"q9\""));
        CHECK(mentions(edited("dtype", 7), "dtype is 7, expected a text"));
        CHECK(mentions(edited("name", "fc.bias"), "names fc.bias twice"));
        CHECK(mentions(edited("name", "another"), "no " + name));
    }

    TEST_CASE("headers that lie about the network are refused") {
        CHECK(mentions(flat_refusal_after([](json& h) { h["format"] = 3; }), "format is 3"));
        CHECK(mentions(flat_refusal_after([](json& h) { h["format"] = 2; }), "no \"graph\""));
        CHECK(mentions(flat_refusal_after([](json& h) { h["architecture"]["family"] = "vit"; }), "family is \"vit\""));
        CHECK(mentions(flat_refusal_after([](json& h) { h["architecture"]["stem"] = "conv3x3"; }),
                       "stem is \"conv3x3\""));
        CHECK(mentions(flat_refusal_after([](json& h) { h["architecture"]["width"] = 2; }),
                       "has shape 1x1x7x7, expected 2x1x7x7"));
        CHECK(mentions(flat_refusal_after([](json& h) {
                           h["architecture"]["blocks"] = {1, 2};
                       }),
                       "expected in ResNet-11"));
        CHECK(mentions(flat_refusal_after([](json& h) { h["architecture"]["blocks"] = {1000000000}; }),
                       "blocks[0] is 1000000000"));
        CHECK(mentions(flat_refusal_after([](json& h) { h["architecture"]["blocks"] = json::array(); }), "blocks"));
        CHECK(mentions(flat_refusal_after([](json& h) { h.erase("architecture"); }), "no \"architecture\""));
        CHECK(mentions(flat_refusal_after([](json& h) { h["classes"] = {"one"}; }), "1 class names, expected 2"));
        CHECK(mentions(flat_refusal_after([](json& h) { h["preprocessing"]["channels"] = 3; }), "channels is 3"));
        CHECK(mentions(flat_refusal_after([](json& h) { h["preprocessing"]["std"] = {0}; }),
                       "std[0] is 0, expected a number above 0"));
        CHECK(mentions(flat_refusal_after([](json& h) { h["preprocessing"]["mean"] = {1, 2}; }), "one a channel"));
        CHECK(mentions(flat_refusal_after([](json& h) { h["preprocessing"]["crop"] = 1e3; }), "crop is 1000.0"));
        CHECK(mentions(flat_refusal_after([](json& h) { h["preprocessing"]["interpolation"] = "lanczos"; }),
                       "interpolation is \"lanczos\", expected \"bilinear\" or \"bicubic\""));
    }

    TEST_CASE("graphs in headers are checked before anything is made of them") {
        json right = header_of(saved(tiny_model()));
        right["header_crc32"] = "00000000";
        CHECK(right["format"] == 2);
        const auto edited = [&](const std::function<void(json&)>& edit) {
            json header = right;
            edit(header["graph"]);
            return refusal(header_alone(header.dump()));
        };
        CHECK(edited([](json& g) { g["nodes"][0]["kind"] = "attention"; }) ==
              "file: header.graph.nodes[0].kind is \"attention\", expected a kind of node that this adaq knows");
        CHECK(edited([](json& g) { g["nodes"][3]["inputs"] = {7}; }) ==
              "file: header.graph.nodes[3].inputs[0] is 7, expected a whole number of 0 to 3");
        CHECK(edited([](json& g) {
                  g["nodes"][3]["inputs"] = {-1};
              }).starts_with("file: header.graph.nodes[3].inputs[0] is -1"));
        CHECK(edited([](json& g) { g["nodes"][0]["attributes"].erase("stride"); }) ==
              "file: header.graph: conv1: no attribute stride, which a convolution has");
        CHECK(edited([](json& g) { g["nodes"][0]["attributes"]["stride"] = "two"; }) ==
              "file: header.graph: conv1: attribute stride, expected 2 whole numbers of 1 to 4096");
        CHECK(edited([](json& g) {
                  g["nodes"][0]["attributes"]["outputs"] = int64_t{1} << 40;
              }).starts_with("file: header.graph: conv1: attribute outputs"));
        CHECK(edited([](json& g) {
                  g["nodes"][0]["attributes"]["padding"] = {1, 2, 3, json::array()};
              }).starts_with("file: header.graph.nodes[0].attributes.padding[3] is"));
        CHECK(edited([](json& g) { g["nodes"][0]["unit"] = 3; }).starts_with("file: header.graph.nodes[0].unit is 3"));
        CHECK(edited([](json& g) {
                  g["nodes"][0]["stream"] = 1 << 20;
              }).starts_with("file: header.graph.nodes[0].stream is 1048576"));
        CHECK(edited([](json& g) { g["nodes"][1].erase("unit"); }) ==
              "file: header.graph: unit stem is in several pieces, expected nodes that follow each other");
        CHECK(edited([](json& g) { g["nodes"] = json::array(); }) == "file: header.graph: a network without nodes");
        CHECK(edited([](json& g) { g["input_channels"] = 2; }) ==
              "file: header.graph.input_channels is 2, expected 1 or 3");
        CHECK(edited([](json& g) { g.erase("units"); }) == "file: header.graph has no \"units\"");
        // A graph that holds together, but is not that of the tensors.
        json other = right;
        other["graph"]["nodes"][0]["attributes"]["outputs"] = 2;
        CHECK_FALSE(refusal(header_alone(other.dump())).empty());
    }

    TEST_CASE("headers that lie about quantisation are refused") {
        const auto edited = [](const std::function<void(json&)>& edit) {
            return flat_refusal_after([&](json& h) { edit(h["quantisation"]); });
        };
        CHECK(mentions(edited([](json& q) { q["weights"][kWeight]["bits"] = 4; }), "has dtype q8, expected q4"));
        CHECK(mentions(edited([](json& q) { q["weights"][kWeight]["bits"] = 9; }), "bits is 9"));
        CHECK(mentions(edited([](json& q) { q["weights"].erase(kWeight); }), kWeight));
        CHECK(mentions(edited([](json& q) { q["weights"]["bn1.weight"] = q["weights"][kWeight]; }),
                       "bn1.weight has dtype f32"));
        CHECK(mentions(edited([](json& q) { q["activations"].erase("fc"); }), "activation.fc."));
        CHECK(mentions(edited([](json& q) { q["activations"]["layer9.0"] = q["activations"]["fc"]; }),
                       "no activation.layer9.0.scale"));
        CHECK(mentions(edited([](json& q) { q["folded"] = true; }), "no conv1.bias"));
        CHECK(mentions(edited([](json& q) { q["settings"] = 1; }), "settings is 1"));
        CHECK(
            mentions(flat_refusal_after([](json& h) { h.erase("quantisation"); }), "quantisation does not mention it"));
    }

    TEST_CASE("values off their grids, NaN and bytes between tensors are refused by name") {
        const std::string weight = kWeight;
        const auto changed = [](const std::string& name, auto value) {
            return refusal(with_value(quantised_file(), name, value));
        };
        CHECK(changed(weight + ".scale", 0.25f).empty());
        CHECK(mentions(changed(weight + ".scale", 0.0f), weight + " has scale 0, expected a positive number"));
        CHECK(mentions(changed(weight + ".scale", -1.0f), weight + " has scale -1"));
        CHECK(mentions(changed(weight + ".scale", std::numeric_limits<float>::infinity()), weight + " has scale inf"));
        CHECK(mentions(changed(weight + ".zero_point", int32_t{128}),
                       "zero point 128, expected a whole number of -128 to 127"));
        CHECK(mentions(changed("activation.conv1.zero_point", int32_t{-1}), "activation conv1 has zero point -1"));
        CHECK(mentions(changed("fc.bias", std::numeric_limits<float>::quiet_NaN()), "fc.bias holds nan at element 0"));
        CHECK(mentions(changed("bn1.running_var", -0.5f), "bn1.running_var holds -0.5"));
        Bytes bytes = quantised_file();
        bytes[16383] = std::byte{1};
        CHECK(mentions(refusal(bytes), "belongs to no tensor and is not zero"));
    }

    TEST_CASE("a model that could not be read back is not written") {
        CHECK(refused_to_save(tiny_model()).empty());
        StoredModel model = tiny_model();
        model.tensors["fc.bias"].values[1] = std::numeric_limits<float>::infinity();
        CHECK(mentions(refused_to_save(model), "fc.bias holds inf at element 1"));
        model = tiny_model();
        model.tensors.erase("bn1.bias");
        CHECK(mentions(refused_to_save(model), "no bn1.bias"));
        model = tiny_model();
        model.class_names = {"\xff", "b"};
        CHECK(mentions(refused_to_save(model), "not UTF-8"));
        model = tiny_model();
        model.extra = R"({"format": 2})";
        CHECK(mentions(refused_to_save(model), "\"format\" among the extra header keys"));
        model = load_weights(weight_fixture("quantised.bin"));
        model.quantisation->weights.at(kWeight).codes[0] = 128;
        CHECK(mentions(refused_to_save(model), "has the code 128, expected -128 to 127"));
        model = load_weights(weight_fixture("quantised.bin"));
        model.quantisation->activations["layer3.0"] = {};
        CHECK(mentions(refused_to_save(model), "quantised at layer3.0, which the network does not have"));
    }
}
