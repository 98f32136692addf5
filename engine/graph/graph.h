// A network as data: nodes in the order of data flow, with the attributes of their kind; units (stem, blocks, head) as
// tags. Parameters are in engine/graph/model.h and network.h.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "engine/activation.h"
#include "engine/indexed.h"
#include "engine/tensor.h"

namespace adaq {

class NodeKind;

/// Values are numbered: 0 is the image, i + 1 what node i produces.
using ValueId = int;
inline constexpr ValueId kImage = 0;

/// What a kind of node has besides inputs: numbers, lists of them, names.
using Attribute = std::variant<int64_t, double, std::vector<int64_t>, std::string>;
using Attributes = std::map<std::string, Attribute>;

struct Node {
    const NodeKind* kind = nullptr;
    std::string name;  // that of its parameters: "layer1.0.conv1" has "layer1.0.conv1.weight"
    std::vector<ValueId> inputs;
    Attributes attributes = {};
    int unit = -1;               // index into Graph::units; -1 between units
    uint32_t stream = 0;         // of its output's random numbers, which placing quantisers never changes
    std::string output{};        // the name of its output, where a quantiser may stand; empty: the node's
    int layer = -1;              // of a network (network.h): index of its parameters
    Activation activation = {};  // of a network: what its output goes through

    int64_t integer(const std::string& attribute) const { return std::get<int64_t>(attributes.at(attribute)); }
    const std::vector<int64_t>& list(const std::string& attribute) const {
        return std::get<std::vector<int64_t>>(attributes.at(attribute));
    }
    const std::string& output_name() const { return output.empty() ? name : output; }
};

/// Nodes that are learned together, [first, last). They read one value from outside, and the last one's output is the
/// unit's.
struct Unit {
    std::string name;  // "stem", "layer1.0", ..., "head"
    int first = 0, last = 0;
    ValueId input = kImage;
    uint32_t stream = 0;  // of its random numbers

    ValueId output() const { return last; }  // what node last - 1 produces
};

struct Graph {
    int64_t input_channels = 3;
    Indexed<Node> nodes;
    Indexed<Unit> units;
    std::string description{};  // for people: "ResNet-18 (basic blocks 2-2-2-2, width 64, 1000 classes)"

    static ValueId output_of(int node) { return node + 1; }
    static int producer_of(ValueId value) { return value - 1; }  // -1 for the image
    const Node& node(int index) const { return nodes[index]; }
    int node_count() const { return static_cast<int>(nodes.count()); }

    bool operator==(const Graph&) const;
};

/// A parameter with its shape in files: convolutions K,C,R,S.
struct NamedShape {
    std::string name;
    Shape shape;
};

/// Whether a parameter is a weight that can be quantised: a convolution's or a fully connected layer's.
inline bool is_quantisable(const NamedShape& parameter) { return parameter.shape.size() >= 2; }

/// What the node computes, names aside: equal text, equal work on inputs of equal shape.
std::string describe(const Node& node);

/// All parameters, in network order.
std::vector<NamedShape> parameters_of(const Graph& graph);

/// The width of the last layer.
int64_t classes_of(const Graph& graph);

/// The name of a value: "input", or that of its node's output.
const std::string& value_name(const Graph& graph, ValueId value);

/// Shape of every value, [H,W,C] or [C], for images of this size. Throws DataError where they are too small for the
/// network, or a node's inputs do not fit it.
Indexed<Shape> value_shapes(const Graph& graph, int64_t height, int64_t width);

/// By value: the last node that reads it; -1 where none does.
Indexed<int> last_readers(const Graph& graph);

/// By value: how many nodes read it.
Indexed<int> reader_counts(const Graph& graph);

/// Where the codes of a value come from: max pools keep them.
ValueId source_of_codes(const Graph& graph, ValueId value);

/// Whether nobody reads a node's output but the pool behind it, which makes it smaller and keeps its codes: only what
/// is pooled need be kept.
bool is_pooled(const Graph& graph, int node);

/// Sets where units begin and end and what they read, by the tags of the nodes. Throws DataError, naming the unit,
/// where one is empty, in several pieces, reads more than one value from outside, or has an output within that others
/// read.
void find_units(Graph& graph);

/// Throws DataError where a node's attributes or inputs are not those of its kind, or parameters of one name come
/// twice.
void check_graph(const Graph& graph);

}  // namespace adaq
