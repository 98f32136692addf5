// Checkpoints as training scripts leave them: which of their dicts is the network, what stands beside it, and what they
// call it.
#include <doctest/doctest.h>

#include "loaders/weights/network_name.h"
#include "support/temporary_folder.h"
#include "support/text.h"
#include "support/torch_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

const std::string kNumber = "K\x01";

/// What find_weights says against the bytes; "" if nothing.
std::string refused(const Bytes& bytes, const std::string& key = "") {
    try {
        (void)find_weights("x.pth", bytes, key);
        return "";
    } catch (const DataError& error) {
        return error.what();
    }
}

using Entries = std::vector<std::pair<std::string, std::string>>;

/// A checkpoint whose networks differ by a factor each: 1 for the first name, 2 for the second, ...
class Several {
  public:
    explicit Several(const std::vector<std::string>& names) {
        Entries entries{{"epoch", kNumber}};
        float factor = 0.0f;
        for (const std::string& name : names)
            entries.emplace_back(name, file_.state_dict(tiny_tensors(factor += 1.0f)));
        bytes_ = file_.file(pickled_dict(entries));
    }
    const Bytes& bytes() const { return bytes_; }
    /// The factor of the network that is found.
    float taken(const std::string& key = "") const {
        const FoundModel found = find_weights("x.pth", bytes_, key);
        return found.model.tensors.at("fc.bias").values[0] / tiny_tensors().at("fc.bias").values[0];
    }
    std::vector<std::string> notes(const std::string& key = "") const {
        return find_weights("x.pth", bytes_, key, "resnet").notes;
    }

  private:
    TorchFile file_;
    Bytes bytes_;
};

/// A checkpoint of one network with these entries beside it.
std::string refused_with(const Entries& beside) {
    TorchFile file;
    Entries entries = beside;
    entries.emplace_back("state_dict", file.state_dict(tiny_tensors()));
    return refused(file.file(pickled_dict(entries)));
}

}  // namespace

