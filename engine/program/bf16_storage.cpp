#include "engine/program/bf16_storage.h"

#include "engine/error.h"

namespace adaq {
namespace {

/// How often a tensor is read by what takes bf16 there, so that it is worth storing it; and used by what does not.
struct Uses {
    int reads = 0, of_float32 = 0;

    void count(Bf16 bf16, bool bound, Math math) {
        const bool products = math == Math::bf16;
        if ((products && (bf16 == Bf16::product || bf16 == Bf16::suffices)) || (bound && bf16 == Bf16::as_made))
            ++reads;
        else if (!products || bf16 != Bf16::written)
            ++of_float32;
    }
};

}  // namespace

void store_as_bf16(Program& program, Math math) {
    Indexed<Uses> uses(program.tensors().size());
    for (const Operation& operation : program.operations()) {
        for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
            uses[id].count(use.bf16, program.tensor(id).bound != nullptr, math);
        });
    }
    for (const Program::Entry& entry : program.tensors()) {
        if (entry.whole == kNone) continue;
        const Buffer& bound = program.tensor(entry.whole).bound;
        require(!bound || bound->dtype() != DType::bf16, "rows of a tensor that is bound as bf16");  // read as float32
        ++uses[entry.whole].of_float32;
    }
    for (TensorId id = 0; id < uses.count(); ++id) {
        const Program::Entry& entry = program.tensor(id);
        const bool made_so = entry.bound && entry.bound->dtype() == DType::bf16;
        require(!made_so || uses[id].of_float32 == 0, "a bf16 tensor where only float32 will do");
        if (math == Math::bf16 && entry.temporary() && uses[id].of_float32 == 0 && uses[id].reads > 0)
            program.retype(id, DType::bf16);
    }
}

}  // namespace adaq
