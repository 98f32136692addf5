#include "loaders/onnx/data_flow.h"

#include <map>
#include <queue>

#include "engine/error.h"
#include "engine/printable.h"
#include "loaders/onnx/refusals.h"

namespace adaq::onnx {

std::vector<const NodeProto*> in_data_flow(const std::string& file, const GraphProto& graph) {
    const std::vector<NodeProto>& nodes = graph.nodes;
    std::map<std::string, size_t> makers;
    for (size_t i = 0; i < nodes.size(); ++i)
        for (const std::string& output : nodes[i].outputs)
            if (!output.empty() && !makers.emplace(output, i).second)
                data_error("{}: two nodes give {}, {} ({}) the second", file, printable(output),
                           printable(nodes[i].op_type), place_of(nodes[i]));
    std::vector<std::vector<size_t>> readers(nodes.size());
    std::vector<size_t> awaited(nodes.size());
    for (size_t i = 0; i < nodes.size(); ++i)
        for (const std::string& input : nodes[i].inputs) {
            const auto maker = makers.find(input);
            if (input.empty() || maker == makers.end()) continue;
            readers[maker->second].push_back(i);
            ++awaited[i];
        }
    std::priority_queue<size_t, std::vector<size_t>, std::greater<>> ready;  // the first of the file on top
    for (size_t i = 0; i < nodes.size(); ++i)
        if (awaited[i] == 0) ready.push(i);
    std::vector<const NodeProto*> ordered;
    while (!ready.empty()) {
        const size_t next = ready.top();
        ready.pop();
        ordered.push_back(&nodes[next]);
        for (const size_t reader : readers[next])
            if (--awaited[reader] == 0) ready.push(reader);
    }
    for (size_t i = 0; i < nodes.size() && ordered.size() < nodes.size(); ++i)
        if (awaited[i] > 0)
            data_error("{}: its nodes cannot be ordered, for some read each other in a circle: {} ({})", file,
                       printable(nodes[i].op_type), place_of(nodes[i]));
    return ordered;
}

}  // namespace adaq::onnx
