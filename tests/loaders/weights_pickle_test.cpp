// The pickle machine (loaders/weights/pickle.h) on pickles written opcode by opcode, most of them hostile.
#include "loaders/weights/pickle.h"

#include <doctest/doctest.h>

#include <limits>

#include "engine/error.h"
#include "support/weight_files.h"

using namespace adaq;
using namespace adaq::test;
using namespace std::string_literals;

namespace {

using Kind = PickleValue::Kind;

const std::string kFile = "x.pth";

/// Runs a pickle; `text` outlives the result.
Pickle run(const std::string& text) {
    ByteCursor cursor(kFile, "the pickle", std::as_bytes(std::span(text)));
    return read_pickle(kFile, cursor);
}

std::string refused(const std::string& text) {
    try {
        (void)run(text);
        return "";
    } catch (const DataError& error) {
        return error.what();
    }
}

int64_t integer(const std::string& text) {
    const Pickle pickle = run(text + ".");
    REQUIRE(pickle.top().kind == Kind::integer);
    return pickle.top().integer;
}

std::string repeated(const std::string& text, size_t times) {
    std::string all;
    for (size_t i = 0; i < times; ++i) all += text;
    return all;
}

bool broken(const std::string& text) { return refused(text).starts_with("x.pth: a broken pickle: "); }

/// Pushes a storage of 4 floats with the key "0".
const std::string kStorage =
    "(U\x07storagectorch\nFloatStorage\nU\x01"
    "0U\x03"
    "cpuK\x04tQ";

}  // namespace

