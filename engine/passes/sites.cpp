#include "engine/passes/sites.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/graph/node_kind.h"
#include "engine/nodes/kinds.h"

namespace adaq {
namespace {

bool is_site(const Node& node, ActivationSites sites) {
    if (sites == ActivationSites::layer) return node.kind->has_weight();
    return node.activation || node.kind == &add_kind();
}

/// The last layer's input as it was before pools.
ValueId input_of_head(const Graph& graph) {
    int head = graph.node_count() - 1;
    while (!graph.node(head).kind->has_weight()) --head;
    ValueId value = graph.node(head).inputs[0];
    while (value != kImage && !graph.node(Graph::producer_of(value)).kind->quantises_output())
        value = graph.node(Graph::producer_of(value)).inputs[0];
    return value;
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
    const ValueId stem_output = Graph::output_of(graph.units.front().last - 1), before_fc = input_of_head(graph);
    const ValueId logits = graph.node_count();
    for (int i = 0; i < graph.node_count(); ++i) {
        const Node& node = graph.node(i);
        if (!is_site(node, options.sites)) continue;
        const ValueId value = Graph::output_of(i);
        const bool edge = (stem && value == stem_output) || (fc && value == before_fc) ||
                          (options.head_stem_8bit && value == logits);  // logits, where they are a site
        sites.push_back({value, edge ? 8 : options.bits});
    }
    set_own_bits(sites, graph, options.site_bits);
    return sites;
}

}  // namespace adaq
