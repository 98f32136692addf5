#include "engine/program/pieces.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/program/arena.h"

namespace adaq {
namespace {

/// Of a forward pass, and all that it writes is its output.
bool is_inference(const Operation& operation) {
    int written = 0;
    bool random = false;
    for_each_tensor(operation, [&](TensorId, const TensorUse& use) {
        written += use.writes() ? 1 : 0;
        random = random || use.extent == Extent::state;
    });
    return traits_of(operation).purpose == Purpose::inference && written == 1 && !random;
}

/// Writes a program's operations into another one, for images [first, first + count).
class Piece {
  public:
    Piece(const Program& from, Program& to, int64_t first, int64_t count)
        : from_(from), to_(to), first_(first), count_(count), ids_(from.tensors().size(), kNone) {}

    void write(Operation operation) {
        for_each_tensor(operation, [&](TensorId& id, const TensorUse& use) {
            id = use.extent == Extent::rows ? images(id) : to_.bind(from_.tensor(id).bound);
        });
        to_.add(std::move(operation));
    }

  private:
    /// A tensor whose rows are images: the piece's.
    TensorId images(TensorId id) {
        TensorId& mine = ids_[id];
        const Program::Entry& entry = from_.tensor(id);
        require(entry.shape()[0] >= first_ + count_, "pieces: {} where {} images should be", to_string(entry.shape()),
                first_ + count_);
        if (mine == kNone)
            mine = entry.bound ? to_.rows(to_.bind(entry.bound), first_, count_)
                               : to_.temporary(with_rows(entry.shape(), count_), entry.type.dtype);
        return mine;
    }

    const Program& from_;
    Program& to_;
    int64_t first_, count_;
    Indexed<TensorId> ids_;  // by the other program's
};

/// How many images a program goes over, and the elements of its largest tensor of them. No images: operations differ.
struct Batch {
    int64_t images = 0, elements = 0;
};

Batch batch_of(const Program& program) {
    Batch batch;
    bool differ = false;
    for (const Operation& operation : program.operations()) {
        for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
            if (use.extent != Extent::rows) return;
            const Shape& shape = program.shape(id);
            differ = differ || (batch.images > 0 && shape[0] != batch.images);
            batch = {shape[0], std::max(batch.elements, element_count(shape))};
        });
    }
    return differ ? Batch{} : batch;
}

bool has_bf16(const Program& program) {
    return std::any_of(program.tensors().begin(), program.tensors().end(),
                       [](const Program::Entry& entry) { return entry.bound && entry.type.dtype == DType::bf16; });
}

}  // namespace

bool is_inference(const Program& program) {
    const bool parts = std::any_of(program.tensors().begin(), program.tensors().end(),
                                   [](const Program::Entry& entry) { return entry.whole != kNone; });
    return !parts && std::all_of(program.operations().begin(), program.operations().end(),
                                 [](const Operation& operation) { return is_inference(operation); });
}

Program in_pieces(const Program& program, const DeviceLimits& limits) {
    if (limits.temporary_bytes == DeviceLimits::kNoLimit && limits.elements == DeviceLimits::kNoLimit) return program;
    // Rows of a tensor that is bound as bf16 would have to be bf16 themselves.
    if (!is_inference(program) || has_bf16(program)) return program;
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
        for (const Operation& operation : program.operations()) write.write(operation);
    }
    return result;
}

}  // namespace adaq
