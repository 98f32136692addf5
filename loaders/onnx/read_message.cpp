// ONNX's messages from protobuf, with suspicion: nothing is taken at its word that the bytes do not bear out; see
// message.h.
#include <bit>
#include <charconv>
#include <cstring>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/onnx/fields.h"
#include "loaders/onnx/message.h"

namespace adaq::onnx {
namespace {

// Two bytes in the file are a node here, so that the parts of a message are counted.
constexpr int64_t kMostParts = int64_t{1} << 20;
constexpr size_t kMostDimensions = 16;
constexpr int64_t kMostElements = int64_t{1} << 40;

template <typename Field>
using Message = protozero::pbf_message<Field>;

class Reader {
    [[noreturn]] void fault(const std::string& what) const { data_error("{}: the ONNX file {}", file_, what); }

    void count() {
        if (++parts_ > kMostParts) fault(fmt::format("has more than {} parts", kMostParts));
    }

    /// One of several: counted.
    template <typename Read, typename Data>
    auto part(Read read, Data data) {
        count();
        return (this->*read)(data);
    }

  public:
    Reader(const std::string& file, const ReadElsewhere& elsewhere) : file_(file), elsewhere_(elsewhere) {}

    ModelProto model(Message<ModelField> message) {
        ModelProto read;
        bool has_graph = false;
        while (message.next()) {
            switch (message.tag()) {
                case ModelField::ir_version:
                    read.ir_version = message.get_int64();
                    break;
                case ModelField::producer_name:
                    read.producer_name = message.get_string();
                    break;
                case ModelField::producer_version:
                    read.producer_version = message.get_string();
                    break;
                case ModelField::graph:
                    if (std::exchange(has_graph, true)) fault("has two graphs");
                    read.graph = graph(message.get_message());
                    break;
                case ModelField::opset_import:
                    read.operator_sets.push_back(part(&Reader::operator_set, message.get_message()));
                    break;
                case ModelField::metadata_props:
                    read.metadata.push_back(part(&Reader::entry, message.get_message()));
                    break;
                default:
                    message.skip();
            }
        }
        if (!has_graph) fault("has no graph");
        return read;
    }

  private:
    OperatorSet operator_set(Message<OperatorSetField> message) {
        OperatorSet set;
        while (message.next()) {
            switch (message.tag()) {
                case OperatorSetField::domain:
                    set.domain = message.get_string();
                    break;
                case OperatorSetField::version:
                    set.version = message.get_int64();
                    break;
                default:
                    message.skip();
            }
        }
        return set;
    }

    std::pair<std::string, std::string> entry(Message<EntryField> message) {
        std::pair<std::string, std::string> read;
        while (message.next()) {
            switch (message.tag()) {
                case EntryField::key:
                    read.first = message.get_string();
                    break;
                case EntryField::value:
                    read.second = message.get_string();
                    break;
                default:
                    message.skip();
            }
        }
        return read;
    }

    GraphProto graph(Message<GraphField> message) {
        GraphProto read;
        while (message.next()) {
            switch (message.tag()) {
                case GraphField::node:
                    read.nodes.push_back(part(&Reader::node, message.get_message()));
                    break;
                case GraphField::name:
                    read.name = message.get_string();
                    break;
                case GraphField::initializer:
                    read.initializers.push_back(part(&Reader::tensor, message.get_message()));
                    break;
                case GraphField::input:
                    read.inputs.push_back(part(&Reader::value, message.get_message()));
                    break;
                case GraphField::output:
                    read.outputs.push_back(part(&Reader::value, message.get_message()));
                    break;
                case GraphField::sparse_initializer:
                    fault("has sparse tensors, expected dense ones alone");
                default:
                    message.skip();
            }
        }
        return read;
    }

    NodeProto node(Message<NodeField> message) {
        NodeProto read;
        while (message.next()) {
            switch (message.tag()) {
                case NodeField::input:
                    count(), read.inputs.push_back(message.get_string());
                    break;
                case NodeField::output:
                    count(), read.outputs.push_back(message.get_string());
                    break;
                case NodeField::name:
                    read.name = message.get_string();
                    break;
                case NodeField::op_type:
                    read.op_type = message.get_string();
                    break;
                case NodeField::attribute:
                    read.attributes.push_back(part(&Reader::attribute, message.get_message()));
                    break;
                case NodeField::domain:
                    read.domain = message.get_string();
                    break;
                default:
                    message.skip();
            }
        }
        return read;
    }

