// Execution in integers, and of sums whose order or exactness is asked for: the operations of a Program on the
// kernels of this folder.
#include "kernels/cpu/integer/compiled.h"

#include <algorithm>

#include "kernels/cpu/integer/convolution.h"
#include "kernels/cpu/integer/linear.h"
#include "kernels/cpu/integer/pointwise.h"
#include "kernels/cpu/pointwise.h"

namespace adaq::cpu {
namespace {

const uint8_t* codes_at(const View& view, TensorId id) { return reinterpret_cast<const uint8_t*>(view.at(id)); }

integer::Quantiser quantiser_of(const CodeQuantiser& q) {
    return {q.scale, static_cast<int>(q.zero_point), static_cast<int>(q.grid.qmin()), static_cast<int>(q.grid.qmax())};
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
        : e_(e), residual_(program, e.residual, images) {}
    integer::Epilogue at(const View& view) const {
        integer::Epilogue epilogue;
        epilogue.scale = view.at(e_.scale);
        epilogue.shift = view.at(e_.shift);
        epilogue.residual = residual_.operand(view, e_.residual_scale, e_.residual_zero);
        epilogue.lowest = e_.activation.lowest();
        epilogue.highest = e_.activation.highest();
        if (e_.quantiser) epilogue.quantiser = quantiser_of(*e_.quantiser);
        return epilogue;
    }

  private:
    IntegerEpilogue e_;
    Tensor residual_;
};

integer::Geometry geometry_of(const Shape& x, const Shape& w, int stride, int padding) {
    return {x[1], x[2], x[3], w[0], w[1], w[2], stride, stride, padding, padding, padding, padding};
}

/// Weights as they are on the device: codes, and their zero points.
struct CodesOfWeights {
    std::span<const int8_t> w;
    std::vector<int32_t> zero;

    CodesOfWeights(const Program& program, const View& view, TensorId w_id, TensorId zero_id)
        : w(reinterpret_cast<const int8_t*>(view.at(w_id)), static_cast<size_t>(element_count(program.shape(w_id)))) {
        if (zero_id == kNone) return;
        const auto* first = reinterpret_cast<const int32_t*>(view.at(zero_id));
        zero.assign(first, first + program.shape(zero_id)[0]);
    }
    std::vector<float> values() const {
        std::vector<float> made(w.begin(), w.end());
        const size_t per_channel = zero.empty() ? 1 : w.size() / zero.size();
        for (size_t i = 0; i < made.size() && !zero.empty(); ++i) made[i] -= static_cast<float>(zero[i / per_channel]);
        return made;
    }
};

/// Floats at the beginning of the scratch memory that hold so many bytes.
int64_t floats_for_bytes(size_t bytes) { return static_cast<int64_t>((bytes + 63) / 64 * 16); }

/// A convolution or a fully connected layer, which is one of maps of one position.
template <typename Op>
class CompiledLayer : public CompiledOperation {
  public:
    CompiledLayer(const Program& program, const Op& op, const OperationSetting& setting,
                  const integer::Geometry& geometry)
        : program_(program),
          op_(op),
          images_(setting.images),
          threads_(setting.threads),
          geometry_(geometry),
          x_(program, op.x, setting.images),
          epilogue_(program, op.epilogue, setting.images),
          output_(program, op.y, op.epilogue.quantiser, setting.images) {
        pack({std::vector<int8_t>(static_cast<size_t>(geometry.weights())), {}});
    }

    int64_t scratch_floats() const override { return kernel_floats_ + output_.scratch_floats(); }

    void refresh(const View& view) override {
        if (version_ == view.version(op_.w)) return;
        const CodesOfWeights w(program_, view, op_.w, op_.w_zero);
        pack({{w.w.begin(), w.w.end()}, w.zero});
        version_ = view.version(op_.w);
    }

    void run(const View& view) override {
        auto* const workspace = reinterpret_cast<unsigned char*>(view.scratch());
        float* const decoded = view.scratch() + kernel_floats_;
        const integer::Epilogue epilogue = epilogue_.at(view);
        const integer::Result y = output_.result(view, decoded);
        if (sums_)
            sums_->run(reinterpret_cast<const int32_t*>(view.at(op_.x)), images_, epilogue, y, threads_);
        else if (codes_)
            codes_->run(codes_at(view, op_.x), images_, epilogue, y, workspace, threads_);
        else
            values_->run(view.at(op_.x), images_, epilogue, y, workspace, threads_);
        output_.finish(view, decoded);
    }

