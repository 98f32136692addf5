#include "engine/sites.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "engine/error.h"

namespace adaq {
namespace {

bool is_site(const Node& node, ActivationSites sites) {
    if (sites == ActivationSites::layer) return node.kind == NodeKind::convolution || node.kind == NodeKind::linear;
    return node.relu;
}

/// A block's output goes on to the fully connected layer where the pool that reads it does.
ValueId value_before_pool(const Graph& graph) {
    for (const Node& node : graph.nodes) {
        if (node.kind == NodeKind::global_average_pool) return node.inputs[0];
    }
    return -1;
}

void set_own_bits(std::vector<Site>& sites, const Graph& graph, const std::map<std::string, int>& own) {
    std::vector<std::string> names;
    for (Site& site : sites) {
        names.push_back(site_name(graph, site.value));
        const auto found = own.find(names.back());
        if (found != own.end()) site.bits = found->second;
    }
    for (const auto& [name, bits] : own) {
        if (std::find(names.begin(), names.end(), name) == names.end())
            usage_error("--act-bits {}={}: no such activation is quantised; there are {}", name, bits,
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
    const ValueId stem_output = Graph::output_of(graph.units.front().last - 1), before_fc = value_before_pool(graph);
    for (int i = 0; i < static_cast<int>(graph.nodes.size()); ++i) {
        const Node& node = graph.nodes[static_cast<size_t>(i)];
        if (!is_site(node, options.sites)) continue;
        const ValueId value = Graph::output_of(i);
        const bool edge = (stem && value == stem_output) || (fc && value == before_fc) ||
                          (options.head_stem_8bit && node.kind == NodeKind::linear);  // logits, where they are a site
        sites.push_back({value, edge ? 8 : options.bits});
    }
    set_own_bits(sites, graph, options.site_bits);
    return sites;
}

}  // namespace adaq
