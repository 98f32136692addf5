// Builds the graphs of families of networks: nodes one behind the other, each with its unit and random stream.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace adaq {

/// A convolution of a square window, padded so that stride 1 keeps the map's size, with the batch norm behind it.
struct NormedConvolution {
    std::string name;
    std::string norm;  // its batch norm's name; empty: none
    int64_t inputs = 0, outputs = 0;
    int64_t kernel = 1, stride = 1;
    int64_t groups = 1, dilation = 1;
    std::string output = {};  // the name of its value, where that is not its own
    bool bias = false;        // before the norm
};

/// Appends a node, which gives the value that comes back. Values of one sum, its norm and its activation have one
/// random stream: a number a sum or pool, from 1 on.
ValueId append_node(Graph& graph, const char* kind, const std::string& name, std::vector<ValueId> inputs,
                    Attributes attributes, int unit = -1);

class GraphBuilder {
  public:
    /// folded: batch norms are folded, and convolutions have biases in their place.
    GraphBuilder(std::string description, int64_t input_channels, bool folded);

    ValueId convolution(const NormedConvolution& convolution, ValueId x);
    ValueId relu(const std::string& name, ValueId x) { return clamp(name, x, std::nullopt); }
    ValueId relu6(const std::string& name, ValueId x) { return clamp(name, x, 6.0); }
    ValueId add(const std::string& name, ValueId a, ValueId b) { return append("add", name, {a, b}, {}); }
    ValueId max_pool(const std::string& name, ValueId x, int64_t kernel, int64_t stride, int64_t padding);
    ValueId global_average_pool(const std::string& name, ValueId x) {
        return append("global_average_pool", name, {x}, {});
    }
    /// map: rows, and columns, of the map that it flattens; 0: it reads features. pool: of larger maps
    /// (adaptive_pool.h).
    ValueId linear(const std::string& name, ValueId x, int64_t inputs, int64_t outputs, bool bias, int64_t map = 0,
                   const std::string& pool = "");

    /// The mean of a map, "avgpool", and the last layer, which is the unit "head".
    void pooled_head(const std::string& name, ValueId x, int64_t inputs, int64_t classes, bool bias);

    /// Nodes from here on are learned together.
    void begin_unit(const std::string& name);
    void end_unit() { unit_ = -1; }

    Graph finish();

  private:
    ValueId clamp(const std::string& name, ValueId x, std::optional<double> highest);
    ValueId append(const char* kind, const std::string& name, std::vector<ValueId> inputs, Attributes attributes);

    Graph graph_;
    bool folded_;
    int unit_ = -1;
};

}  // namespace adaq
