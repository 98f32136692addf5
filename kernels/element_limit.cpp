#include "kernels/element_limit.h"

#include <algorithm>

#include "engine/error.h"
#include "kernels/arena.h"
#include "kernels/operation_text.h"

namespace adaq {
namespace {

/// What an operation reads row by row, at 64-bit offsets.
struct CachesOf {
    using Ids = std::vector<TensorId>;
    Ids operator()(const Gather& op) const { return {op.x, op.mixing ? op.mixing->other : kNone}; }
    Ids operator()(const SquaredError& op) const { return {op.target, op.weight}; }
    Ids operator()(const KlDivergence& op) const { return {op.target}; }
    Ids operator()(const TakeBatch& op) const { return {op.order}; }
    template <typename Other>
    Ids operator()(const Other&) const {
        return {};
    }
};

}  // namespace

void check_elements(const Program& program, int64_t most) {
    for (size_t i = 0; i < program.operations().size(); ++i) {
        const Operation& operation = program.operations()[i];
        const std::vector<TensorId> caches = std::visit(CachesOf(), operation);
        for (TensorId id : tensors_of(operation)) {
            if (id == kNone || std::find(caches.begin(), caches.end(), id) != caches.end()) continue;
            const int64_t elements = element_count(program.shape(id));
            if (elements <= most) continue;
            data_error("{}: a tensor of {} elements, expected at most {}; smaller batches or images have fewer",
                       describe(program, i), elements, most);
        }
    }
}

}  // namespace adaq
