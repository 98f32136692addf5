// What every kind of node knows about itself. engine/nodes/ has one file a kind; this is the interface that walkers of
// graphs ask.
#pragma once

#include <span>
#include <string_view>

#include "engine/error.h"
#include "engine/graph/graph.h"
#include "engine/program/operations/window.h"

namespace adaq {

/// A window that does not fit its map: the images are too small.
struct WindowTooLarge : DataError {
    using DataError::DataError;
};

class Simulation;
class Training;

class NodeKind {
  public:
    virtual ~NodeKind() = default;

    virtual std::string_view name() const = 0;  // "max_pool", as files have it
    /// Throws DataError where attributes or the number of inputs are not those of this kind.
    virtual void check(const Node& node) const = 0;
    /// The output's, from the inputs': [H,W,C] or [C]. Throws DataError where they do not fit.
    virtual Shape shape(const Node& node, std::span<const Shape> inputs) const = 0;
    virtual std::vector<NamedShape> parameters(const Node& /*node*/) const { return {}; }
    /// Whether it has a weight that is quantised and learned.
    virtual bool has_weight() const { return false; }
    /// Whether its output can be quantised.
    virtual bool quantises_output() const { return false; }
    /// Whether it takes integer codes and gives integer codes of the same scale (max pooling).
    virtual bool keeps_codes() const { return false; }

    /// Into a Program of inference (engine/passes/simulate.h); the last one has `output` as its number.
    virtual void simulate(Simulation& program, const Node& node, ValueId output) const = 0;
    /// Into a Program that learns (engine/passes/train.h): forward, then the way back from its output's gradient.
    virtual void forward(Training& program, const Node& node, ValueId output) const = 0;
    virtual void backward(Training& program, const Node& node, ValueId output) const = 0;
};

/// Null where there is no such kind.
const NodeKind* find_node_kind(std::string_view name);
/// The same for kinds that are known to be there.
const NodeKind& node_kind(std::string_view name);

/// One that stands in a network's graph alone, until a pass joins it with the node before (engine/passes/fuse.h).
class FusedKind : public NodeKind {
  public:
    void simulate(Simulation&, const Node& node, ValueId) const override { fail(node); }
    void forward(Training&, const Node& node, ValueId) const override { fail(node); }
    void backward(Training&, const Node& node, ValueId) const override { fail(node); }

  private:
    static void fail(const Node& node) { require(false, "{}: was to be fused with the node before", node.name); }
};

// ---- for the kinds: checks of attributes, DataError that names node and attribute

void expect_inputs(const Node& node, size_t count);
/// All of `required`, and besides only those of `optional`.
void expect_attributes(const Node& node, std::initializer_list<std::string_view> required,
                       std::initializer_list<std::string_view> optional = {});
void expect_integer(const Node& node, const std::string& attribute, int64_t lowest, int64_t highest);
void expect_list(const Node& node, const std::string& attribute, size_t count, int64_t lowest, int64_t highest);
void expect_number(const Node& node, const std::string& attribute, double lowest, double highest);

/// A window that slides over a map. Lists: rows and columns; padding: above, left, below, right.
struct Window {
    std::vector<int64_t> kernel, stride, padding, dilation{1, 1};

    /// Positions along rows (0) or columns (1) of a map. Throws WindowTooLarge.
    int64_t positions(int64_t extent, size_t axis) const;
};

/// Of attributes kernel, stride and padding (and dilation, where there is one), which are checked.
Window window_of(const Node& node);
void expect_window(const Node& node);
/// Of a pool, none of whose windows is padding alone.
void expect_pooling_window(const Node& node);

/// The same as operations have it: of a convolution (with its groups), of a pool.
ConvolutionWindow convolution_window_of(const Node& node);
PoolingWindow pooling_window_of(const Node& node);

}  // namespace adaq
