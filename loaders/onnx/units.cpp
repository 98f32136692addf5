#include "loaders/onnx/units.h"

#include <algorithm>

#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"
#include "loaders/onnx/layer_names.h"

namespace adaq::onnx {
namespace {

constexpr size_t kMostOfBottleneck = 4;  // layers of a unit that ends in one without an activation

/// Nodes [first, last) between two cuts.
struct Stretch {
    int first = 0, last = 0;
    int layers = 0;
    bool adds = false, clamped = false;  // an activation stands at its end
};

class Marker {
  public:
    explicit Marker(Graph& graph) : graph_(graph) {}

    void run() {
        find_stretches();
        std::vector<Stretch> chain;
        for (const Stretch& stretch : stretches_) {
            if (stretch.layers > 0 && !stretch.adds && !apart(stretch)) {
                chain.push_back(stretch);
                continue;
            }
            mark_chain(chain);
            if (stretch.layers > 0) mark(stretch.first, stretch.last);
        }
        mark_chain(chain);
        graph_.units = {};
        int marked = -1;
        for (int i = 0; i < graph_.node_count(); ++i) {
            if (unit_[i] < 0 || unit_[i] == marked) continue;
            marked = unit_[i];
            name_unit(i);
        }
        find_units(graph_);
    }

  private:
    void find_stretches() {
        const Indexed<int> last = last_readers(graph_);
        int wanted_until = -1, first = 0;  // a value that was made before node i
        for (int i = 0; i < graph_.node_count(); ++i) {
            wanted_until = std::max(wanted_until, last[i]);  // value i is what node i - 1 makes
            if (wanted_until > i) continue;
            add({first, i + 1});
            first = i + 1;
        }
    }

    /// A norm or an activation alone belongs to the stretch before it.
    void add(Stretch stretch) {
        for (int i = stretch.first; i < stretch.last; ++i) {
            const Node& node = graph_.node(i);
            stretch.layers += node.kind->has_weight();
            stretch.adds = stretch.adds || node.kind == &add_kind();
        }
        const NodeKind* const kind = graph_.node(stretch.last - 1).kind;
        stretch.clamped = kind == &activation_kind();
        const bool follows = stretch.layers == 0 && (stretch.clamped || kind == &batch_norm_kind());
        if (!follows || stretches_.empty()) return stretches_.push_back(stretch);
        stretches_.back().last = stretch.last;
        stretches_.back().clamped = stretch.clamped;
    }

    /// Stem and head, and fully connected layers wherever they stand.
    bool apart(const Stretch& stretch) const {
        const auto first =
            std::find_if(stretches_.begin(), stretches_.end(), [](const Stretch& s) { return s.layers; });
        return stretch.first == first->first || graph_.node(stretch.first).kind == &linear_kind();
    }

    void mark_chain(std::vector<Stretch>& chain) {
        for (size_t begin = 0; begin < chain.size();) {
            size_t end = begin;
            while (end < chain.size() && chain[end].clamped) ++end;
            const bool bottleneck = end < chain.size() && end + 1 - begin <= kMostOfBottleneck;
            const size_t last = bottleneck ? end : std::min(begin + 1, chain.size() - 1);
            mark(chain[begin].first, chain[last].last);
            begin = last + 1;
        }
        chain.clear();
    }

    void mark(int first, int last) {
        unit_.resize(static_cast<size_t>(graph_.node_count()), -1);
        std::fill(unit_.begin() + first, unit_.begin() + last, units_++);
    }

    void name_unit(int first) {
        int last = first;
        std::string module;
        Node* addition = nullptr;
        int additions = 0, layers = 0;
        for (; last < graph_.node_count() && unit_[last] == unit_[first]; ++last) {
            Node& node = graph_.nodes[last];
            node.unit = static_cast<int>(graph_.units.size());
            if (node.kind->has_weight()) module = layers++ == 0 ? node.name : common_module(module, node.name);
            if (node.kind != &add_kind()) continue;
            ++additions;
            addition = &node;
        }
        Unit unit{name_for(first, last, module)};
        unit.stream = static_cast<uint32_t>(graph_.units.size());
        graph_.units.push_back(unit);
        if (additions == 1 && node_names_free(unit.name)) addition->name = unit.name;
    }

    std::string name_for(int first, int last, const std::string& module) {
        const bool head = last == graph_.node_count() && graph_.node(last - 1).kind == &linear_kind();
        const std::string found = graph_.units.empty() ? "stem"
                                  : head               ? "head"
                                  : module.empty()     ? graph_.node(first).name
                                                       : module;
        return names_.take(found);
    }

    bool node_names_free(const std::string& name) const {
        return std::none_of(graph_.nodes.begin(), graph_.nodes.end(),
                            [&](const Node& node) { return node.name == name || node.output_name() == name; });
    }

    Graph& graph_;
    std::vector<Stretch> stretches_;
    std::vector<int> unit_;  // by node; -1: between units
    int units_ = 0;
    DistinctNames names_;
};

}  // namespace

void mark_units(Graph& graph) { Marker(graph).run(); }

}  // namespace adaq::onnx
