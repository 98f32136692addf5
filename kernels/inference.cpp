#include "kernels/inference.h"

#include <algorithm>

#include "engine/error.h"
#include "kernels/arena.h"

namespace adaq {
namespace {

struct IsInference {
    static bool plain(const std::optional<OutputQuantiser>& quantiser) { return !quantiser || !quantiser->dropping; }
    static bool plain(const Epilogue& e) { return e.saved == kNone && plain(e.quantiser); }

    bool operator()(const Convolution& op) const { return plain(op.epilogue); }
    bool operator()(const Linear& op) const { return plain(op.epilogue); }
    bool operator()(const MaxPool&) const { return true; }
    bool operator()(const GlobalAveragePool&) const { return true; }
    bool operator()(const AddRelu& op) const { return op.saved == kNone && plain(op.quantiser); }
    bool operator()(const FakeQuantise& op) const { return plain(op.quantiser); }
    template <typename Other>
    bool operator()(const Other&) const {
        return false;
    }
};

/// Writes a program's operations into another one, for images [first, first + count).
class Piece {
  public:
    Piece(const Program& from, Program& to, int64_t first, int64_t count)
        : from_(from), to_(to), first_(first), count_(count), ids_(from.tensors().size(), kNone) {}

    void operator()(Convolution op) { layer(op); }
    void operator()(Linear op) { layer(op); }
    void operator()(MaxPool op) { unary(op); }
    void operator()(GlobalAveragePool op) { unary(op); }
    void operator()(AddRelu op) {
        op.a = images(op.a), op.b = images(op.b);
        quantiser(op.quantiser);
        op.y = images(op.y);
        to_.add(op);
    }
    void operator()(FakeQuantise op) {
        op.quantiser.scale = constant(op.quantiser.scale);
        unary(op);
    }
    template <typename Training>
    void operator()(const Training&) {
        throw std::logic_error("not an operation of inference");
    }

  private:
    template <typename Op>
    void unary(Op op) {
        op.x = images(op.x), op.y = images(op.y);
        to_.add(op);
    }
    template <typename Op>
    void layer(Op op) {
        op.w = constant(op.w);
        op.epilogue.scale = constant(op.epilogue.scale);
        op.epilogue.shift = constant(op.epilogue.shift);
        op.epilogue.residual = images(op.epilogue.residual);
        quantiser(op.epilogue.quantiser);
        unary(op);
    }
    void quantiser(std::optional<OutputQuantiser>& q) {
        if (q) q->scale = constant(q->scale);
    }
    /// A tensor whose rows are images: the piece's.
    TensorId images(TensorId id) {
        if (id == kNone) return kNone;
        TensorId& mine = ids_[static_cast<size_t>(id)];
        const Program::Entry& entry = from_.tensors()[static_cast<size_t>(id)];
        require(entry.shape[0] >= first_ + count_, "pieces: {} where {} images should be", to_string(entry.shape),
                first_ + count_);
        if (mine == kNone)
            mine = entry.bound ? to_.rows(to_.bind(entry.bound), first_, count_)
                               : to_.temporary(with_rows(entry.shape, count_));
        return mine;
    }
    TensorId constant(TensorId id) {
        return id == kNone ? kNone : to_.bind(from_.tensors()[static_cast<size_t>(id)].bound);
    }

    const Program& from_;
    Program& to_;
    int64_t first_, count_;
    std::vector<TensorId> ids_;  // by the other program's
};

/// The tensors of an operation of inference whose rows are images.
struct ImagesOf {
    using Ids = std::vector<TensorId>;
    Ids operator()(const Convolution& op) const { return {op.x, op.y, op.epilogue.residual}; }
    Ids operator()(const Linear& op) const { return {op.x, op.y, op.epilogue.residual}; }
    Ids operator()(const AddRelu& op) const { return {op.a, op.b, op.y}; }
    Ids operator()(const MaxPool& op) const { return {op.x, op.y}; }
    Ids operator()(const GlobalAveragePool& op) const { return {op.x, op.y}; }
    Ids operator()(const FakeQuantise& op) const { return {op.x, op.y}; }
    template <typename Training>
    Ids operator()(const Training&) const {
        return {};
    }
};

/// How many images a program goes over, and the elements of its largest tensor of them. No images: operations differ.
struct Batch {
    int64_t images = 0, elements = 0;
};

Batch batch_of(const Program& program) {
    Batch batch;
    for (const Operation& operation : program.operations()) {
        for (TensorId id : std::visit(ImagesOf(), operation)) {
            if (id == kNone) continue;
            const Shape& shape = program.shape(id);
            if (batch.images > 0 && shape[0] != batch.images) return {};
            batch = {shape[0], std::max(batch.elements, element_count(shape))};
        }
    }
    return batch;
}

bool has_halves(const Program& program) {
    return std::any_of(program.tensors().begin(), program.tensors().end(),
                       [](const Program::Entry& entry) { return entry.bound && entry.bound->dtype() == Dtype::bf16; });
}

}  // namespace

bool is_inference(const Program& program) {
    const bool parts = std::any_of(program.tensors().begin(), program.tensors().end(),
                                   [](const Program::Entry& entry) { return entry.whole != kNone; });
    return !parts && std::all_of(program.operations().begin(), program.operations().end(),
                                 [](const Operation& op) { return std::visit(IsInference(), op); });
}

Program in_pieces(const Program& program, const PieceLimits& limits) {
    // Rows of a tensor that is bound as bf16 would have to be bf16 themselves.
    if (!is_inference(program) || has_halves(program)) return program;
    const Batch batch = batch_of(program);
    const int64_t bytes = make_arena(program).floats * static_cast<int64_t>(sizeof(float));
    if (batch.images == 0 || (bytes <= limits.temporary_bytes && batch.elements <= limits.elements)) return program;
    int64_t at_once = batch.images;
    if (bytes > limits.temporary_bytes) at_once = batch.images * limits.temporary_bytes / bytes;
    at_once = std::min(at_once, limits.elements / (batch.elements / batch.images));
    at_once = std::max<int64_t>(at_once, 1);
    const int64_t pieces = (batch.images + at_once - 1) / at_once;
    Program result;
    for (int64_t piece = 0; piece < pieces; ++piece) {
        const int64_t first = batch.images * piece / pieces, last = batch.images * (piece + 1) / pieces;
        Piece write(program, result, first, last - first);
        for (const Operation& operation : program.operations()) std::visit(write, operation);
    }
    return result;
}

}  // namespace adaq
