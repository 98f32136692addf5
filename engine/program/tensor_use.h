// How an operation uses its tensors. Each operation lists them once, with roles (visit_tensors() of its descriptor),
// and whoever needs to know asks there: lifetimes, pieces, bf16 storage, messages and the check of a program's order.
#pragma once

#include "engine/tensor.h"

namespace adaq {

/// A tensor within a Program.
using TensorId = int;
inline constexpr TensorId kNone = -1;

/// carried: read before the program writes it, so that it holds what the run before has left.
enum class Access { read, write, update, carried };

/// rows: its first extent is the batch, and row i belongs to image i. whole: weights, scales and sums, the same
/// whatever the batch. cache: rows picked by indices, at 64-bit offsets. state: the values of an iteration.
enum class Extent { rows, whole, cache, state };

/// Whether the tensor may lie in bf16. product: read by a product of operands that are bf16 anyway (Math::bf16).
/// suffices: read by something else that may take bf16 then. as_made: read as bf16 where it is bound so, whatever the
/// products. written: with Math::bf16 the operation can round as it writes.
enum class Bf16 { no, product, suffices, as_made, written };

struct TensorUse {
    Access access = Access::read;
    Extent extent = Extent::whole;
    Bf16 bf16 = Bf16::no;
    bool codes = false;     // written as integer codes q - z
    bool constant = false;  // a layer's weight or what describes it: a device may keep another form of it between runs

    bool reads() const { return access != Access::write; }
    bool writes() const { return access == Access::write || access == Access::update; }
};

namespace use {

inline constexpr TensorUse kReadRows{Access::read, Extent::rows}, kWriteRows{Access::write, Extent::rows},
    kRead{Access::read, Extent::whole}, kWrite{Access::write, Extent::whole}, kUpdate{Access::update, Extent::whole},
    kCarried{Access::carried, Extent::whole}, kCache{Access::read, Extent::cache}, kState{Access::read, Extent::state},
    kConstant{Access::read, Extent::whole, Bf16::no, false, true},
    kOperand{Access::read, Extent::rows, Bf16::product},  // of a product
    kRoundable{Access::write, Extent::rows, Bf16::written};

}  // namespace use

/// The tensors of an operation that reads rows of one and writes rows of another.
void visit_rows(auto& from, auto& to, const auto& visit) {
    visit(from, use::kReadRows);
    visit(to, use::kWriteRows);
}

/// inference: one of a forward pass; devices run programs of nothing else image by image.
enum class Purpose { inference, learning };

/// What its time goes by: the memory that it touches, or the multiply-adds of a product.
enum class Cost { memory, product };

/// What is known of a kind of operation. Every descriptor has one as kTraits.
struct OperationTraits {
    consteval OperationTraits(const char* in_messages, Purpose of, Cost by)
        : name(in_messages), purpose(of), cost(by) {}

    const char* name;
    Purpose purpose;
    Cost cost;
};

/// The tensors of a product, by which its cost goes: each output is a sum over the weights of one output channel.
struct ProductTensors {
    TensorId outputs = kNone;  // or a gradient of their shape
    TensorId weights = kNone;  // or a gradient of their shape, [K,...]
};

}  // namespace adaq
