// A piece of work for a device: operations over tensor handles, in the order in which they run.
#pragma once

#include <memory>
#include <vector>

#include "engine/indexed.h"
#include "engine/program/operations.h"
#include "engine/program/tensor_type.h"

namespace adaq {

/// A tensor in a device's memory. Made by Device::create, freed with its last owner.
class DeviceTensor {
  public:
    explicit DeviceTensor(Shape shape, DType dtype = DType::f32) : type_{std::move(shape), dtype} {}
    virtual ~DeviceTensor() = default;
    DeviceTensor(const DeviceTensor&) = delete;
    DeviceTensor& operator=(const DeviceTensor&) = delete;
    const TensorType& type() const { return type_; }
    const Shape& shape() const { return type_.shape; }
    DType dtype() const { return type_.dtype; }

  private:
    TensorType type_;
};
using Buffer = std::shared_ptr<DeviceTensor>;

/// Operations (operations.h) in the order in which they run. The first extent of every activation is the batch.
class Program {
  public:
    struct Entry {
        TensorType type;
        Buffer bound;            // null: temporary, or part of another tensor
        TensorId whole = kNone;  // what this is a part of
        int64_t first_row = 0;   // where it begins there

        const Shape& shape() const { return type.shape; }
        bool temporary() const { return !bound && whole == kNone; }
    };

    /// A tensor that outlives the run: inputs, weights, outputs. Binding one buffer twice gives one handle.
    TensorId bind(const Buffer& buffer);
    /// A tensor that exists only while the program runs.
    TensorId temporary(Shape shape, DType dtype = DType::f32);
    /// Rows [first, first + count) of a tensor, along its first extent, in place.
    TensorId rows(TensorId whole, int64_t first, int64_t count);
    void add(Operation operation) { operations_.push_back(std::move(operation)); }
    /// Before all that are there.
    void add_first(Operation operation) { operations_.insert(operations_.begin(), std::move(operation)); }
    /// A tensor becomes one of another first extent, bound to this buffer; null: temporary.
    void replace(TensorId id, int64_t rows, const Buffer& buffer);
    /// Stores a temporary otherwise.
    void retype(TensorId temporary, DType dtype);

    const Indexed<Entry>& tensors() const { return tensors_; }
    const Entry& tensor(TensorId id) const { return tensors_.at(id); }
    const Shape& shape(TensorId id) const { return tensor(id).type.shape; }
    /// False for kNone.
    bool is_bf16(TensorId id) const { return id != kNone && tensor(id).type.dtype == DType::bf16; }
    /// The tensor that holds it: itself, or what it is a part of.
    TensorId home(TensorId id) const { return tensor(id).whole == kNone ? id : tensor(id).whole; }
    const std::vector<Operation>& operations() const { return operations_; }

  private:
    TensorId last() const { return static_cast<TensorId>(tensors_.count()) - 1; }

    Indexed<Entry> tensors_;
    std::vector<Operation> operations_;
};

/// Throws std::logic_error where an operation's shapes do not fit together, or a tensor is read before it is written.
void check(const Program& program);

/// "convolution of 32x56x56x64, 64x3x3x64, 32x56x56x64": what it is, and its tensors.
std::string describe(const Program& program, const Operation& operation);

/// "operation 3 of 17, convolution of ...": that of a program with this index, counted from 1.
std::string describe(const Program& program, size_t index);

}  // namespace adaq