    /// The last of the values counts; those of lists add up.
    Attribute attribute(Message<AttributeField> message) {
        Attribute read;
        while (message.next()) {
            switch (message.tag()) {
                case AttributeField::name:
                    read.name = message.get_string();
                    break;
                case AttributeField::f:
                    read.value = message.get_float();
                    break;
                case AttributeField::i:
                    read.value = message.get_int64();
                    break;
                case AttributeField::s:
                    read.value = message.get_string();
                    break;
                case AttributeField::t:
                    read.value = tensor(message.get_message());
                    break;
                case AttributeField::floats:
                    each<float>(message, [&](float value) { list<float>(read).push_back(value); });
                    break;
                case AttributeField::ints:
                    each<int64_t>(message, [&](int64_t value) { list<int64_t>(read).push_back(value); });
                    break;
                case AttributeField::strings:
                    count();
                    list<std::string>(read).push_back(message.get_string());
                    break;
                case AttributeField::g:
                case AttributeField::graphs:
                case AttributeField::tensors:
                    fault("has a node with graphs or lists of tensors among its attributes, expected none");
                default:
                    message.skip();
            }
        }
        return read;
    }

    template <typename T>
    static std::vector<T>& list(Attribute& attribute) {
        if (!std::holds_alternative<std::vector<T>>(attribute.value)) attribute.value = std::vector<T>{};
        return std::get<std::vector<T>>(attribute.value);
    }

    /// Numbers of a repeated field, packed or one by one.
    template <typename T, typename Field, typename Take>
    void each(Message<Field>& message, Take take) {
        const bool packed = message.has_wire_type(protozero::pbf_wire_type::length_delimited);
        const auto taken = [&](T value) { count(), take(value); };
        if constexpr (std::is_same_v<T, float>) {
            if (!packed) return taken(message.get_float());
            for (const float value : message.get_packed_float()) taken(value);
        } else {
            if (!packed) return taken(message.get_int64());
            for (const int64_t value : message.get_packed_int64()) taken(value);
        }
    }

    ValueInfo value(Message<ValueField> message) {
        ValueInfo read{"", DataType::undefined, {}};
        while (message.next()) {
            switch (message.tag()) {
                case ValueField::name:
                    read.name = message.get_string();
                    break;
                case ValueField::type:
                    type(message.get_message(), read);
                    break;
                default:
                    message.skip();
            }
        }
        return read;
    }

    void type(Message<TypeField> message, ValueInfo& value) {
        while (message.next()) {
            if (message.tag() != TypeField::tensor_type)
                message.skip();
            else
                tensor_type(message.get_message(), value);
        }
    }

    void tensor_type(Message<TensorTypeField> message, ValueInfo& value) {
        while (message.next()) {
            switch (message.tag()) {
                case TensorTypeField::elem_type:
                    value.type = static_cast<DataType>(message.get_int32());
                    break;
                case TensorTypeField::shape: {
                    Message<ShapeField> shape(message.get_message());
                    while (shape.next(ShapeField::dim))
                        value.dims.push_back(part(&Reader::dimension, shape.get_message()));
                    break;
                }
                default:
                    message.skip();
            }
        }
    }

    Dimension dimension(Message<DimensionField> message) {
        Dimension read = std::string();  // an extent that nothing is known of
        while (message.next()) {
            switch (message.tag()) {
                case DimensionField::dim_value:
                    read = message.get_int64();
                    break;
                case DimensionField::dim_param:
                    read = message.get_string();
                    break;
                default:
                    message.skip();
            }
        }
        return read;
    }

    TensorProto tensor(Message<TensorField> message) {
        TensorProto read;
        Typed typed;
        DataElsewhere data;
        bool outside = false;
        while (message.next()) {
            switch (message.tag()) {
                case TensorField::dims:
                    each<int64_t>(message, [&](int64_t extent) { read.dims.push_back(extent); });
                    break;
                case TensorField::data_type:
                    read.type = static_cast<DataType>(message.get_int32());
                    break;
                case TensorField::name:
                    read.name = message.get_string();
                    break;
                case TensorField::raw_data:
                    read.bytes = message.get_bytes();
                    break;
                case TensorField::float_data:
                    typed.reals(message);
                    break;
                case TensorField::double_data:
                    typed.doubles(message);
                    break;
                case TensorField::int32_data:
                case TensorField::int64_data:
                case TensorField::uint64_data:
                    typed.integers(message);
                    break;
                case TensorField::segment:
                    fault("has a tensor in segments, expected whole ones");
                case TensorField::external_data:
                    outside = true;
                    keep(entry(message.get_message()), data);
                    break;
                case TensorField::data_location:
                    outside = message.get_enum() != 0 || outside;
                    break;
                default:
                    message.skip();
            }
        }
        if (outside && !elsewhere_) fault("keeps tensors in other files, expected them within");
        if (outside)
            read.bytes = elsewhere_(data);
        else if (read.bytes.empty())
            read.bytes = typed.as(read.type);
        check(read);
        return read;
    }

