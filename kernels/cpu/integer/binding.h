// How operations of integer execution find their operands: tensors of a program as what the kernels take.
#pragma once

#include <algorithm>
#include <optional>

#include "kernels/cpu/compiled_operation.h"
#include "kernels/cpu/integer/reciprocal.h"

namespace adaq::cpu {

inline const uint8_t* codes_at(const View& view, TensorId id) { return reinterpret_cast<const uint8_t*>(view.at(id)); }

inline integer::Quantiser quantiser_of(const CodeQuantiser& q) {
    return {q.divisor(),
            static_cast<int>(q.offset()),
            static_cast<int>(q.grid.qmin()),
            static_cast<int>(q.grid.qmax()),
            q.factor,
            q.shift};
}

/// A tensor of a program: images that an operation works on, codes or values.
class Tensor {
  public:
    Tensor(const Program& program, TensorId id, int64_t images) : id_(id) {
        if (id == kNone) return;
        type_ = program.tensor(id).type.dtype;
        count_ = element_count(program.shape(id)) / program.shape(id)[0] * images;
    }
    bool codes() const { return type_ == DType::u8; }
    DType type() const { return type_; }
    int64_t count() const { return count_; }
    integer::Operand operand(const View& view, float scale, int zero) const {
        if (id_ == kNone) return {};
        if (codes()) return {nullptr, codes_at(view, id_), zero, scale};
        return {view.at(id_), nullptr, 0, scale};
    }

  private:
    TensorId id_;
    DType type_ = DType::f32;
    int64_t count_ = 0;
};

/// Where results go: codes or values, or the values that codes stand for, which are codes in the scratch memory first.
class Output {
  public:
    Output(const Program& program, TensorId y, const std::optional<CodeQuantiser>& quantiser, int64_t images)
        : y_(y), tensor_(program, y, images), quantiser_(quantiser) {}

    int64_t scratch_floats() const { return decodes() ? (tensor_.count() + 3) / 4 : 0; }
    int64_t count() const { return tensor_.count(); }
    /// scratch: as many floats.
    integer::Result result(const View& view, float* scratch) const {
        if (!quantiser_) return {view.at(y_), nullptr};
        return {nullptr, reinterpret_cast<uint8_t*>(decodes() ? scratch : view.at(y_))};
    }
    void finish(const View& view, const float* scratch) const {
        if (!decodes()) return;
        const auto* codes = reinterpret_cast<const uint8_t*>(scratch);
        const float scale = quantiser_->scale;
        const int zero = quantiser_->zero();
        std::transform(codes, codes + count(), view.at(y_),
                       [=](uint8_t code) { return static_cast<float>(code - zero) * scale; });
    }

  private:
    bool decodes() const { return quantiser_ && !tensor_.codes(); }

    TensorId y_;
    Tensor tensor_;
    std::optional<CodeQuantiser> quantiser_;
};

class Epilogues {
  public:
    Epilogues(const Program& program, const IntegerEpilogue& e, int64_t images)
        : e_(e), residual_(program, e.residual, images) {
        if (!e.quantiser) return;
        quantiser_ = quantiser_of(*e.quantiser);
        quantiser_->products = quantiser_->factor == 0.0f && integer::products_have_codes(*quantiser_);
    }
    integer::Epilogue at(const View& view) const {
        integer::Epilogue epilogue;
        epilogue.scale = view.at(e_.scale);
        epilogue.shift = view.at(e_.shift);
        epilogue.residual = residual_.operand(view, e_.residual_scale, e_.residual_zero);
        epilogue.summand = e_.summand;
        epilogue.factor = e_.factor;
        epilogue.lowest = e_.activation.lowest();
        epilogue.highest = e_.activation.highest();
        epilogue.quantiser = quantiser_;
        return epilogue;
    }

  private:
    IntegerEpilogue e_;
    std::optional<integer::Quantiser> quantiser_;
    Tensor residual_;
};

}  // namespace adaq::cpu
