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
constexpr size_t kConstants = 5;  // values that every pickle shares: None, True, ...

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

Kind kind(const std::string& text) { return run(text + ".").top().kind; }

/// What would have made the object that a pickle leaves.
std::string object(const std::string& text) {
    const Pickle pickle = run(text + ".");
    return pickle.top().kind == Kind::object ? pickle.made_by[pickle.top().index] : "no object";
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
        CHECK(pickle.storages.at(tensor.storage).key == "0");
        CHECK(pickle.storages.at(tensor.storage).elements == 4);
        CHECK_FALSE(tensor.negative);
        CHECK(tensor.offset == 1);
        CHECK(tensor.shape == Shape{2, 1});
        CHECK(tensor.strides == Shape{1, 2});
    }

    TEST_CASE("what a global that is not on the list makes is an object, which knows what would have made it") {
        CHECK(object("cos\nsystem\n(U\x02lstR") == "os.system");
        CHECK(object("\x80\x04\x8c\x02os\x8c\x06system\x93)R") == "os.system");
        CHECK(object("\x80\x02"
                     "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(U\x02"
                     "f8K\x00K\x01tR(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
                     "C\x08\x00\x00\x00\x00\x00\x00\x00\x00tR"s) == "numpy.core.multiarray.scalar");
        for (const char* name : {"builtins\neval", "__builtin__\ngetattr", "torch\nload",
                                 "collections\nOrderedDict.update", "\n", "torch._utils\n_rebuild_tensor_v4",
                                 "numpy._core.multiarray\n_reconstruct", "torchvision.models.resnet\nResNet"})
            CHECK(kind("c"s + name + "\n)R") == Kind::object);
        CHECK(kind("cos\nsystem\n") == Kind::global);  // named, not called
    }

    TEST_CASE("every opcode that makes an object does so without making it") {
        CHECK(object("cmy\nOwn\n)\x81") == "my.Own");
        CHECK(object("cmy\nOwn\n)}\x92") == "my.Own");
        CHECK(kind("cmy\nOwn\n)}U\x01kK\x01s\x92") == Kind::object);
        CHECK(object("(imy\nOwn\n") == "my.Own");
        CHECK(object("(K\x01imy\nOwn\n") == "my.Own");
        CHECK(object("(cmy\nOwn\nK\x01o") == "my.Own");
        CHECK(object("ccopyreg\n_reconstructor\n(cmy\nOwn\ncbuiltins\nobject\nNtR") == "my.Own");
        CHECK(object("ccopyreg\n__newobj__\n(cmy\nOwn\ntR") == "my.Own");
        CHECK(object("cmy\nmake\n)R)R") == "my.make");  // what it makes is called in turn
        CHECK(object("\x82\x01") == "an extension of Python's");
        CHECK(object("\x83\x01\x02") == "an extension of Python's");
        CHECK(object("\x84\x01\x02\x03\x04") == "an extension of Python's");
        CHECK(object("\x8f(K\x01\x90") == "a set");
        CHECK(object("(K\x01\x91") == "a set");
        CHECK(object("Psome id\n") == "a persistent id");
        CHECK(object("U\x03"
                     "abcQ") == "a persistent id");
        CHECK(object(")Q") == "a persistent id");
    }

    TEST_CASE("objects keep the items and the attributes that they are given") {
        const Pickle items =
            run("cmy\nOwn\n)\x81(U\x01"
                "aK\x01U\x01"
                "bK\x02uU\x01"
                "cK\x03s.");
        REQUIRE(items.is_dict(items.top()));
        CHECK(items.top().items.size() == 6);
        const Pickle attributes =
            run("cmy\nOwn\n)\x81}U\x01"
                "aK\x01sb.");
        REQUIRE(attributes.top().state != kNoPickleId);
        CHECK(attributes.values[attributes.top().state].items.size() == 2);
        CHECK(kind("cmy\nOwn\n)\x81K\x01"
                   "a(K\x01K\x02"
                   "e") == Kind::object);  // a list of somebody's own
    }

    TEST_CASE("dicts of the library's are dicts") {
        for (const char* text : {"ccollections\nOrderedDict\n)R", "ccollections\ndefaultdict\ncbuiltins\nlist\n\x85R",
                                 "ccollections\nCounter\n}\x85R",
                                 "ccollections\nOrderedDict\n](U\x01kK\x01\x86"
                                 "e\x85R",
                                 "ccopy_reg\n_reconstructor\n(cmy\nOwn\nc__builtin__\ndict\n}tR"})
            CHECK(kind(text) == Kind::dict);
    }

    TEST_CASE("protocol 0 is lines of text") {
        CHECK(integer("I12\n") == 12);
        CHECK(integer("I-7\n") == -7);
        CHECK(integer("L123456789012L\n") == 123456789012);
        CHECK(kind("I01\n") == Kind::boolean);
        CHECK(kind("L99999999999999999999999L\n") == Kind::real);
        CHECK(kind("F1e-3\n") == Kind::real);
        for (const std::string text : {"S'abc'\n.", "Vabc\n."}) CHECK(run(text).top().text == "abc");
        const Pickle dict = run("(dp0\nVa\np1\n(lp2\nI1\nasg2\n.");
        CHECK(dict.top().kind == Kind::list);
        CHECK(dict.top().items.size() == 1);
        for (const char* text :
             {"I\n.", "Ix\n.", "I1x\n.", "L\n.", "Sabc\n.", "S'\n.", "pX\n.", "g0\n.", "K\x01p-1\n."})
            CHECK_MESSAGE(broken(text), text);
        CHECK(refused("I1").find("has no end") != std::string::npos);
    }

    TEST_CASE("bytes, frames and memos of every protocol") {
        for (const char* text : {"C\x01x", "B\x01\0\0\0x"})
            CHECK(kind(std::string(text, text[0] == 'C' ? 3 : 6)) == Kind::bytes);
        CHECK(kind("\x8e\x01\0\0\0\0\0\0\0x"s) == Kind::bytes);
        CHECK(kind("\x96\x01\0\0\0\0\0\0\0x"s) == Kind::bytes);
        const Pickle framed =
            run("\x80\x05\x95\x09\0\0\0\0\0\0\0]\x94(K\x01\x94h\0h\x01"
                "e."s);
        REQUIRE(framed.top().items.size() == 3);
        CHECK(framed.top().items[1] == framed.root);
        CHECK(framed.values[framed.top().items[2]].integer == 1);
    }

    TEST_CASE("buffers outside the file, and what is no opcode, are refused by name") {
        CHECK(refused("\x97.") ==
              "x.pth: a broken pickle: the opcode NEXT_BUFFER (0x97) at byte 0, which no file of torch.save has");
        CHECK(refused("N\x98.").find("READONLY_BUFFER (0x98) at byte 1") != std::string::npos);
        CHECK(refused("\xfe.").find("the opcode unknown (0xfe)") != std::string::npos);
    }

    TEST_CASE("calls of what cannot be called are broken, tensors of what is no storage are objects") {
        CHECK(
            broken("U\x01"
                   "f)R."));
        CHECK(broken("cos\nsystem\nK\x01R."));
        CHECK(broken("K\x01}b."));
        CHECK(broken("(o."));
        for (const char* text :
             {"ctorch\nFloatStorage\n)R", "ctorch._utils\n_rebuild_tensor_v2\n)R", "ctorch\nSize\n)R",
              "ctorch._utils\n_rebuild_tensor_v2\n(K\x01K\x02K\x03K\x04tR", "ccollections\nOrderedDict\nK\x01\x85R"})
            CHECK_MESSAGE(kind(text) == Kind::object, text);
        const std::string shape = "(" + repeated("K\x01", 9) + "t";
        CHECK(kind("ctorch._utils\n_rebuild_tensor_v2\n(" + kStorage + "K\x01" + shape + shape + "tR") == Kind::object);
    }

    TEST_CASE("a tensor rebuilt by way of another function is what that one makes") {
        const std::string arguments = "(" + kStorage + "K\x01K\x02\x85K\x01\x85\x89Nt";
        const std::string plain = "ctorch._utils\n_rebuild_tensor_v2\n";
        CHECK(kind("ctorch._tensor\n_rebuild_from_type_v2\n(" + plain + "cmy\nTensor\n" + arguments + "}tR") ==
              Kind::tensor);
        CHECK(kind("ctorch._utils\n_rebuild_parameter_with_state\n(" + plain + arguments + "R\x88N}tR") ==
              Kind::tensor);
        CHECK(kind("ctorch._tensor\n_rebuild_from_type_v2\n(cmy\nfunction\ncmy\nTensor\n" + arguments + "}tR") ==
              Kind::object);
        const std::string untyped =
            "(U\x07storagectorch.storage\nUntypedStorage\nU\x01"
            "0U\x03"
            "cpuK\x04tQ";
        const Pickle half =
            run("ctorch._utils\n_rebuild_tensor_v3\n(" + untyped + "K\x00K\x02\x85K\x01\x85\x89Nctorch\nfloat16\ntR."s);
        REQUIRE(half.top().kind == Kind::tensor);
        CHECK(half.tensors.at(0).dtype == StoredType::f16);
        // In circles: the list of arguments is its own.
        CHECK(kind("ctorch._tensor\n_rebuild_from_type_v2\nq\x01(h\x01N(h\x01N(h\x01N(h\x01N(h\x01NtttttR") ==
              Kind::object);
    }

    TEST_CASE("storages that are none of torch's are objects") {
        const auto storage = [](const std::string& type, const std::string& rest) {
            return kind("(U\x07storage" + type + rest + "tQ");
        };
        CHECK(storage("ctorch\nFloatStorage\n",
                      "U\x01"
                      "0U\x03"
                      "cpuK\x04") == Kind::storage);
        CHECK(storage("ctorch.cuda\nHalfStorage\n",
                      "U\x01"
                      "0U\x03"
                      "cpuK\x04N") == Kind::storage);
        CHECK(storage("ccollections\nOrderedDict\n",
                      "U\x01"
                      "0U\x03"
                      "cpuK\x04") == Kind::object);
        CHECK(storage("ctorch\nFloatStorage\n",
                      "K\x01U\x03"
                      "cpuK\x04") == Kind::object);
        CHECK(storage("ctorch\nFloatStorage\n",
                      "U\x01"
                      "0U\x03"
                      "cpuK\x04K\x01K\x01K\x01\x87") == Kind::object);
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
        CHECK(run(repeated("]", 100000) + repeated("a", 99999) + ".").values.size() ==
              kConstants + 100000);  // one inside another
        CHECK(run("]q\x01" +
                  repeated("h\x01"
                           "a",
                           100000) +
                  ".")
                  .values.size() == kConstants + 1);  // inside itself
        // Ten levels of ten references each: 10^10 elements if anyone walked it.
        std::string bomb = "]q\x01";
        for (int i = 0; i < 10; ++i) bomb += "](" + repeated("h\x01", 10) + "eq\x01";
        CHECK(run(bomb + ".").values.size() == kConstants + 11);
        CHECK(run(repeated("(", 1000000) + "K\x01.").values.size() == kConstants + 1);
    }

    TEST_CASE("more values than any checkpoint has are refused") {
        CHECK(refused(repeated("]", 5000000) + ".").find("more than") != std::string::npos);
        CHECK(refused("N" + repeated("\x94", 5) + "r\xff\xff\xff\xff.").find("more than") != std::string::npos);
        CHECK(run(repeated("N", 6000000) + ".").values.size() == kConstants);  // as numbers of a history are
        // A list of pairs, made into a dict again and again from the memo.
        const std::string pairs = "](" + repeated("NN\x86", 10000) + "eq\x01";
        const std::string bomb = pairs + "ccollections\nOrderedDict\nq\x02" + repeated("h\x02h\x01\x85R", 10000) + ".";
        CHECK(refused(bomb).find("more than") != std::string::npos);
    }
}
