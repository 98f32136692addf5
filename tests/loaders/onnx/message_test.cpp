// ONNX's messages in protobuf: read as protobuf's own library wrote them, written as it would, and doubted throughout.
#include <doctest/doctest.h>

#include "support/onnx_files.h"

using namespace adaq;
using namespace adaq::test;
using namespace adaq::onnx;

namespace {

/// What parse() says against the bytes; "" if nothing.
std::string refusal_of(const std::string& bytes) {
    try {
        (void)parse("file", bytes_of_text(bytes));
        return "";
    } catch (const DataError& error) {
        return error.what();
    }
}

/// The same of a model whose graph has this one part.
std::string refusal_of_part(const std::string& part) { return refusal_of(field(7, part)); }

std::string of_tensor(const std::string& fields) { return refusal_of_part(field(5, fields)); }

ModelProto parsed(const std::string& fixture) {
    const std::string path = onnx_fixture(fixture);
    return parse(path, bytes_of_file(path));
}

}  // namespace

TEST_SUITE("onnx: messages") {
    TEST_CASE("numbers are read from every field that may hold them, attributes of every kind, and no more than that") {
        const ModelProto model = parsed("forms.onnx");
        CHECK(model.ir_version == 10);
        CHECK(model.producer_name == "by hand");
        CHECK(model.operator_sets == std::vector<OperatorSet>{{"", 21}, {"of.mine", 2}});
        CHECK(model.metadata == std::vector<std::pair<std::string, std::string>>{{"key", "its value"}});
        const GraphProto& graph = model.graph;
        CHECK(graph.name == "graph");
        CHECK(graph.inputs == std::vector<ValueInfo>{{"input", DataType::float32, {"batch", "", int64_t{4}}}});
        CHECK(graph.outputs == std::vector<ValueInfo>{{"output", DataType::uint8, {}}});

        REQUIRE(graph.initializers.size() == 8);
        const auto values = [&](const char* name) { return *find_initializer(graph, name); };
        CHECK(values("floats") == tensor("floats", std::vector<float>{1.5f, -2.0f, 0.0f, 3.0f}, {2, 2}));
        CHECK(values_of<double>(values("doubles")) == std::vector<double>{0.1, -1e300});
        CHECK(values("bytes") == integers("bytes", DataType::int8, std::vector<int32_t>{-128, 127, 0}, {3}));
        CHECK(values("wide") == tensor("wide", std::vector<int64_t>{-(int64_t{1} << 62), 5}, {2}));
        CHECK(values("narrow") == integers("narrow", DataType::int4, std::vector<int32_t>{-8, 7, 1}, {3}));
        CHECK(values_of<uint16_t>(values("words")) == std::vector<uint16_t>{65535, 1});
        CHECK(values("scalar") == tensor("scalar", std::vector<int32_t>{-7}, {}));
        CHECK(values("none") == tensor("none", std::vector<float>{}, {0, 3}));

        REQUIRE(graph.nodes.size() == 1);
        const NodeProto& node = graph.nodes[0];
        CHECK(node.op_type == "Anything");
        CHECK(node.name == "node");
        CHECK(node.domain == "of.mine");
        CHECK(node.inputs == std::vector<std::string>{"input", "", "floats"});
        CHECK(node.outputs == std::vector<std::string>{"output"});
        const auto attribute = [&](const std::string& name) {
            for (const onnx::Attribute& each : node.attributes)
                if (each.name == name) return each.value;
            FAIL("no attribute " << name);
            return decltype(onnx::Attribute::value){};
        };
        CHECK(node.attributes.size() == 7);
        CHECK(std::get<int64_t>(attribute("whole")) == -3);
        CHECK(std::get<float>(attribute("real")) == 0.5f);
        CHECK(std::get<std::string>(attribute("text")) == "words");
        CHECK(std::get<std::vector<float>>(attribute("reals")) == std::vector<float>{1.0f, 2.5f});
        CHECK(std::get<std::vector<int64_t>>(attribute("wholes")) == std::vector<int64_t>{-1, int64_t{1} << 40});
        CHECK(std::get<std::vector<std::string>>(attribute("texts")) == std::vector<std::string>{"a", "b"});
        CHECK(std::get<TensorProto>(attribute("value")) == values("bytes"));
    }

    TEST_CASE("what is written reads back the same, of every kind") {
        ModelProto model = parsed("forms.onnx");
        model.graph.initializers.push_back(
            integers("int2", DataType::int2, std::vector<int32_t>{-2, -1, 0, 1, 1}, {5, 1}));
        const std::string bytes = serialise("file", model);
        CHECK(parse("file", bytes_of_text(bytes)) == model);
        CHECK(serialise("file", parse("file", bytes_of_text(bytes))) == bytes);
        CHECK(model.graph.initializers.back().bytes == std::string("\x4e\x01", 2));  // the first into the lowest bits
    }

    TEST_CASE("networks are written as protobuf's own library writes them") {
        // make_onnx_fixtures.py has compared these bytes with the library's.
        for (const char* name : {"any.onnx", "ort.onnx", "openvino.onnx", "packed.onnx", "u8.onnx", "tensorrt.onnx"})
            CHECK(serialise(name, parsed(name)) == text_of_file(onnx_fixture(name)));
    }

    TEST_CASE("a file that is cut off is refused, or it ends where a field does") {
        const std::string whole = text_of_file(onnx_fixture("forms.onnx"));
        size_t accepted = 0;
        for (size_t length = 0; length < whole.size(); ++length) {
            const std::string said = refusal_of(whole.substr(0, length));
            accepted += said.empty();
            if (!said.empty()) CHECK(said.starts_with("file: "));
        }
        CHECK(accepted == 3);  // behind the graph and each operator set
        CHECK(refusal_of(whole).empty());
        CHECK(refusal_of("") == "file: the ONNX file has no graph");
    }

    TEST_CASE("fields of another wire type are refused, unknown ones passed over") {
        CHECK(refusal_of(field(7, 1)) == "file: not an ONNX file (a field of another type)");
        CHECK(refusal_of(field(1, "ab") + field(7, "")) == "file: not an ONNX file (a field of another type)");
        CHECK(refusal_of_part(field(1, 5)) == "file: not an ONNX file (a field of another type)");
        CHECK(refusal_of(field(7, "") + field(12, "later") + field(13, 3)).empty());
        CHECK(refusal_of("\x3f") ==
              "file: not an ONNX file, or one that is cut off (unknown pbf field type exception)");
    }

    TEST_CASE("tensors whose data does not fit their shape are refused by name") {
        const std::string name = field(8, "w"), floats = field(2, 1), four = field(9, "abcd");
        CHECK(of_tensor(name + floats + field(1, 1) + four).empty());
        CHECK(of_tensor(name + floats + four).empty());  // a scalar
        CHECK(of_tensor(name + floats + field(1, 2) + four) ==
              "file: the ONNX file has the tensor w of shape 2 in 4 bytes, expected 8");
        CHECK(of_tensor(name + floats + field(1, 0) + four) ==
              "file: the ONNX file has the tensor w of shape 0 in 4 bytes, expected 0");
        CHECK(of_tensor(name + field(1, 1) + four) ==
              "file: the ONNX file has the tensor w of data type 0, expected numbers");
        CHECK(of_tensor(name + field(2, 8) + field(1, 1) + four) ==
              "file: the ONNX file has the tensor w of data type 8, expected numbers");
        const std::string huge = std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10);
        CHECK(of_tensor(name + floats + huge + huge + four) ==
              "file: the ONNX file has the tensor w of 9223372036854775807 elements along one dimension");
        const std::string negative = std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
        CHECK(of_tensor(name + floats + negative + four) ==
              "file: the ONNX file has the tensor w of -1 elements along one dimension");
        std::string many = name + floats;
        for (int i = 0; i < 17; ++i) many += field(1, 1);
        CHECK(of_tensor(many + four) == "file: the ONNX file has the tensor w of 17 dimensions, expected 16 at most");
    }

    TEST_CASE("what lies elsewhere or nests is refused") {
        CHECK(of_tensor(field(2, 1) + field(13, "")) ==
              "file: the ONNX file keeps tensors in other files, expected them within");
        CHECK(of_tensor(field(2, 1) + field(14, 1)) ==
              "file: the ONNX file keeps tensors in other files, expected them within");
        CHECK(of_tensor(field(2, 1) + field(14, 0) + field(9, "abcd")).empty());
        CHECK(of_tensor(field(3, "")) == "file: the ONNX file has a tensor in segments, expected whole ones");
        CHECK(refusal_of_part(field(15, "")) == "file: the ONNX file has sparse tensors, expected dense ones alone");
        for (const int graphs : {6, 10, 11})
            CHECK(refusal_of_part(field(1, field(5, field(graphs, "")))) ==
                  "file: the ONNX file has a node with graphs or lists of tensors among its attributes, expected none");
        CHECK(refusal_of(field(7, "") + field(7, "")) == "file: the ONNX file has two graphs");
    }

    TEST_CASE("millions of empty parts are refused before they fill the memory") {
        std::string graph;
        for (int i = 0; i < (1 << 20) + 1; ++i) graph += field(1, "");
        std::string length;
        for (size_t rest = graph.size(); rest > 0; rest >>= 7)
            length += static_cast<char>((rest & 0x7f) | (rest >> 7 > 0 ? 0x80 : 0));
        CHECK(refusal_of("\x3a" + length + graph) == "file: the ONNX file has more than 1048576 parts");
    }

    TEST_CASE("more than a file may hold is refused before and after it is written") {
        const ModelProto model = parsed("any.onnx");
        const auto bytes = static_cast<int64_t>(text_of_file(onnx_fixture("any.onnx")).size());
        const auto said = [&](int64_t limit) {
            try {
                (void)serialise("q.onnx", model, limit);
                return std::string();
            } catch (const DataError& error) {
                return std::string(error.what());
            }
        };
        CHECK(said(bytes).empty());
        CHECK(said(bytes - 1) == fmt::format("q.onnx: {} bytes, expected {} at most, which is all that one ONNX file "
                                             "holds",
                                             bytes, bytes - 1));
        CHECK(said(10).ends_with(" bytes, expected 10 at most, which is all that one ONNX file holds"));
    }
}