TEST_SUITE("weights: pickle") {
    TEST_CASE("integers of every width, with their signs") {
        CHECK(integer("K\xff") == 255);
        CHECK(integer("M\x01\x02") == 513);
        CHECK(integer("J\xfe\xff\xff\xff"s) == -2);
        CHECK(integer("\x8a\x00"s) == 0);
        CHECK(integer("\x8a\x01\xff"s) == -1);
        CHECK(integer("\x8a\x02\xff\x00"s) == 255);
        CHECK(integer("\x8a\x03\x00\x00\x80"s) == -8388608);
        CHECK(integer("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80"s) == std::numeric_limits<int64_t>::min());
        CHECK(integer("\x8b\x01\x00\x00\x00\x07"s) == 7);
    }

    TEST_CASE("a dict comes out with its keys, values and shared parts") {
        const std::string text =
            "\x80\x02}q\x00(U\x01"
            "a]q\x01(K\x01K\x02"
            "eU\x01"
            "bh\x01u."s;
        const Pickle pickle = run(text);
        REQUIRE(pickle.top().kind == Kind::dict);
        const auto& items = pickle.top().items;
        REQUIRE(items.size() == 4);
        CHECK(pickle.values[items[0]].text == "a");
        CHECK(pickle.values[items[2]].text == "b");
        CHECK(items[1] == items[3]);
        CHECK(pickle.values[items[1]].items.size() == 2);
    }

    TEST_CASE("a rebuilt tensor is a view of its storage") {
        const std::string text = "ctorch._utils\n_rebuild_tensor_v2\n(" + kStorage +
                                 "K\x01K\x02K\x01\x86K\x01K\x02\x86\x89"
                                 "ccollections\nOrderedDict\n)RtR.";
        const Pickle pickle = run(text);
        REQUIRE(pickle.top().kind == Kind::tensor);
        const PickledTensor& tensor = pickle.tensors.at(0);
        CHECK(tensor.storage_key == "0");
        CHECK(tensor.storage_elements == 4);
        CHECK(tensor.offset == 1);
        CHECK(tensor.shape == Shape{2, 1});
        CHECK(tensor.strides == Shape{1, 2});
    }

    TEST_CASE("every global that is not a tensor's is refused by name, before anything else happens") {
        CHECK(refused("cos\nsystem\n(U\x02lstR.") == "x.pth: the pickle wants os.system; only tensors are read");
        CHECK(refused("\x80\x04\x8c\x02os\x8c\x06system\x93.") ==
              "x.pth: the pickle wants os.system; only tensors are read");
        for (const char* name :
             {"builtins\neval", "builtins\nexec", "__builtin__\ngetattr", "torch\nload", "torch\nFloatTensor",
              "collections\nOrderedDict.update", "torch._utils\n_rebuild_tensor_v3", "\n", "numpy\ndtype"})
            CHECK(refused("c"s + name + "\n.").starts_with("x.pth: the pickle wants "));
        CHECK(refused("ca\x01\x1b[2J\nb\n.") == "x.pth: the pickle wants a??[2J.b; only tensors are read");
    }

    TEST_CASE("a whole pickled model is told to be one") {
        CHECK(refused("ctorchvision.models.resnet\nResNet\n)\x81.") ==
              "x.pth: the pickle wants torchvision.models.resnet.ResNet; only tensors are read (a whole model? "
              "expected its "
              "state_dict())");
    }

    TEST_CASE("opcodes that a state dict does not need are refused by name") {
        CHECK(refused("(ios\nsystem\n.") == "x.pth: the pickle uses the opcode INST (0x69); only tensors are read");
        CHECK(refused("(o.") == "x.pth: the pickle uses the opcode OBJ (0x6f); only tensors are read");
        CHECK(refused("\x82\x01.") == "x.pth: the pickle uses the opcode EXT1 (0x82); only tensors are read");
        CHECK(refused("\x92.") == "x.pth: the pickle uses the opcode NEWOBJ_EX (0x92); only tensors are read");
        CHECK(refused("\xfe.") == "x.pth: the pickle uses the opcode unknown (0xfe); only tensors are read");
    }

    TEST_CASE("calls of what cannot be called are refused") {
        CHECK(
            broken("U\x01"
                   "f)R."));
        CHECK(broken("ctorch\nFloatStorage\n)R."));
        CHECK(broken("ctorch._utils\n_rebuild_tensor_v2\n)R."));
        CHECK(broken("ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x02K\x03K\x04tR."));
        CHECK(broken("ctorch\nSize\n)R."));
        CHECK(broken("ccollections\nOrderedDict\nK\x01\x85R."));
        CHECK(broken("K\x01}b."));
    }

    TEST_CASE("persistent ids that are no storage are refused") {
        CHECK(
            broken("U\x03"
                   "abcQ."));
        CHECK(broken(")Q."));
        CHECK(
            broken("(U\x07storageccollections\nOrderedDict\nU\x01"
                   "0U\x03"
                   "cpuK\x04tQ."));
        CHECK(
            broken("(U\x07storagectorch\nFloatStorage\nK\x01U\x03"
                   "cpuK\x04tQ."));
        CHECK(
            broken("(U\x07storagectorch\nFloatStorage\nU\x01"
                   "0U\x03"
                   "cpuK\x04K\x01K\x01K\x01\x87tQ."));
    }

    TEST_CASE("a stack that runs empty, a mark that is not there, a memo never stored") {
        for (const char* text : {".",
                                 "0.",
                                 "1.",
                                 "2.",
                                 "a.",
                                 "]a.",
                                 "]e.",
                                 "s.",
                                 "}K\x01s.",
                                 "}(K\x01u.",
                                 "t.",
                                 "u.",
                                 "(0.",
                                 "K\x01(a.",
                                 "R.",
                                 "b.",
                                 "Q.",
                                 "q\x01.",
                                 "h\x01.",
                                 "j\x01\x01\x01\x01.",
                                 "]K\x01K\x02s.",
                                 "}K\x01"
                                 "a.",
                                 "\x85.",
                                 "K\x01\x86.",
                                 "\x93.",
                                 "K\x01K\x02\x93."}) {
            CAPTURE(text);
            CHECK(broken(text));
        }
        CHECK(refused("").find("ends too early") != std::string::npos);
        CHECK(refused("K\x01").find("ends too early") != std::string::npos);
    }

    TEST_CASE("lengths that lie are refused without a byte allocated for them") {
        CHECK(refused("X\xff\xff\xff\xff"
                      "abc.")
                  .find("ends too early") != std::string::npos);
        CHECK(refused("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
                      "abc.")
                  .find("ends too early") != std::string::npos);
        CHECK(refused("\x8b\xff\xff\xff\x7f"
                      "abc.")
                  .find("ends too early") != std::string::npos);
        CHECK(refused("cendless line").find("has no end") != std::string::npos);
    }

    TEST_CASE("nesting, cycles and shared bombs cost no more than their length") {
        CHECK(run(repeated("]", 100000) + repeated("a", 99999) + ".").values.size() == 100000);  // one inside another
        CHECK(run("]q\x01" +
                  repeated("h\x01"
                           "a",
                           100000) +
                  ".")
                  .values.size() == 1);  // inside itself
        // Ten levels of ten references each: 10^10 elements if anyone walked it.
        const std::string level = "(" + repeated("h\x01", 10) + "l";
        CHECK(refused("]q\x01" + level + ".").find("LIST") != std::string::npos);
        std::string bomb = "]q\x01";
        for (int i = 0; i < 10; ++i) bomb += "](" + repeated("h\x01", 10) + "eq\x01";
        CHECK(run(bomb + ".").values.size() == 11);
        CHECK(run(repeated("(", 1000000) + "K\x01.").values.size() == 1);
    }

    TEST_CASE("more values than any checkpoint has are refused") {
        CHECK(refused(repeated("N", 2000000) + ".").find("more than") != std::string::npos);
        // A list of pairs, made into a dict again and again from the memo.
        const std::string pairs = "](" + repeated("K\x01K\x01\x86", 10000) + "eq\x01";
        const std::string bomb = pairs + "ccollections\nOrderedDict\nq\x02" + repeated("h\x02h\x01\x85R", 10000) + ".";
        CHECK(refused(bomb).find("more than") != std::string::npos);
    }

    TEST_CASE("a tensor of too many dimensions is refused") {
        const std::string shape = "(" + repeated("K\x01", 9) + "t";
        CHECK(broken("ctorch._utils\n_rebuild_tensor_v2\n(" + kStorage + "K\x01" + shape + shape + "tR."));
    }
}
