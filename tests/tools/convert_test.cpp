// adaq-convert as its users run it: exit status, what it prints, what it leaves on the disk.
#include <doctest/doctest.h>

#include "support/onnx_files.h"
#include "support/programs.h"
#include "support/temporary_folder.h"
#include "support/text.h"
#include "support/torch_files.h"

using namespace adaq;
using namespace adaq::test;

namespace {

Outcome convert(const std::string& arguments, const std::string& before = "") {
    return run_program("adaq-convert", arguments, "2>&1", before);
}

const std::string kBasic = weight_fixture("basic.pth"), kQuantised = weight_fixture("quantised.bin");
const std::string kNamed = kBasic + " --arch resnet";  // nothing is assumed of it

}  // namespace

TEST_SUITE("adaq-convert") {
    TEST_CASE("converts .pth to .bin and .safetensors and back without a bit lost, and says what it did") {
        const TemporaryFolder folder;
        const Outcome bin = convert(kNamed + " " + (folder / "a.bin"));
        CHECK(bin.status == 0);
        CHECK(bin.output == kBasic + " -> " + (folder / "a.bin") +
                                ": ResNet-6 (basic blocks 1-1, width 2, 3 classes), 32 tensors, 0.01 MB\n");
        CHECK(convert((folder / "a.bin") + " " + (folder / "a.safetensors")).status == 0);
        CHECK(convert((folder / "a.safetensors") + " " + (folder / "b.bin")).status == 0);
        CHECK(text_of_file(folder / "a.bin") == text_of_file(folder / "b.bin"));
        CHECK(equal(load_weights(folder / "b.bin").tensors, expected_tensors("basic.json")));
        CHECK(folder.count() == 3);
    }

    TEST_CASE("a quantised .bin becomes .safetensors with encodings beside") {
        const TemporaryFolder folder;
        const Outcome outcome = convert(kQuantised + " " + (folder / "q.safetensors"));
        CHECK(outcome.status == 0);
        CHECK(outcome.output.find("(10 quantised)") != std::string::npos);
        CHECK(outcome.output.find("encodings in " + (folder / "q.encodings.json")) != std::string::npos);
        CHECK(equal(load_weights(folder / "q.safetensors").tensors, expected_tensors("quantised.json")));
        CHECK(nlohmann::json::parse(text_of_file(folder / "q.encodings.json"))["weights"].size() == 10);
    }

    TEST_CASE("a quantised .bin becomes .onnx for a runtime, and notes tell what that will do otherwise") {
        const TemporaryFolder folder;
        const std::string block = onnx_fixture("block.bin"), out = folder / "q.onnx";
        const Outcome outcome = convert(block + " " + out + " --for ort");
        CHECK(outcome.status == 0);
        CHECK(outcome.output.starts_with("adaq-convert: note: onnxruntime computes 3 of 6 convolutions ("));
        CHECK(outcome.output.find(block + " -> " + out +
                                  ": ResNet-6 (basic blocks 1-1, width 2, 3 classes), 32 tensors "
                                  "(7 quantised), 0.01 MB\n") != std::string::npos);
        const Bytes bytes = bytes_of_file(out);
        CHECK(count_of(onnx::parse(out, bytes).graph, "Min") == 2);
        CHECK(convert(block + " " + out + " --for ort --pack --onnx-input u8").status == 0);
        CHECK(onnx::parse(out, bytes_of_file(out)).operator_sets[0].version == 25);
        CHECK(convert(block + " " + out + " --for ort").status == 0);
        CHECK(bytes_of_file(out) == bytes);  // equal options, equal files
        CHECK(folder.count() == 1);
        const Outcome aimet = convert(block + " " + out + " --encodings aimet");
        CHECK(aimet.status == 0);
        CHECK(aimet.output.ends_with("; encodings in " + (folder / "q.encodings.json") + "\n"));
        CHECK(nlohmann::json::parse(text_of_file(folder / "q.encodings.json"))["version"] == "1.0.0");
    }

    TEST_CASE(
        "a network made for onnxruntime runs there as integers, and a note tells when it is written for another") {
        const TemporaryFolder folder;
        const std::string deployed = onnx_fixture("deployed.bin"), out = folder / "q.onnx";
        const Outcome right = convert(deployed + " " + out + " --for ort");
        CHECK(right.status == 0);
        CHECK(right.output.find("in float") == std::string::npos);
        CHECK(right.output.find("rounds") == std::string::npos);
        CHECK(convert(deployed + " " + out).output.find("note:") == std::string::npos);
        CHECK(convert(deployed + " " + out + " --for openvino")
                  .output.find("made for another runtime: adaq-run "
                               "--deploy ort; with --deploy openvino") != std::string::npos);
    }

    TEST_CASE("pixels of a network that says nothing of them are normalised by the defaults that --help tells") {
        const TemporaryFolder folder;
        const std::string out = folder / "f.onnx", usual = kNamed + " " + out + " --onnx-input u8";
        const auto normalised_by = [&](const std::string& options, const std::string& note) {
            const Outcome outcome = convert(usual + options);
            INFO(outcome.output);
            CHECK(outcome.status == 0);
            CHECK(outcome.output.starts_with(note + kBasic + " -> "));
            const onnx::ModelProto model = onnx::parse(out, bytes_of_file(out));
            return std::pair(values_of<float>(*find_initializer(model.graph, "input.mean")),
                             values_of<float>(*find_initializer(model.graph, "input.std")));
        };
        const std::vector<float> mean{0.485f, 0.456f, 0.406f}, std{0.229f, 0.224f, 0.225f}, half{0.5f, 0.5f, 0.5f};
        const std::string note = "adaq-convert: note: Pixels are normalised with ";
        const std::string means = "--mean 0.485,0.456,0.406", deviations = "--std 0.229,0.224,0.225";
        CHECK(normalised_by("", note + means + " and " + deviations + ", by default.\n") == std::pair(mean, std));
        CHECK(normalised_by(" --resize 0", note + means + " and " + deviations + ", by default.\n") ==
              std::pair(mean, std));
        CHECK(normalised_by(" --mean 0.5,0.5,0.5", note + deviations + ", by default.\n") == std::pair(half, std));
        CHECK(normalised_by(" --mean 0.5,0.5,0.5 --std 0.5,0.5,0.5", "") == std::pair(half, half));
        CHECK(convert(kNamed + " " + out + " --resize 0").output.starts_with(kBasic));  // which normalises nothing
        write_bytes(folder / "grey.pth", checkpoint_of_two());
        const Outcome grey =
            convert((folder / "grey.pth") + " " + (folder / "g.onnx") + " --onnx-input u8 --checkpoint-key model_ema");
        CHECK(grey.status == 1);
        CHECK(grey.output.ends_with("means and standard deviations (adaq-convert --mean --std)\n"));
    }

    TEST_CASE("a float network becomes .onnx, and is read back") {
        const TemporaryFolder folder;
        CHECK(convert(kBasic + " " + (folder / "f.onnx")).status == 0);
        const Outcome back = convert((folder / "f.onnx") + " " + (folder / "f.bin"));
        CHECK(back.status == 0);
        CHECK(back.output.find("ONNX network (") != std::string::npos);
        CHECK(folder.count() == 2);
    }

    TEST_CASE("--pack says so where there is nothing to pack") {
        const TemporaryFolder folder;
        const std::string out = folder / "q.onnx";
        const std::string note =
            "adaq-convert: note: There is nothing to pack: no weights of at most 4 bits are written as codes.\n";
        const Outcome packed = convert(kNamed + " " + out + " --pack");
        CHECK(packed.status == 0);
        CHECK(packed.output.starts_with(note + kBasic));
        CHECK(convert(kNamed + " " + out).output.starts_with(kBasic));
        CHECK(convert(onnx_fixture("block.bin") + " " + out + " --pack").output.find("pack") == std::string::npos);
    }

    TEST_CASE(
        "of a checkpoint's networks the usual one is taken and the others told of, --checkpoint-key takes another") {
        const TemporaryFolder folder;
        const std::string in = folder / "c.pth", out = folder / "a.bin";
        write_bytes(in, checkpoint_of_two());
        CHECK(convert(in + " --arch resnet " + out).output ==
              "adaq-convert: note: The weights under state_dict were taken; the file has others under model_ema "
              "(--checkpoint-key model_ema).\n" +
                  in + " -> " + out +
                  ": ResNet-4 (basic blocks 1, width 1, 2 classes, grey input), 17 tensors, 0.00 MB\n");
        CHECK(equal(load_weights(out).tensors, tiny_tensors()));
        const Outcome other = convert(in + " --arch resnet " + out + " --checkpoint-key model_ema");
        CHECK(other.status == 0);
        CHECK(other.output.find("note") == std::string::npos);
        CHECK(equal(load_weights(out).tensors, tiny_tensors(2.0f)));
        const Outcome missing = convert(in + " " + out + " --checkpoint-key best");
        CHECK(missing.status == 1);
        CHECK(missing.output ==
              "adaq-convert: " + in + ": no network under best, expected one of: state_dict, model_ema\n");
    }

    TEST_CASE("--arch says what network the tensors are, and must be the name of one of their family") {
        const TemporaryFolder folder;
        const std::string out = folder / "a.bin";
        CHECK(
            mentions(convert(kBasic + " " + out).output,
                     "adaq-convert: note: Nothing names the network, and strides, pools, activations and batch norms' "
                     "epsilon (1e-5) stand in no tensor: torchvision's were assumed for this ResNet-6. If the network "
                     "differs, export it as ONNX (docs/networks.md); --arch NAME names it.\n"));
        const Outcome size = convert(kBasic + " " + (folder / "b.bin") + " --arch resnet50");
        CHECK(size.status == 1);
        CHECK(size.output == "adaq-convert: " + kBasic +
                                 ": --arch resnet50 has 50 layers, the file's tensors are those of a ResNet-6 (basic "
                                 "blocks 1-1, width 2, 3 classes)\n");
        const Outcome dilated = convert(kBasic + " " + out + " --arch resnet_os8");
        CHECK(dilated.status == 0);
        CHECK(dilated.output.find("output stride 8") != std::string::npos);
        const Outcome family = convert(kBasic + " " + out + " --arch vgg16");
        CHECK(family.status == 1);
        CHECK(family.output == "adaq-convert: " + kBasic +
                                   ": has the tensors of a ResNet-6 (basic blocks 1-1, width 2, 3 classes), expected "
                                   "those of a vgg\n");
        const Outcome blur = convert(kBasic + " " + out + " --arch resnetblur18");
        CHECK(blur.status == 2);
        CHECK(blur.output == "adaq-convert: --arch resnetblur18: blur pooling, expected a network that adaq builds\n");
    }

    TEST_CASE("names with line ends or bytes that are no UTF-8 stay on their line") {
        const TemporaryFolder folder;
        const Outcome outcome = convert("\"$(printf 'a\\nb\\377.pth')\" " + (folder / "a.bin"));
        CHECK(outcome.status == 1);
        CHECK(outcome.output == "adaq-convert: a\\nb\\xff.pth: No such file or directory\n");
    }

    TEST_CASE("class names and preprocessing come from the options, over what the file has") {
        const TemporaryFolder folder;
        std::ofstream(folder / "names.txt") << "tench\n\n  goldfish \r\ngreat white shark";
        const std::string out = folder / "a.bin";
        CHECK(convert(kBasic + " " + out + " --resize 256 --crop 224 --classes " + (folder / "names.txt")).status == 0);
        StoredModel model = load_weights(out);
        CHECK(model.class_names == std::vector<std::string>{"tench", "goldfish", "great white shark"});
        CHECK(model.preprocessing == Preprocessing{256, 224, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}});
        CHECK(convert(out + " " + (folder / "b.bin") + " --mean 0.5,0.25,1 --std=0.5,0.5,0.125").status == 0);
        model = load_weights(folder / "b.bin");
        CHECK(model.preprocessing == Preprocessing{256, 224, {0.5f, 0.25f, 1.0f}, {0.5f, 0.5f, 0.125f}});
        CHECK(model.class_names.size() == 3);
        const std::string bicubic = folder / "bicubic.bin";
        CHECK(convert(out + " " + bicubic + " --interpolation bicubic").status == 0);
        model = load_weights(bicubic);
        CHECK(model.preprocessing->interpolation == Interpolation::bicubic);
        CHECK(model.preprocessing->resize == 256);
        CHECK(convert(bicubic + " " + (folder / "a.safetensors")).status == 0);
        CHECK(load_weights(folder / "a.safetensors").preprocessing == model.preprocessing);
        CHECK(convert(bicubic + " " + (folder / "b.bin") + " --interpolation bilinear").status == 0);
        CHECK(load_weights(folder / "b.bin").preprocessing->interpolation == Interpolation::bilinear);
    }

    TEST_CASE("a wrong command line is one line and status 2") {
        const TemporaryFolder folder;
        const std::string out = folder / "a.bin";
        const auto wrong = [](const std::string& arguments, const std::string& message) {
            const Outcome outcome = convert(arguments);
            CHECK(outcome.status == 2);
            CHECK(outcome.output.starts_with("adaq-convert: "));
            CHECK(std::count(outcome.output.begin(), outcome.output.end(), '\n') == 1);
            INFO(outcome.output);
            CHECK(outcome.output.find(message) != std::string::npos);
        };
        wrong("", "IN");
        wrong(kNamed, "OUT");
        wrong(kNamed + " a.pth", "OUT is a.pth, expected a name that ends in .bin, .safetensors or .onnx");
        wrong(kNamed + " " + out + " --nonsense", "--nonsense");
        wrong(kNamed + " " + (folder / "a.onnx") + " --for tflite",
              "--for tflite: expected one of any, ort, openvino, tensorrt");
        wrong(kNamed + " " + (folder / "a.onnx") + " --onnx-input u16", "--onnx-input u16: expected one of float, u8");
        wrong(kNamed + " " + (folder / "a.onnx") + " --encodings qnn", "--encodings qnn: expected one of none, aimet");
        wrong(kNamed + " " + out + " --pack",
              "--for, --onnx-input, --pack and --encodings are for an OUT that ends in .onnx");
        wrong(kNamed + " " + (folder / "a.onnx") + " --encodings aimet --for ort",
              "--encodings aimet: the network beside them is float; --for and --pack do not go with it");
        wrong(kNamed + " " + (folder / "a.onnx") + " --for tensorrt --pack",
              "--pack: TensorRT takes packed weights of matrix products alone");
        wrong(kNamed + " " + out + " --crop big", "--crop");
        wrong(kNamed + " " + out + " --crop -1", "--crop");
        for (const std::string edge : {"--resize", "--crop"})  // adaq-run's bounds
            wrong(kNamed + " " + out + " " + edge + " 4097", edge + " 4097: expected a whole number from 0 to 4096");
        wrong(kNamed + " " + out + " --interpolation lanczos", "--interpolation lanczos: expected one of bilinear");
        wrong(kNamed + " " + out + " --mean 1,x,3", "--mean is \"1,x,3\", expected numbers");
        wrong(kNamed + " " + out + " --mean 1,", "--mean is \"1,\"");
        wrong(kNamed + " " + out + " --std 1,0,1",
              "--std is \"1,0,1\", expected each to be a number above 0 and up to 1");
        wrong(kNamed + " " + out + " --mean 123.675,116.28,103.53",
              "--mean is \"123.675,116.28,103.53\", expected each to be a number from 0 to 1, of pixel values from 0 "
              "to 1");
        wrong(kNamed + " " + out + " --std 58.395,57.12,57.375", "--std is \"58.395,57.12,57.375\", expected each");
        wrong(kNamed + " " + out + " --mean=-0.1,0,0", "--mean is \"-0.1,0,0\", expected each");
        wrong(kNamed + " " + out + " --mean nan,0,0", "--mean is \"nan,0,0\", expected each");
        wrong(kNamed + " " + out + " --mean 1e99,0,0", "--mean is \"1e99,0,0\", expected each");
        wrong(kNamed + " " + out + " --mean 0.5 --std 0.5", "--mean has 1 numbers, expected 3");
        CHECK(folder.count() == 0);
    }

    TEST_CASE("bad data is one line and status 1, and leaves no file") {
        const TemporaryFolder folder;
        const std::string out = folder / "a.bin";
        std::ofstream(folder / "names.txt") << "one\ntwo\n";
        const auto bad = [](const std::string& arguments, const std::string& message, const std::string& before = "") {
            const Outcome outcome = convert(arguments, before);
            CHECK(outcome.status == 1);
            CHECK(outcome.output == "adaq-convert: " + message + "\n");
        };
        bad("missing.pth " + out, "missing.pth: No such file or directory");
        const std::string evil = weight_fixture("wants_system.pth");
        bad(evil + " " + out,
            evil +
                ": no tensors in its dict (keys: fc.bias, made by posix.system), expected a state dict, bare or under "
                "state_dict, model, net, ...");
        bad(kNamed + " " + out + " --classes " + (folder / "names.txt"),
            (folder / "names.txt") + ": 2 class names, expected 3, one a class");
        bad(kNamed + " " + out + " --classes " + (folder / "none.txt"),
            (folder / "none.txt") + ": No such file or directory, expected class names, one a line");
        bad(kNamed + " " + (folder / "no/a.bin"),
            (folder / "no/a.bin") + ": cannot be written: there is no folder " + (folder / "no"));
        bad(kNamed + " " + out, out + ": cannot be written: File too large", "ulimit -f 4; ");  // a full disk
        const std::string q = folder / "q.onnx", block = onnx_fixture("block.bin");
        bad(block + " " + q, q + ": cannot be written: File too large", "ulimit -f 4; ");
        bad(block + " " + q + " --for tensorrt", q + ": the activation input has zero point -26, expected 0, which is "
                                                     "all that TensorRT knows (adaq-run --deploy tensorrt --a7)");
        bad(kNamed + " " + q + " --encodings aimet", q + ": encodings of a float network, expected a quantised one");
        CHECK(folder.count() == 1);
    }

    TEST_CASE("--help explains, --version tells") {
        const Outcome help = convert("--help");
        CHECK(help.status == 0);
        for (const char* word : {"IN", "OUT", "--classes", "--resize", "--crop", "--mean", "--std", "encodings",
                                 "--for", "--pack", "--onnx-input"})
            CHECK(help.output.find(word) != std::string::npos);
        CHECK(convert("--version").output.find("adaq 0.") == 0);
    }
}