  private:
    struct Weights {
        std::vector<int8_t> codes;
        std::vector<int32_t> zero;
    };
    void pack(const Weights& w) {
        const bool wide = op_.sums == IntegerSums::wide;
        if (x_.type() == DType::i32) {
            sums_.emplace(w.codes, geometry_.k, w.zero, op_.x_zero, wide);
        } else if (x_.codes()) {
            codes_.emplace(integer::Convolution::Settings{geometry_, w.codes, w.zero, op_.x_zero, wide});
            kernel_floats_ = floats_for_bytes(codes_->workspace_bytes(images_, threads_));
        } else {
            std::vector<float> values(w.codes.begin(), w.codes.end());
            for (size_t i = 0; i < values.size() && !w.zero.empty(); ++i)
                values[i] -= static_cast<float>(w.zero[i / (values.size() / w.zero.size())]);
            values_.emplace(geometry_, values, integer::FloatSum::in_order);
            kernel_floats_ = floats_for_bytes(values_->workspace_bytes(images_, threads_));
        }
    }

    const Program& program_;
    Op op_;
    int64_t images_;
    int threads_;
    integer::Geometry geometry_;
    Tensor x_;
    Epilogues epilogue_;
    Output output_;
    std::optional<integer::SumsLinear> sums_;
    std::optional<integer::Convolution> codes_;
    std::optional<integer::FloatConvolution> values_;
    int64_t kernel_floats_ = 0;
    std::optional<uint64_t> version_;
};

class CompiledAddition : public CompiledOperation {
  public:
    CompiledAddition(const Program& program, const IntegerAddition& op, const OperationSetting& setting)
        : op_(op),
          threads_(setting.threads),
          a_(program, op.a, setting.images),
          b_(program, op.b, setting.images),
          output_(program, op.y, op.quantiser, setting.images) {}

    int64_t scratch_floats() const override { return output_.scratch_floats(); }

    void run(const View& view) override {
        integer::Addition addition{
            a_.operand(view, op_.a_scale, op_.a_zero), b_.operand(view, op_.b_scale, op_.b_zero), {}};
        addition.epilogue.lowest = op_.activation.lowest();
        addition.epilogue.highest = op_.activation.highest();
        if (op_.quantiser) addition.epilogue.quantiser = quantiser_of(*op_.quantiser);
        integer::add(addition, output_.count(), output_.result(view, view.scratch()), threads_);
        output_.finish(view, view.scratch());
    }

  private:
    IntegerAddition op_;
    int threads_;
    Tensor a_, b_;
    Output output_;
};

class CompiledQuantise : public CompiledOperation {
  public:
    CompiledQuantise(const Program& program, const QuantiseToCodes& op, const OperationSetting& setting)
        : op_(op), threads_(setting.threads), output_(program, op.y, op.quantiser, setting.images) {}

    int64_t scratch_floats() const override { return output_.scratch_floats(); }

    void run(const View& view) override {
        integer::quantise(view.at(op_.x), output_.count(), quantiser_of(op_.quantiser),
                          output_.result(view, view.scratch()).codes, threads_);
        output_.finish(view, view.scratch());
    }

  private:
    QuantiseToCodes op_;
    int threads_;
    Output output_;
};

/// Codes: as integers. Values: in float64, in the order of positions.
class CompiledSumOverMap : public CompiledOperation {
  public:
    CompiledSumOverMap(const Program& program, const SumOverMap& op, const OperationSetting& setting)
        : op_(op),
          x_(program.shape(op.x)),
          images_(setting.images),
          threads_(setting.threads),
          codes_(program.tensor(op.x).type.dtype == DType::u8),
          integers_(program.tensor(op.y).type.dtype == DType::i32) {}

    int64_t scratch_floats() const override { return codes_ ? images_ * x_[3] : 2 * x_[3]; }

    void run(const View& view) override {
        if (codes_)
            sum_codes(view);
        else
            sum_values(view.at(op_.x), reinterpret_cast<double*>(view.scratch()), view.at(op_.y));
    }

