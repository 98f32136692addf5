#include "kernels/arena.h"

#include <algorithm>
#include <optional>

namespace adaq {
namespace {

/// See tensors_of().
class TensorsOf {
  public:
    using Ids = std::vector<TensorId>;

    Ids operator()(const Convolution& op) const { return with(op.epilogue, {op.x, op.w, op.y}); }
    Ids operator()(const ConvolutionToData& op) const { return with(op.activation, {op.dy, op.w, op.dx, op.addend}); }
    Ids operator()(const ConvolutionToWeights& op) const { return {op.x, op.dy, op.dw}; }
    Ids operator()(const Linear& op) const { return with(op.epilogue, {op.x, op.w, op.y}); }
    Ids operator()(const LinearToData& op) const { return with(op.activation, {op.dy, op.w, op.dx, op.addend}); }
    Ids operator()(const LinearToWeights& op) const { return {op.x, op.dy, op.dw}; }
    Ids operator()(const BatchNorm& op) const {
        return with(op.epilogue,
                    {op.x, op.y, op.gamma, op.beta, op.running_mean, op.running_variance, op.mean, op.inverse_std});
    }
    Ids operator()(const BatchNormGradient& op) const {
        return {op.dy, op.x, op.dx, op.gamma, op.mean, op.inverse_std};
    }
    Ids operator()(const MaxPool& op) const { return {op.x, op.y}; }
    Ids operator()(const MaxPoolGradient& op) const { return {op.x, op.dy, op.dx}; }
    Ids operator()(const GlobalAveragePool& op) const { return {op.x, op.y}; }
    Ids operator()(const GlobalAveragePoolGradient& op) const { return {op.dy, op.dx}; }
    Ids operator()(const AddRelu& op) const { return with(op.quantiser, {op.a, op.b, op.y, op.saved}); }
    Ids operator()(const ActivationBackward& op) const {
        return with(std::optional(op.activation), {op.dy, op.dx, op.addend});
    }
    Ids operator()(const FakeQuantise& op) const { return with(std::optional(op.quantiser), {op.x, op.y}); }
    Ids operator()(const FakeQuantiseChannels& op) const { return {op.x, op.y, op.scale, op.zero_point}; }
    Ids operator()(const FakeQuantiseChannelsGradient& op) const {
        return {op.x, op.dy, op.dx, op.scale, op.zero_point, op.scale_gradient};
    }
    Ids operator()(const RoundWeights& op) const { return with(op.rounding, {}); }
    Ids operator()(const RoundingStep& op) const {
        return with(op.rounding, {op.w_hat_gradient, op.first_moment, op.second_moment, op.state, op.penalty});
    }
    Ids operator()(const ChannelScaleGradient& op) const {
        return {op.w_hat, op.w_hat_gradient, op.factor, op.gradient};
    }
    Ids operator()(const ChannelShiftGradient& op) const { return {op.dy, op.gradient}; }
    Ids operator()(const AdamStep& op) const {
        return {op.x, op.gradient, op.first_moment, op.second_moment, op.state};
    }
    Ids operator()(const SquaredError& op) const { return {op.y, op.target, op.dy, op.loss, op.indices, op.weight}; }
    Ids operator()(const KlDivergence& op) const { return {op.logits, op.target, op.dlogits, op.loss, op.indices}; }
    Ids operator()(const StatisticsLoss& op) const {
        Ids ids{op.x, op.dx, op.loss, op.mean, op.variance};
        if (op.through) ids.insert(ids.end(), {op.through->dy, op.through->gamma, op.through->inverse_std});
        return ids;
    }
    Ids operator()(const AdvanceStep& op) const {
        Ids ids = op.losses;
        ids.push_back(op.state);
        return ids;
    }
    Ids operator()(const DrawBatch& op) const { return {op.indices, op.state}; }
    Ids operator()(const TakeBatch& op) const { return {op.order, op.indices, op.state}; }
    Ids operator()(const Gather& op) const {
        Ids ids{op.x, op.y, op.indices};
        if (op.mixing) ids.insert(ids.end(), {op.mixing->other, op.mixing->state});
        return ids;
    }

