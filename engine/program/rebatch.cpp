// See rebatch.h.
#include "engine/program/rebatch.h"

#include "engine/error.h"

namespace adaq {

Program rebatched(const Program& program, int64_t batch, const std::map<TensorId, Buffer>& to) {
    Indexed<bool> activation(program.tensors().size());
    for (const Operation& operation : program.operations()) {
        for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
            if (use.extent == Extent::rows) activation[id] = true;
        });
    }
    Program made = program;
    for (TensorId id = 0; id < activation.count(); ++id) {
        if (!activation[id]) continue;
        const auto found = to.find(id);
        require(found != to.end() || program.tensor(id).temporary(), "rebatched: activation {} is bound", id);
        made.replace(id, batch, found == to.end() ? nullptr : found->second);
    }
    return made;
}

}  // namespace adaq
