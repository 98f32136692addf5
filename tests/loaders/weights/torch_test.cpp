// Files of torch.save (loaders/weights/torch_file.h): what PyTorch wrote is read exactly, what is not a state dict is
// refused.
#include <doctest/doctest.h>

#include <limits>

#include "support/temporary_folder.h"
#include "support/torch_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::string refusal_of(const std::string& fixture) { return refusal(bytes_of_file(weight_fixture(fixture)), "x.pth"); }

/// Where `text` stands in the bytes; it must be there once, unless `last`.
size_t find_in(const Bytes& bytes, std::string_view text) {
    const std::string_view whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    REQUIRE(whole.find(text) != std::string_view::npos);
    return whole.find(text);
}

Bytes replaced(const std::string& fixture, std::string_view from, std::string_view to) {
    Bytes bytes = bytes_of_file(weight_fixture(fixture));
    const size_t at = find_in(bytes, from);
    REQUIRE(from.size() == to.size());
    std::memcpy(bytes.data() + at, to.data(), to.size());
    return bytes;
}

}  // namespace

TEST_SUITE("weights: torch.save") {
    TEST_CASE("every way of saving a state dict gives PyTorch's values exactly") {
        const auto expected = expected_tensors("basic.json");
        for (const char* fixture :
             {"basic.pth", "basic_legacy.pth", "basic_protocol4.pth", "basic_strided.pth", "basic_checkpoint.pth",
              "basic_checkpoint_legacy.pth", "basic_old_parameters.pth"}) {
            CAPTURE(fixture);
            const StoredModel model = load_weights(weight_fixture(fixture));
            CHECK(model.graph == resnet_graph({BlockKind::basic, {1, 1}, 2, 3, 3}));
            CHECK(equal(model.tensors, expected));
            CHECK_FALSE(model.preprocessing);
            CHECK_FALSE(model.quantisation);
        }
    }

    TEST_CASE("half, bfloat16 and double become float32, nests and wrappers are looked through") {
        const auto expected = expected_tensors("coarse.json");
        for (const char* fixture : {"coarse_f16.pth", "coarse_bf16_legacy.pth", "coarse_f64.pth"}) {
            CAPTURE(fixture);
            const StoredModel model = load_weights(weight_fixture(fixture));
            CHECK(model.graph == resnet_graph({BlockKind::bottleneck, {1, 1}, 1, 2, 1}));
            CHECK(equal(model.tensors, expected));
        }
    }

    TEST_CASE("a pickle that wants to run something for a tensor is refused by the name of what it wants") {
        const auto wants = [](const std::string& function) {
            return "x.pth: no tensors in its dict (keys: fc.bias, made by " + function +
                   "), expected a state dict, bare or under state_dict, model, net, ...";
        };
        CHECK(refusal_of("wants_system.pth") == wants("posix.system"));
        CHECK(refusal_of("wants_system_protocol4.pth") == wants("posix.system"));
        CHECK(refusal_of("wants_eval.pth") == wants("__builtin__.eval"));
    }

    TEST_CASE("a whole pickled model is told to be one") {
        TorchFile file;
        const std::string model = "ctorchvision.models.resnet\nResNet\n)\x81}b";
        CHECK(refusal(file.file(model)) ==
              "file: holds an object made by torchvision.models.resnet.ResNet; nothing is run (a whole model? expected "
              "its "
              "state_dict())");
        CHECK(refusal(file.file(pickled_dict({{"epoch", "K\x01"}, {"model", model}})))
                  .starts_with("file: holds an object made by torchvision.models.resnet.ResNet; nothing is run"));
        CHECK(refusal(file.file("K\x01")) == "file: holds a number, expected a state dict (model.state_dict())");
    }

    TEST_CASE("archives that are no state dict are refused by what they are") {
        CHECK(refusal_of("big_endian.pth") == "x.pth: byte order big, expected little");
        CHECK(refusal_of("compressed.pth") ==
              "x.pth: archive/data.pkl is compressed or encrypted in the archive, torch.save stores it as it is");
        CHECK(refusal_of("torchscript.pth") ==
              "x.pth: a TorchScript program, expected a state dict (torch.save(model.state_dict(), ...))");
        CHECK(refusal_of("no_pickle.zip") == "x.pth: a zip archive without data.pkl, expected one of torch.save");
    }

    TEST_CASE("a flipped bit in a zip's tensor is found by its checksum") {
        const float bias = expected_tensors("basic.json").at("fc.bias").values[0];
        Bytes bytes = bytes_of_file(weight_fixture("basic.pth"));
        const size_t at = find_in(bytes, {reinterpret_cast<const char*>(&bias), sizeof bias});
        bytes[at] ^= std::byte{1};
        CHECK(refusal(bytes).find("CRC-32") != std::string::npos);
    }

    TEST_CASE("NaN and negative variances are refused by the tensor's name") {
        const auto with = [](const char* name, float value) {
            const float old = expected_tensors("basic.json").at(name).values[0];
            return refusal(replaced("basic_legacy.pth", {reinterpret_cast<const char*>(&old), sizeof old},
                                    {reinterpret_cast<const char*>(&value), sizeof value}));
        };
        CHECK(with("layer2.0.conv1.weight", std::numeric_limits<float>::quiet_NaN()) ==
              "file: layer2.0.conv1.weight holds nan at element 0, expected finite values");
        CHECK(with("layer1.0.bn2.running_var", -1.0f) ==
              "file: layer1.0.bn2.running_var holds -1, expected variances of at least 0");
        CHECK(with("layer1.0.bn2.bias", -1.0f).empty());
    }

    TEST_CASE("a tensor under another name is missed") {
        CHECK(refusal(replaced("basic_legacy.pth", "layer1.0.bn1.running_var", "layer1.0.bn1.running_vax"))
                  .find("file: no layer1.0.bn1.running_var, expected in ResNet-6") == 0);
    }

    TEST_CASE("every truncation of either format is refused") {
        for (const char* fixture : {"basic_checkpoint_legacy.pth", "coarse_f16.pth"}) {
            const Bytes whole = bytes_of_file(weight_fixture(fixture));
            size_t accepted = 0;
            for (size_t length = 0; length < whole.size(); length += 7)
                accepted += refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}).empty();
            CHECK(accepted == 0);
        }
    }

    TEST_CASE("a zip archive with bytes behind its end is told so, and not to be truncated") {
        Bytes longer = bytes_of_file(weight_fixture("basic.pth"));
        const size_t size = longer.size();
        longer.resize(size + 5);
        CHECK(refusal(longer) == fmt::format("file: too long: {} bytes, its zip archive ends at {}", size + 5, size));
        const Bytes shorter(longer.begin(), longer.begin() + static_cast<std::ptrdiff_t>(size - 1));
        CHECK(refusal(shorter) == "file: a zip archive without an end (truncated?)");
    }

    TEST_CASE("what is no weights file at all is refused in one line") {
        const TemporaryFolder folder;
        const auto refused = [](const std::string& path) -> std::string {
            try {
                (void)load_weights(path);
                return "";
            } catch (const DataError& error) {
                return error.what();
            }
        };
        const std::string path = folder / "x.pth";
        CHECK(refused(path) == path + ": No such file or directory");
        CHECK(refused(folder.path().string()) == folder.path().string() + ": a directory, expected a file");
        std::ofstream(path).close();
        CHECK(refused(path) == path + ": an empty file");
        std::ofstream(path) << "hello\nworld";
        CHECK(refused(path) == path +
                                   ": begins with \"hello\\nwo\", expected adaq's flat binary, a file of torch.save, "
                                   ".safetensors or ONNX");
        CHECK(refused("/dev/zero") == "/dev/zero: a device or pipe, expected a file");
    }
}