  private:
    static Ids with(const std::optional<OutputQuantiser>& quantiser, Ids ids) {
        if (!quantiser) return ids;
        ids.push_back(quantiser->scale);
        if (quantiser->dropping) ids.push_back(quantiser->dropping->state);
        return ids;
    }
    static Ids with(const Epilogue& e, Ids ids) {
        ids.insert(ids.end(), {e.scale, e.shift, e.residual, e.saved});
        return with(e.quantiser, std::move(ids));
    }
    static Ids with(const std::optional<ActivationGradient>& a, Ids ids) {
        if (!a) return ids;
        ids.insert(ids.end(), {a->value, a->scale_gradient});
        return with(a->quantiser, std::move(ids));
    }
    static Ids with(const Rounding& r, Ids ids) {
        ids.insert(ids.end(), {r.w, r.v, r.w_hat, r.scale, r.zero_point, r.channel_scale});
        return ids;
    }
};

}  // namespace

std::vector<TensorId> tensors_of(const Operation& operation) { return std::visit(TensorsOf(), operation); }

namespace {

/// A temporary, the operations between which it is needed, and its place.
struct Room {
    size_t tensor;
    size_t first, last;  // operations, both included
    int64_t floats, offset = 0;

    bool meets(const Room& other) const { return first <= other.last && other.first <= last; }
};

constexpr int64_t kAlignment = 16;  // floats

std::vector<Room> rooms_of(const Program& program) {
    std::vector<std::optional<Room>> rooms(program.tensors().size());
    const size_t operations = program.operations().size();
    const auto use = [&](TensorId id, size_t first, size_t last) {
        if (id == kNone) return;
        const TensorId whole = program.tensors()[static_cast<size_t>(id)].whole;
        const auto tensor = static_cast<size_t>(whole == kNone ? id : whole);
        const Program::Entry& entry = program.tensors()[tensor];
        if (entry.bound) return;
        const int64_t floats = (element_count(entry.shape) + kAlignment - 1) / kAlignment * kAlignment;
        std::optional<Room>& room = rooms[tensor];
        if (!room) room = Room{tensor, first, last, floats};
        room->first = std::min(room->first, first);
        room->last = std::max(room->last, last);
    };
    for (size_t i = 0; i < operations; ++i) {
        for (TensorId id : tensors_of(program.operations()[i])) use(id, i, i);
        // Losses are read in the iteration after the one that wrote them.
        if (const auto* op = std::get_if<AdvanceStep>(&program.operations()[i])) {
            for (TensorId id : op->losses) use(id, 0, operations);
        }
    }
    std::vector<Room> found;
    for (const auto& room : rooms) {
        if (room) found.push_back(*room);
    }
    return found;
}

/// The lowest place where `room` meets none of the rooms that are placed already.
int64_t lowest_place(const Room& room, const std::vector<Room>& placed) {
    std::vector<const Room*> neighbours;
    for (const Room& other : placed) {
        if (other.meets(room)) neighbours.push_back(&other);
    }
    std::sort(neighbours.begin(), neighbours.end(), [](const Room* a, const Room* b) { return a->offset < b->offset; });
    int64_t offset = 0;
    for (const Room* other : neighbours) {
        if (offset + room.floats <= other->offset) break;
        offset = std::max(offset, other->offset + other->floats);
    }
    return offset;
}

}  // namespace

Arena make_arena(const Program& program) {
    std::vector<Room> rooms = rooms_of(program), placed;
    std::stable_sort(rooms.begin(), rooms.end(), [](const Room& a, const Room& b) { return a.floats > b.floats; });
    Arena arena{0, std::vector<int64_t>(program.tensors().size(), -1)};
    for (Room& room : rooms) {
        room.offset = lowest_place(room, placed);
        placed.push_back(room);
        arena.offsets[room.tensor] = room.offset;
        arena.floats = std::max(arena.floats, room.offset + room.floats);
    }
    return arena;
}

}  // namespace adaq
