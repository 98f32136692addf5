#include "engine/passes/sites.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"

namespace adaq {
namespace {

/// The convolution that an addition is computed with: its first operand that is one and has no other reader. kImage:
/// none is.
ValueId joined_with(const Graph& graph, const Node& addition, const Indexed<int>& readers) {
    for (ValueId term : addition.inputs) {
        if (term == kImage || readers[term] != 1) continue;
        const Node& node = graph.node(Graph::producer_of(term));
        if (node.kind == &convolution_kind() && !node.activation) return term;
    }
    return kImage;
}

/// By value, the image aside: whether it is a site.
class Policy {
  public:
    Policy(const Graph& graph, ActivationSites sites) : graph_(graph), is_site_(graph.nodes.size() + 1) {
        for (int i = 0; i < graph.node_count(); ++i) {
            const Node& node = graph.node(i);
            is_site_[Graph::output_of(i)] =
                sites == ActivationSites::layer ? node.kind->has_weight() : node.activation || node.kind == &add_kind();
            if (quantises_input(sites) && (node.kind->has_weight() || node.kind == &add_kind() || averages(node)))
                for (ValueId read : node.inputs) is_site_[source_of_codes(graph_, read)] = true;
            if (node.kind->has_weight()) take_bottleneck(source_of_codes(graph_, node.inputs[0]));
        }
        if (sites == ActivationSites::deploy_tensorrt) join();
    }
    bool is_site(ValueId value) const { return is_site_[value]; }

  private:
    static bool averages(const Node& node) {
        return node.kind == &average_pool_kind() || node.kind == &global_average_pool_kind();
    }

    /// A layer that nothing stands behind but the next layer (MobileNetV2's linear bottleneck).
    void take_bottleneck(ValueId read) {
        if (read != kImage && graph_.node(Graph::producer_of(read)).kind->has_weight()) is_site_[read] = true;
    }

    void join() {
        const Indexed<int> readers = reader_counts(graph_);
        for (const Node& node : graph_.nodes)
            if (node.kind == &add_kind()) is_site_[joined_with(graph_, node, readers)] = false;
    }

    const Graph& graph_;
    Indexed<char> is_site_;
};

/// What feeds the last layer, and that value as it was before pools.
std::vector<ValueId> inputs_of_head(const Graph& graph) {
    int head = graph.node_count() - 1;
    while (!graph.node(head).kind->has_weight()) --head;
    std::vector<ValueId> values{graph.node(head).inputs[0]};
    while (values.back() != kImage) {
        const Node& node = graph.node(Graph::producer_of(values.back()));
        if (!node.kind->keeps_codes() && node.kind != &global_average_pool_kind()) break;
        values.push_back(node.inputs[0]);
    }
    return values;
}

void set_own_bits(std::vector<Site>& sites, const Graph& graph, const std::map<std::string, int>& own) {
    std::vector<std::string> names;
    for (Site& site : sites) {
        names.push_back(value_name(graph, site.value));
        const auto found = own.find(names.back());
        if (found != own.end()) site.bits = found->second;
    }
    for (const auto& [name, bits] : own) {
        if (std::find(names.begin(), names.end(), name) == names.end())
            usage_error("`act_bits` {}={}: no such activation is quantised; there are {}", name, bits,
                        fmt::join(names, ", "));
    }
}

}  // namespace

std::vector<Site> activation_sites(const Graph& graph, const SiteOptions& options) {
    std::vector<Site> sites;
    if (options.input_bits < 32) sites.push_back({kImage, options.input_bits});
    if (options.bits >= 32) {
        set_own_bits(sites, graph, options.site_bits);
        return sites;
    }
    const bool stem = options.head_stem_8bit && options.edges != EdgeActivations::fc;
    const bool fc = options.head_stem_8bit && options.edges != EdgeActivations::stem;
    const Policy policy(graph, options.sites);
    const ValueId stem_output = Graph::output_of(graph.units.front().last - 1), logits = graph.node_count();
    const std::vector<ValueId> before_fc = inputs_of_head(graph);
    for (ValueId value = Graph::output_of(0); value <= logits; ++value) {
        if (!policy.is_site(value)) continue;
        const bool feeds_fc = std::find(before_fc.begin(), before_fc.end(), value) != before_fc.end();
        const bool edge = (stem && value == stem_output) || (fc && feeds_fc) ||
                          (options.head_stem_8bit && value == logits);  // logits, where they are a site
        sites.push_back({value, edge ? 8 : options.bits});
    }
    set_own_bits(sites, graph, options.site_bits);
    return sites;
}

}  // namespace adaq
