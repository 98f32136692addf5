#include "kernels/halves.h"

#include "engine/error.h"
#include "kernels/arena.h"

namespace adaq {
namespace {

/// The tensors of an operation that may be stored as bf16. An operation that is not listed takes float32 alone.
class Roles {
  public:
    using Ids = std::vector<TensorId>;
    struct Of {
        Ids reads, writes;
    };

    Roles(const Program& program, Math math) : program_(program), math_(math) {}
    Of operator()(const Operation& operation) const {
        if (const auto* op = std::get_if<Gather>(&operation)) return of_gather(*op);
        return math_ == Math::bf16 ? std::visit(*this, operation) : Of{};
    }

    Of operator()(const Convolution& op) const {
        return {{op.x}, quantised_in_place(op.epilogue.quantiser, op.epilogue.saved) ? Ids{} : Ids{op.y}};
    }
    Of operator()(const ConvolutionToData& op) const { return {{op.dy}, {op.dx}}; }
    Of operator()(const ConvolutionToWeights& op) const { return {{op.x, op.dy}, {}}; }
    Of operator()(const Linear& op) const { return {{op.x}, {}}; }
    Of operator()(const LinearToData& op) const { return {{op.dy}, {}}; }
    Of operator()(const LinearToWeights& op) const { return {{op.x, op.dy}, {}}; }
    Of operator()(const ChannelShiftGradient& op) const { return {{op.dy}, {}}; }
    Of operator()(const AddRelu& op) const {
        return {{}, quantised_in_place(op.quantiser, op.saved) ? Ids{} : Ids{op.y}};
    }
    Of operator()(const ActivationBackward& op) const { return {{}, {op.dx}}; }
    Of operator()(const FakeQuantise& op) const { return {{}, {op.y}}; }
    Of operator()(const SquaredError& op) const { return {{}, {op.dy}}; }
    template <typename Other>
    Of operator()(const Other&) const {
        return {};
    }

  private:
    /// With no place for the value before it, a quantiser that drops elements works where the output lies.
    static bool quantised_in_place(const std::optional<OutputQuantiser>& quantiser, TensorId saved) {
        return quantiser && quantiser->dropping && saved == kNone;
    }
    /// Reads bf16, but would not have rounded: from tensors that were made so.
    Of of_gather(const Gather& op) const {
        Of of;
        if (bound(op.x)) of.reads.push_back(op.x);
        if (op.mixing && bound(op.mixing->other)) of.reads.push_back(op.mixing->other);
        if (math_ == Math::bf16) of.writes.push_back(op.y);
        return of;
    }
    bool bound(TensorId id) const { return program_.tensors()[static_cast<size_t>(id)].bound != nullptr; }

    const Program& program_;
    Math math_;
};

}  // namespace

Halves::Halves(const Program& program, Math math) : halves_(program.tensors().size()) {
    std::vector<int> others(halves_.size()), reads(halves_.size());  // by tensor: uses that want float32; products
    const Roles roles(program, math);
    for (const Operation& operation : program.operations()) {
        const Roles::Of of = roles(operation);
        for (TensorId id : tensors_of(operation))
            if (id != kNone) ++others[static_cast<size_t>(id)];
        for (TensorId id : of.writes) --others[static_cast<size_t>(id)];
        for (TensorId id : of.reads) --others[static_cast<size_t>(id)], ++reads[static_cast<size_t>(id)];
    }
    for (size_t i = 0; i < halves_.size(); ++i) {
        const Program::Entry& entry = program.tensors()[i];
        const bool bound_as_half = entry.bound && entry.bound->dtype() == Dtype::bf16;
        require(!bound_as_half || others[i] == 0, "a bf16 tensor where only float32 will do");
        const bool temporary = !entry.bound && entry.whole == kNone;
        halves_[i] = bound_as_half || (math == Math::bf16 && temporary && others[i] == 0 && reads[i] > 0);
    }
    for (const Program::Entry& entry : program.tensors()) {
        if (entry.whole == kNone) continue;
        const Buffer& bound = program.tensors()[static_cast<size_t>(entry.whole)].bound;
        require(!bound || bound->dtype() == Dtype::f32, "rows of a tensor that is bound as bf16");  // read as float32
        if (!bound) exclude(entry.whole);
    }
}

}  // namespace adaq