    void keep(const std::pair<std::string, std::string>& entry, DataElsewhere& data) const {
        const auto& [key, value] = entry;
        if (key == "location") data.location = value;
        if (key != "offset" && key != "length") return;
        int64_t number = -1;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
        if (error != std::errc() || end != value.data() + value.size() || number < 0)
            fault(fmt::format("keeps a tensor elsewhere, with {} \"{}\"", key, printable(value)));
        if (key == "offset")
            data.offset = number;
        else
            data.length = number;
    }

    /// The numbers of a tensor that has them in typed fields; integers of every width share one.
    class Typed {
      public:
        void reals(Message<TensorField>& message) {
            if (!packed(message)) return put(message.get_float());
            for (const float value : message.get_packed_float()) put(value);
        }
        void doubles(Message<TensorField>& message) {
            if (!packed(message)) return put(message.get_double());
            for (const double value : message.get_packed_double()) put(value);
        }
        void integers(Message<TensorField>& message) {
            if (!packed(message)) return put(message.get_int64());
            for (const int64_t value : message.get_packed_int64()) put(value);
        }
        std::string as(DataType type) {
            const bool reals = type == DataType::float32 || type == DataType::float64;
            const int bits = bits_of(type);
            if (reals || bits == 0 || bits == 64) return std::move(bytes_);
            // As integers they were kept in eight bytes each; those of less than a byte are packed in them already.
            const size_t width = bits < 8 ? 1 : static_cast<size_t>(bits) / 8;
            std::string narrow;
            for (size_t at = 0; at + 8 <= bytes_.size(); at += 8) narrow.append(bytes_, at, width);
            return narrow;
        }

      private:
        static bool packed(Message<TensorField>& message) {
            return message.has_wire_type(protozero::pbf_wire_type::length_delimited);
        }
        template <typename T>
        void put(T value) {
            char bytes[sizeof value];
            std::memcpy(bytes, &value, sizeof value);
            bytes_.append(bytes, sizeof value);
        }
        std::string bytes_;
    };

    void check(const TensorProto& tensor) const {
        const std::string name = printable(tensor.name);
        if (bits_of(tensor.type) == 0)
            fault(fmt::format("has the tensor {} of data type {}, expected numbers", name,
                              static_cast<int32_t>(tensor.type)));
        if (tensor.dims.size() > kMostDimensions)
            fault(fmt::format("has the tensor {} of {} dimensions, expected {} at most", name, tensor.dims.size(),
                              kMostDimensions));
        int64_t elements = 1;
        for (const int64_t extent : tensor.dims) {
            if (extent < 0 || (extent > 0 && elements > kMostElements / extent))
                fault(fmt::format("has the tensor {} of {} elements along one dimension", name, extent));
            elements *= extent;
        }
        const auto bytes = static_cast<int64_t>(tensor.bytes.size());
        if (bytes != bytes_of(tensor.type, tensor.dims))
            fault(fmt::format("has the tensor {} of shape {} in {} bytes, expected {}", name, to_string(tensor.dims),
                              bytes, bytes_of(tensor.type, tensor.dims)));
    }

    const std::string& file_;
    const ReadElsewhere& elsewhere_;
    int64_t parts_ = 0;
};

}  // namespace

ModelProto parse(const std::string& file, std::span<const std::byte> bytes, const ReadElsewhere& elsewhere) {
    static_assert(std::endian::native == std::endian::little, "tensors' bytes are taken as they are");
    try {
        const protozero::data_view view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        return Reader(file, elsewhere).model(Message<ModelField>(view));
    } catch (const protozero::exception& error) {
        data_error("{}: not an ONNX file, or one that is cut off ({})", file, error.what());
    } catch (const ProtobufFault& error) {
        data_error("{}: not an ONNX file ({})", file, error.what());
    }
}

}  // namespace adaq::onnx