  private:
    void sum_codes(const View& view) const {
        const int64_t positions = x_[1] * x_[2], count = images_ * x_[3];
        auto* const sums = reinterpret_cast<int32_t*>(integers_ ? view.at(op_.y) : view.scratch());
        integer::sum_codes(codes_at(view, op_.x), images_, positions, x_[3], sums, threads_);
        const auto zero = static_cast<int32_t>(positions * op_.x_zero);
        for (int64_t i = 0; i < count; ++i) sums[i] -= zero;
        for (int64_t i = 0; i < count && !integers_; ++i) view.at(op_.y)[i] = op_.scale * static_cast<float>(sums[i]);
    }
    void sum_values(const float* x, double* sums, float* y) const {
        const int64_t positions = x_[1] * x_[2], channels = x_[3];
        for (int64_t n = 0; n < images_; ++n, y += channels) {
            std::fill_n(sums, channels, 0.0);
            for (int64_t i = 0; i < positions; ++i, x += channels)
                for (int64_t c = 0; c < channels; ++c) sums[c] += x[c];
            for (int64_t c = 0; c < channels; ++c) y[c] = op_.scale * static_cast<float>(sums[c]);
        }
    }

    SumOverMap op_;
    Shape x_;
    int64_t images_;
    int threads_;
    bool codes_, integers_;
};

/// A convolution of a simulation whose sums run in one order, or are exact beyond 2^24.
class CompiledOrderedConvolution : public CompiledOperation {
  public:
    CompiledOrderedConvolution(const Program& program, const Convolution& op, const OperationSetting& setting)
        : op_(op),
          images_(setting.images),
          threads_(setting.threads),
          geometry_(geometry_of(program.shape(op.x), program.shape(op.w), op.stride, op.padding)),
          sum_(op.sums == Sums::exact ? integer::FloatSum::exact : integer::FloatSum::in_order),
          layer_(geometry_, std::vector<float>(static_cast<size_t>(geometry_.weights())), sum_),
          kernel_floats_(floats_for_bytes(layer_.workspace_bytes(images_, threads_))) {}

    int64_t scratch_floats() const override { return kernel_floats_ + count(); }

    void refresh(const View& view) override {
        if (version_ == view.version(op_.w)) return;
        layer_ = integer::FloatConvolution(geometry_,
                                           std::span(view.at(op_.w), static_cast<size_t>(geometry_.weights())), sum_);
        version_ = view.version(op_.w);
    }

    void run(const View& view) override {
        const Target y = view.target(op_.y);
        float* const sums = y.values() ? y.values() : view.scratch() + kernel_floats_;
        integer::Epilogue epilogue;
        epilogue.scale = view.at(op_.epilogue.scale);
        epilogue.shift = view.at(op_.epilogue.shift);
        layer_.run(view.at(op_.x), images_, epilogue, {sums, nullptr}, reinterpret_cast<unsigned char*>(view.scratch()),
                   threads_);
        finish_epilogue(op_.epilogue, view, count(), sums, y);
    }

  private:
    int64_t count() const { return images_ * geometry_.p() * geometry_.q() * geometry_.k; }

    Convolution op_;
    int64_t images_;
    int threads_;
    integer::Geometry geometry_;
    integer::FloatSum sum_;
    integer::FloatConvolution layer_;
    int64_t kernel_floats_;
    std::optional<uint64_t> version_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_ordered(const Program& program, const Convolution& op,
                                                   const OperationSetting& setting) {
    return std::make_unique<CompiledOrderedConvolution>(program, op, setting);
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const IntegerConvolution& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledLayer<IntegerConvolution>>(
        program, op, setting, geometry_of(program.shape(op.x), program.shape(op.w), op.stride, op.padding));
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const IntegerLinear& op,
                                                     const OperationSetting& setting) {
    const Shape& w = program.shape(op.w);
    return std::make_unique<CompiledLayer<IntegerLinear>>(program, op, setting, integer::Geometry{1, 1, w[1], w[0]});
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const IntegerAddition& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledAddition>(program, op, setting);
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const SumOverMap& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledSumOverMap>(program, op, setting);
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const QuantiseToCodes& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledQuantise>(program, op, setting);
}

}  // namespace adaq::cpu