TEST_SUITE("weights: checkpoints") {
    TEST_CASE("the network is found under any name, once or twice nested") {
        for (const char* name :
             {"state_dict", "model", "net", "ema", "weights", "model_ema", "params", "my_backbone"}) {
            CAPTURE(name);
            const Several one({name});
            CHECK(one.taken() == 1.0f);
            CHECK(one.notes().empty());
        }
        for (const auto& [outer, inner] :
             {std::pair("net", "state_dict"), std::pair("ema", "module"), std::pair("a", "b")}) {
            TorchFile file;
            const std::string dict = file.state_dict(tiny_tensors(), "module.");
            const Bytes bytes = file.file(pickled_dict({{"epoch", kNumber}, {outer, pickled_dict({{inner, dict}})}}));
            CHECK(equal(read_weights("x.pth", bytes).tensors, tiny_tensors()));
        }
        TorchFile deep;
        std::string dict = deep.state_dict(tiny_tensors());
        for (const char* name : {"c", "b", "a"}) dict = pickled_dict({{name, dict}});
        CHECK(equal(read_weights("x.pth", deep.file(dict)).tensors, tiny_tensors()));
    }

    TEST_CASE("of several networks the trained one goes before its averages, and the others are told of") {
        CHECK(Several({"state_dict_ema", "state_dict"}).taken() == 2.0f);
        CHECK(Several({"model_ema", "model"}).taken() == 2.0f);
        CHECK(Several({"ema", "net"}).taken() == 2.0f);
        CHECK(Several({"teacher", "model"}).taken() == 2.0f);
        CHECK(Several({"state_dict", "state_dict_ema"}).notes() ==
              std::vector<std::string>{
                  "The weights under state_dict were taken; the file has others under state_dict_ema "
                  "(`checkpoint_key` state_dict_ema)."});
        CHECK(Several({"ema", "model", "teacher"}).notes() ==
              std::vector<std::string>{"The weights under model were taken; the file has others under ema, teacher "
                                       "(`checkpoint_key` ema)."});
    }

    TEST_CASE("a key takes another, by its name or its path") {
        const Several several({"state_dict", "state_dict_ema", "teacher"});
        CHECK(several.taken("state_dict_ema") == 2.0f);
        CHECK(several.taken("teacher") == 3.0f);
        CHECK(several.notes("teacher").empty());
        TorchFile file;
        const std::string trained = file.state_dict(tiny_tensors()), averaged = file.state_dict(tiny_tensors(2.0f));
        const Bytes nested = file.file(pickled_dict(
            {{"model", pickled_dict({{"weights", trained}})}, {"ema", pickled_dict({{"weights", averaged}})}}));
        for (const char* key : {"ema", "ema.weights"})
            CHECK(equal(find_weights("x.pth", nested, key).model.tensors, tiny_tensors(2.0f)));
        for (const char* key : {"model", "model.weights", "weights", ""})
            CHECK(equal(find_weights("x.pth", nested, key).model.tensors, tiny_tensors()));
    }

    TEST_CASE("a key that is not there is refused with those that are") {
        CHECK(refused(Several({"state_dict", "model_ema"}).bytes(), "ema") ==
              "x.pth: no network under ema, expected one of: state_dict, model_ema");
        CHECK(refused(bytes_of_file(weight_fixture("basic_legacy.pth")), "a\nb") ==
              "x.pth: no network under a\\nb, expected one of: none, for its tensors stand under no key");
        for (const char* fixture : {"basic.safetensors", "quantised.bin"})
            CHECK(refused(bytes_of_file(weight_fixture(fixture)), "ema") ==
                  "x.pth: no network under ema, for it is no checkpoint: its tensors stand under no key");
    }

    TEST_CASE("two networks of no usual name are for the user to tell apart") {
        const Several two({"student", "teacher"});
        CHECK(refused(two.bytes()) ==
              "x.pth: holds several networks (student, teacher); `checkpoint_key` NAME takes one");
        CHECK(two.taken("teacher") == 2.0f);
    }

    TEST_CASE("an optimiser's tensors, and matrices without convolutions, are no network") {
        TorchFile file;
        const std::string moments = file.state_dict(tiny_tensors(3.0f)), wanted = file.state_dict(tiny_tensors());
        const std::string loss = pickled_dict({{"weight", file.tensor(Tensor({2, 2}, {1, 2, 3, 4}))}});
        const Bytes bytes = file.file(
            pickled_dict({{"optimizer", pickled_dict({{"exp_avg", moments}})}, {"criterion", loss}, {"mine", wanted}}));
        const FoundModel found = find_weights("x.pth", bytes, "", "resnet");
        CHECK(equal(found.model.tensors, tiny_tensors()));
        CHECK(found.notes.empty());
    }

    TEST_CASE("a checkpoint may be of a class of its own, as long as its items are there") {
        TorchFile file;
        const std::string dict = file.state_dict(tiny_tensors());
        const std::string own = "cmy.things\nConfig\n)\x81(" + pickled("state_dict") + dict + "u";
        CHECK(equal(read_weights("x.pth", file.file(own)).tensors, tiny_tensors()));
    }

    TEST_CASE("whatever stands beside the tensors is passed over, in every protocol, and nothing is made of it") {
        const auto expected = expected_tensors("basic.json");
        for (const char* fixture : {"beside.pth", "beside_protocol1_legacy.pth", "beside_protocol5_legacy.pth"}) {
            CAPTURE(fixture);
            CHECK(equal(load_weights(weight_fixture(fixture)).tensors, expected));
        }
        CHECK(refused_with({{"best", "cposix\nsystem\n" + pickled("false") + "\x85R"}}).empty());
    }

    TEST_CASE("a needed tensor that is something else is refused by its name") {
        const auto with = [](const std::string& name, const std::string& value) {
            TorchFile file;
            Entries entries;
            for (const auto& [key, tensor] : tiny_tensors())
                entries.emplace_back(key, key == name ? value : file.tensor(tensor));
            return refused(file.file(pickled_dict(entries)));
        };
        const std::string storage =
            "(" + pickled("storage") + "ctorch\nComplexFloatStorage\n" + pickled("99") + pickled("cpu") + "K\x02tQ";
        CHECK(with("conv1.weight", kNumber) ==
              "x.pth: conv1.weight is a number, expected a tensor, expected a torchvision ResNet" + other_networks());
        CHECK(with("fc.bias", "cos\nsystem\n)R") ==
              "x.pth: fc.bias is made by os.system (nothing is run), expected a tensor, expected in ResNet-4 (basic "
              "blocks "
              "1, width 1, 2 classes, grey input)" +
                  other_networks());
        CHECK(with("bn1.bias", "ctorch._utils\n_rebuild_qtensor\n(" + storage + "tR")
                  .starts_with("x.pth: bn1.bias is made by torch._utils._rebuild_qtensor (nothing is run), expected"));
        CHECK(with("fc.weight", "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + "K\x01(K\x01t(K\x01t\x89NtR")
                  .starts_with("x.pth: fc.weight is made by torch._utils._rebuild_tensor_v2 as a tensor of "
                               "torch.ComplexFloatStorage (nothing is run), expected a tensor"));
    }

    TEST_CASE("views are read as PyTorch reads them: negative, repeated, transposed, tagged, of classes of their own") {
        const auto expected = expected_tensors("views.json");
        for (const char* fixture : {"views.pth", "views_legacy.pth"}) {
            CAPTURE(fixture);
            CHECK(equal(load_weights(weight_fixture(fixture)).tensors, expected));
        }
    }

    TEST_CASE("a lazy conjugate, and what else may be set on a tensor's values, is refused and not passed over") {
        const auto with = [](const std::string& metadata) {
            TorchFile file;
            Entries entries;
            for (const auto& [name, tensor] : tiny_tensors())
                entries.emplace_back(
                    name, file.tensor(tensor, kNoGradient + (name == "conv1.weight" ? metadata : std::string("N"))));
            return file.file(pickled_dict(entries));
        };
        std::map<std::string, Tensor> negative = tiny_tensors();
        for (float& value : negative.at("conv1.weight").values) value = -value;
        CHECK(equal(read_weights("x.pth", with(pickled_dict({{"neg", "\x88"}}))).tensors, negative));
        CHECK(equal(read_weights("x.pth", with(pickled_dict({{"neg", "\x89"}, {"conj", "\x89"}}))).tensors,
                    tiny_tensors()));
        CHECK(
            refused(with(pickled_dict({{"conj", "\x88"}})))
                .starts_with("x.pth: conv1.weight is made by torch._utils._rebuild_tensor_v2 with the metadata conj"));
    }

    TEST_CASE("tensors that repeat one value are read, as long as a network may hold so many") {
        const auto repeated = [](const ResNet& network) {
            TorchFile file;
            Entries entries;
            for (const auto& [name, shape] : parameters_of(resnet_graph(network)))
                entries.emplace_back(name, file.repeated(0.5f, shape));
            return file.file(pickled_dict(entries));
        };
        const StoredModel model = read_weights("x.pth", repeated({BlockKind::basic, {1}, 64, 10, 3}));
        CHECK(model.tensors.at("layer1.0.conv1.weight") ==
              Tensor({64, 64, 3, 3}, std::vector<float>(64 * 64 * 9, 0.5f)));
        CHECK(refused(repeated({BlockKind::basic, {1}, 4096, 10, 3})).find("its tensors hold 302") !=
              std::string::npos);
        CHECK(refused(repeated({BlockKind::basic, {1}, 1, 1 << 30, 3}))
                  .starts_with("x.pth: fc.weight has shape 1073741824x1 at element 0 of a storage of 1 elements"));
    }

    TEST_CASE("a checkpoint that calls its network by another's name is refused, wherever it says so") {
        const std::string named =
            "x.pth: the checkpoint calls its network resnetblur50 (blur pooling), which adaq does not build; `arch` "
            "NAME takes it for another";
        const std::string name = pickled("resnetblur50");
        CHECK(refused_with({{"arch", name}}) == named);
        CHECK(refused_with({{"hyper_parameters", pickled_dict({{"backbone", name}})}}) == named);
        CHECK(refused_with({{"hyper_parameters", "cpytorch_lightning.utilities.parsing\nAttributeDict\n)\x81" +
                                                     pickled("model_name") + name + "s"}}) == named);
        CHECK(refused_with({{"args", pickled_object("argparse", "Namespace", pickled_dict({{"model", name}}))}}) ==
              named);
        const std::string node = pickled_object("omegaconf.nodes", "AnyNode", pickled_dict({{"_val", name}}));
        CHECK(refused_with({{"cfg", pickled_object("omegaconf.dictconfig", "DictConfig",
                                                   pickled_dict({{"_content", pickled_dict({{"arch", node}})}}))}}) ==
              named);
        CHECK(refused_with({{"arch", pickled("resnet")}, {"args", pickled_dict({{"lr", kNumber}})}}).empty());
        CHECK(refused_with({{"arch", kNumber}, {"notes", name}, {"args", kNumber}, {"cfg", "N"}}).empty());
    }

    TEST_CASE("what no tensor tells of a network is said, unless the file or the user names it") {
        const auto notes_with = [](const Entries& beside, const std::string& arch = "", int width = 64,
                                   bool folded = false) {
            TorchFile file;
            Entries tensors, entries = beside;
            ResNet network{BlockKind::basic, {2, 2, 2, 2}, width};
            network.folded = folded;
            for (const auto& [name, shape] : parameters_of(resnet_graph(network)))
                tensors.emplace_back(name, file.repeated(0.5f, shape));
            entries.emplace_back("state_dict", pickled_dict(tensors));
            return find_weights("x.pth", file.file(pickled_dict(entries)), "", arch).notes;
        };
        const std::vector<std::string> assumed{
            "Nothing names the network, and strides, pools, activations and batch norms' epsilon (1e-5) stand in no "
            "tensor: torchvision's were assumed for this ResNet-18. If the network differs, export it as ONNX "
            "(docs/networks.md); `arch` NAME names it."};
        CHECK(notes_with({}) == assumed);
        CHECK(notes_with({{"arch", pickled("best")}}) == assumed);
        CHECK(notes_with({}, "", 16) == assumed);
        CHECK(mentions(notes_with({}, "", 64, true).at(0), "and strides, pools and activations stand in no tensor"));
        CHECK(notes_with({{"arch", pickled("resnet18")}}).empty());
        CHECK(notes_with({{"arch", pickled("resnet18_tin202")}}).empty());
        CHECK(notes_with({{"args", pickled_dict({{"model", pickled("timm.resnet18")}})}}).empty());
        CHECK(notes_with({}, "resnet18").empty());
    }

    TEST_CASE("a network's name is held against its tensors, whoever gives it") {
        const auto error_of = [](const ResNet& network, const std::string& own,
                                 const std::string& arch) -> std::string {
            TorchFile file;
            Entries tensors, entries;
            for (const auto& [name, shape] : parameters_of(resnet_graph(network)))
                tensors.emplace_back(name, file.repeated(0.5f, shape));
            if (!own.empty()) entries.emplace_back("arch", pickled(own));
            entries.emplace_back("state_dict", pickled_dict(tensors));
            try {
                find_weights("x.pth", file.file(pickled_dict(entries)), "", arch);
            } catch (const DataError& error) {
                return error.what();
            }
            return "";
        };
        const ResNet resnet18{BlockKind::basic, {2, 2, 2, 2}, 4, 2}, cut{BlockKind::basic, {2, 2, 1, 2}, 4, 2};
        const std::string is = "ResNet-18 (basic blocks 2-2-2-2, width 4, 2 classes)", begins = is.substr(0, 33);
        CHECK(error_of(resnet18, "", "resnet50") ==
              "x.pth: `arch` resnet50 has 50 layers, the file's tensors are those of a " + is);
        for (const char* name : {"resnet34", "resnet26", "resnext50_32x4d", "wide_resnet50_2", "resnet152",
                                 "resnet50_os8", "ResNet-50", "torchvision.models.resnet101"}) {
            CHECK_MESSAGE(mentions(error_of(resnet18, "", name), "the file's tensors are those of a " + begins), name);
            CHECK_MESSAGE(mentions(error_of(resnet18, name, ""), "the file's tensors are those of a " + begins), name);
            CHECK_MESSAGE(error_of(resnet18, name, "resnet18").empty(), name);
        }
        CHECK(error_of(resnet18, "vgg16", "") ==
              "x.pth: the checkpoint calls its network vgg16, the file's tensors are those of a " + is +
                  "; `arch` NAME takes it for another");
        CHECK(
            error_of(cut, "resnet18", "") ==
            "x.pth: the checkpoint calls its network resnet18, which has 18 layers, the file's tensors are those of a "
            "ResNet-16 (basic blocks 2-2-1-2, width 4, 2 classes); `arch` NAME takes it for another");
        CHECK(error_of(cut, "resnet18", "resnet").empty());
        for (const char* name : {"resnet18", "resnet18_tin202", "resnet_18", "ResNet18_4bit", "resnet18_os8", "resnet",
                                 "resnet_50epochs", "resnet_200", "resnet18_w4a4", "my_resnet18_v2"}) {
            CHECK_MESSAGE(error_of(resnet18, name, "").empty(), name);
            CHECK_MESSAGE(error_of(resnet18, "", name).empty(), name);
        }
    }

    TEST_CASE("the user's name of the network goes before the file's") {
        const auto loaded = [](const std::string& own, const std::string& arch) {
            TorchFile file;
            const Bytes bytes =
                file.file(pickled_dict({{"arch", pickled(own)}, {"state_dict", file.state_dict(tiny_tensors())}}));
            return find_weights("x.pth", bytes, "", arch).model.graph.description;
        };
        CHECK(loaded("resnetblur18", "resnet").starts_with("ResNet-4 (basic blocks 1, width 1"));
        CHECK(loaded("resnet_os8", "").find("output stride 8") != std::string::npos);
        CHECK(loaded("resnet_os8", "resnet_os16").find("output stride 16") != std::string::npos);
        CHECK(loaded("resnet_os8", "resnet").find("output stride") == std::string::npos);
        CHECK_THROWS_WITH_AS(loaded("resnet18", "resnetblur18"),
                             "`arch` resnetblur18: blur pooling, expected a network that adaq builds", UsageError);
        CHECK_THROWS_WITH_AS(loaded("resnet18", "mine"),
                             "`arch` mine: expected the name of a network: resnet50, resnext50_32x4d, wide_resnet50_2, "
                             "resnet50_os8, mobilenet_v2, mnasnet1_0, regnet_x_400mf, vgg16_bn, ...",
                             UsageError);
        CHECK_THROWS_WITH_AS(loaded("resnet18", "vgg16"),
                             "x.pth: has the tensors of a ResNet-4 (basic blocks 1, width 1, 2 classes, grey input), "
                             "expected those of a vgg",
                             DataError);
        CHECK_THROWS_WITH_AS(find_weights("q.bin", bytes_of_file(weight_fixture("quantised.bin")), "", "resnet18"),
                             "`arch` resnet18: q.bin says itself what its network is", UsageError);
    }

    TEST_CASE("a config.json beside the weights tells the network, where the file itself does not") {
        const TemporaryFolder folder;
        const auto says = [&](const std::string& config, const Entries& beside = {},
                              const std::string& arch = "") -> std::string {
            std::ofstream(folder / "config.json") << config;
            TorchFile file;
            Entries entries = beside;
            entries.emplace_back("state_dict", file.state_dict(tiny_tensors()));
            write_bytes(folder / "x.pth", file.file(pickled_dict(entries)));
            try {
                const FoundModel found = find_weights(folder / "x.pth", "", arch);
                return found.model.graph.description.find("output stride 8") != std::string::npos ? "stride 8"
                                                                                                  : "taken";
            } catch (const DataError& error) {
                return error.what() + std::string(folder / "x.pth: ").size();
            }
        };
        const std::string blur =
            "the checkpoint calls its network resnetblur50 (blur pooling), which adaq does not build; `arch` NAME "
            "takes "
            "it for another";
        CHECK(says(R"({"architecture": "resnetblur50"})") == blur);
        CHECK(says(R"({"architecture": "resnetblur50"})", {{"arch", pickled("resnet")}}) == "taken");
        CHECK(says(R"({"architecture": "resnetblur50"})", {}, "resnet") == "taken");
        CHECK(says(R"({"architecture": "resnet_os8"})") == "stride 8");
        CHECK(says(R"({"model_type": "resnet", "hidden_act": "relu", "downsample_in_bottleneck": false})") == "taken");
        for (const auto& [setting, why] :
             {std::pair(R"("hidden_act": "silu")", "silu activations"),
              std::pair(R"("downsample_in_bottleneck": true)", "strides in 1x1 convolutions"),
              std::pair(R"("downsample_in_first_stage": true)", "a first stage that strides")})
            CHECK(says(std::string(R"({"model_type": "resnet", )") + setting + "}")
                      .find(std::string("resnet (") + why + ")") != std::string::npos);
        for (const char* nothing : {"", "{", "[]", "17", R"({"architecture": 5})", R"({"port": 80})"})
            CHECK_MESSAGE(says(nothing) == "taken", nothing);
        CHECK(says(std::string(100000, '[')) == "taken");
        CHECK(says(R"({"architecture": "resnetblur50", "pad": ")" + std::string(1 << 20, ' ') + "\"}") == "taken");
    }

    TEST_CASE("names of what adaq builds, and names that say nothing, pass") {
        for (const char* name : {"resnet18",
                                 "ResNet-50",
                                 "resnet_34",
                                 "resnet50.tv_in1k",
                                 "resnet50.a1_in1k",
                                 "resnet50.d_in1k",
                                 "tv_resnet50",
                                 "resnet18.fb_swsl_ig1b_ft_in1k",
                                 "gluon_resnet50_v1b",
                                 "torchvision.models.resnet101",
                                 "resnet152",
                                 "resnet26",
                                 "ssl_resnet18",
                                 "my_resnet18_v2",
                                 "resnet18_tin202",
                                 "resnet50_imagenet1k_v1",
                                 "ResNet18_4bit",
                                 "tiny",
                                 "best",
                                 "model",
                                 "",
                                 "evaluation",
                                 "unet",
                                 "simclr_resnet50",
                                 "resnet50_pretrained"})
            CHECK_MESSAGE(network_named(name).other.empty(), name);
    }

    TEST_CASE("names of networks that share a ResNet's tensors, or nearly, are told what they have") {
        const auto has = [](const char* name) { return network_named(name).other; };
        CHECK(has("resnetblur50") == "blur pooling");
        CHECK(has("resnetblur50.bt_in1k") == "blur pooling");
        CHECK(has("timm.models.resnetblur18") == "blur pooling");
        CHECK(has("resnetaa50") == "anti-aliasing");
        CHECK(has("ResNetAA101d") == "anti-aliasing");
        CHECK(has("antialiased_resnet50") == "anti-aliasing");
        for (const char* name :
             {"resnet50_dilated", "dilated_resnet50", "resnet50dilated", "deeplabv3_resnet50", "fcn_resnet101"})
            CHECK_MESSAGE(has(name) == "dilated convolutions", name);
        CHECK(has("resnet50_silu") == "SiLU activations");
        CHECK(has("resnet18-swish") == "SiLU activations");
        CHECK(has("resnet50_gelu") == "GELU activations");
        CHECK(has("resnet50_relu6") == "ReLU6 activations");
        CHECK(has("resnet50_leaky_relu") == "leaky ReLU activations");
        CHECK(has("legacy_seresnet50") == "squeeze and excitation");
        CHECK(has("resnetrs101") == "squeeze and excitation");
        CHECK(has("resnet50d") == "a deep stem and pooled shortcuts");
        CHECK(has("resnet26t.ra2_in1k") == "a deep stem");
        CHECK(has("resnet50_gn") == "group normalisation");
        CHECK(has("resnetv2_50x1_bit") == "activations before the convolutions");
        CHECK(has("preact_resnet18") == "activations before the convolutions");
        for (const char* name : {"seresnext26d_32x4d", "efficientnet_b0", "torchvision.models.densenet121",
                                 "vit_base_patch16_224", "resnest50d", "res2net50_14w_8s", "mobilenet_v3_large",
                                 "mobilenetv3_large_100", "regnet_y_400mf", "regnetz_d8", "semnasnet_100", "repvgg_a0"})
            CHECK_MESSAGE(has(name) == "another kind of network", name);
        CHECK(has("resnext50d_32x4d") == "a deep stem and pooled shortcuts");
        CHECK(has("gluon_resnet50_v1d") == "a deep stem and pooled shortcuts");
    }

    TEST_CASE("names of what adaq builds tell the family, and where windows widen") {
        const auto family = [](const char* name) {
            const NamedNetwork named = network_named(name);
            return named.other.empty() ? named.family : named.other;
        };
        for (const char* name : {"resnet18", "tv_resnet50", "resnext50_32x4d", "resnext101_32x8d_wsl",
                                 "wide_resnet50_2", "torchvision.models.resnext101_64x4d", "ssl_resnext50_32x4d"})
            CHECK_MESSAGE(family(name) == "resnet", name);
        for (const char* name : {"mobilenet_v2", "mobilenetv2_100.ra_in1k", "MobileNetV2"})
            CHECK_MESSAGE(family(name) == "mobilenet_v2", name);
        for (const char* name : {"mnasnet1_0", "mnasnet_100"}) CHECK_MESSAGE(family(name) == "mnasnet", name);
        for (const char* name : {"regnet_x_400mf", "regnetx_004", "RegNetX-600MF"})
            CHECK_MESSAGE(family(name) == "regnet_x", name);
        for (const char* name : {"vgg16_bn", "torchvision.models.vgg11"}) CHECK_MESSAGE(family(name) == "vgg", name);
        for (const char* name : {"best", "model", ""}) CHECK(family(name).empty());
        for (const char* name : {"resnet50_os8", "resnet50-d8", "resnet101_d8", "resnext50_32x4d_os8"})
            CHECK_MESSAGE((network_named(name).output_stride == 8 && family(name) == "resnet"), name);
        CHECK(network_named("resnet50_os16").output_stride == 16);
        for (const char* name : {"resnet50", "resnet50_os32", "resnext50_32x8d"})
            CHECK_MESSAGE(network_named(name).output_stride == 0, name);
    }
}
