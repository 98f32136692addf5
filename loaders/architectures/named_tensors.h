// The tensors of a state dict by name and shape, as the families of networks look at them: below a prefix, under other
// names than the graph's, and what is said of one that is missing.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "loaders/architectures/network_size.h"

namespace adaq {

using Shapes = std::map<std::string, Shape>;
/// What else has a name in a state dict and is no tensor: "a number".
using OtherValues = std::map<std::string, std::string>;

/// What a state dict was recognised as.
struct RecognisedNetwork {
    Graph graph;
    std::map<std::string, std::string> parameters;  // of the graph, by the name of the file's tensor
    std::vector<std::string> passed_over;           // tensors beside the network, by the file's name
    std::string family = {};                        // "resnet", "mobilenet_v2", ...
    NetworkSize size = {};                          // what its tensors tell of it, as far as names do
    std::string assumed = {};                       // the network whose strides, pools and activations it was given
};

class NamedTensors {
  public:
    NamedTensors(std::string file, Shapes all, OtherValues beside_tensors = {});

    const std::string& file() const { return file_; }
    const Shapes& shapes() const { return shapes_; }
    bool has(const std::string& name) const { return shapes_.contains(name); }
    bool has_below(const std::string& prefix) const { return !first_below(prefix).empty(); }
    /// The first name of this beginning; "" if there is none.
    std::string first_below(const std::string& prefix) const;
    /// Whether there is a value of this name that is no tensor.
    bool has_other(const std::string& name) const { return others_.contains(name); }

    /// Takes what stands below a prefix, without it; the rest is passed over, but for `kept` names.
    void take_below(const std::string& prefix, const std::function<bool(const std::string&)>& kept = {});
    /// Every tensor under the name that `renamed` gives it.
    void rename(const std::function<std::string(const std::string&)>& renamed);

    /// A tensor that tells the network, which is there; it must have `rank` axes, none of them absurd.
    const Shape& telling_shape(const std::string& name, size_t rank) const;
    /// Of the image, by the filters of the first convolution: 3 or 1.
    int image_channels(const std::string& stem) const;
    /// The rows of such a matrix or filters, and a dimension of them.
    int extent(const std::string& name, size_t rank, size_t axis) const {
        return static_cast<int>(telling_shape(name, rank)[axis]);
    }
    /// Whether a layer's norm is not there but its bias is.
    bool is_folded(const std::string& convolution, const std::string& norm) const {
        return has(convolution + ".bias") && !has_below(norm + ".");
    }
    /// "no conv1.weight, but conv1.weight_orig: conv1 is pruned ...": what is known of a tensor that is not there.
    std::string missing(const std::string& name) const;
    bool is_sequence(const std::string& layer) const;

    /// Calls the last layer `head`. It is the one matrix of weights, under one of the names that people give it.
    /// network: "a torchvision ResNet".
    void call_head(const std::string& head, const std::string& network);
    /// Whether it has a bias, once it is called so.
    bool has_bias(const std::string& layer) const { return has(layer + ".bias") || has_other(layer + ".bias"); }

    /// DataError unless the tensors are the graph's parameters, all of them and no others. because: why a parameter
    /// that is missing is expected; empty: nothing is said.
    RecognisedNetwork recognised(Graph graph, const std::function<std::string(const std::string&)>& because = {}) &&;

  private:
    [[noreturn]] void refuse_head(const std::string& head, const std::string& network) const;
    std::string first_weight_below(const std::string& layer) const;
    std::string in_place_of_weight(const std::string& layer) const;

    std::string file_;
    Shapes shapes_;
    OtherValues others_;
    std::map<std::string, std::string> file_names_;  // by the name here
    std::vector<std::string> passed_over_;
};

}  // namespace adaq
