// Execution in integers, and of sums whose order or exactness is asked for: the products of a Program on the kernels of
// this folder.
#include "kernels/cpu/integer/compiled.h"

#include <fmt/format.h>

#include "kernels/cpu/integer/binding.h"
#include "kernels/cpu/integer/convolution.h"
#include "kernels/cpu/integer/linear.h"
#include "kernels/cpu/pointwise.h"

namespace adaq::cpu {
namespace {

integer::Geometry geometry_of(const Shape& x, const Shape& w, const ConvolutionWindow& window) {
    integer::Geometry g{x[1], x[2], x[3], w[0], w[1], w[2], window.stride_h, window.stride_w};
    g.top = window.top, g.left = window.left, g.bottom = window.bottom, g.right = window.right;
    g.dilation_h = window.dilation_h, g.dilation_w = window.dilation_w;
    g.groups = window.groups;
    return g;
}

/// Floats at the beginning of the scratch memory that hold so many bytes.
int64_t floats_for_bytes(size_t bytes) { return static_cast<int64_t>((bytes + 63) / 64 * 16); }

/// A layer's weights as the kernels read them: one of the three.
struct PackedLayer {
    std::optional<integer::SumsLinear> sums;
    std::optional<integer::Convolution> codes;
    std::optional<integer::FloatConvolution> values;

    size_t bytes() const { return sums ? sums->bytes() : codes ? codes->bytes() : values->bytes(); }
};

/// A convolution or a fully connected layer, which is one of maps of one position.
template <typename Op>
class CompiledLayer : public CompiledOperation {
  public:
    CompiledLayer(const Program& program, const Op& op, const OperationSetting& setting,
                  const integer::Geometry& geometry)
        : op_(op),
          images_(setting.images),
          threads_(setting.threads),
          geometry_(geometry),
          w_(tensor_of(program, op.w)),
          w_zero_(tensor_of(program, op.w_zero)),
          bias_(tensor_of(program, op.bias)),
          x_(program, op.x, setting.images),
          epilogue_(program, op.epilogue, setting.images),
          output_(program, op.y, op.epilogue.quantiser, setting.images) {
        pack();
        if (packed_->codes) kernel_floats_ = floats_for_bytes(packed_->codes->workspace_bytes(images_, threads_));
        if (packed_->values) kernel_floats_ = floats_for_bytes(packed_->values->workspace_bytes(images_, threads_));
    }

    int64_t scratch_floats() const override { return kernel_floats_ + output_.scratch_floats(); }

    void refresh(const View&) override {
        if (version_ != w_->version) pack();
    }

    void run(const View& view) override {
        auto* const workspace = reinterpret_cast<unsigned char*>(view.scratch());
        float* const decoded = view.scratch() + kernel_floats_;
        const integer::Epilogue epilogue = epilogue_.at(view);
        const integer::Result y = output_.result(view, decoded);
        if (packed_->sums)
            packed_->sums->run(reinterpret_cast<const int32_t*>(view.at(op_.x)), images_, epilogue, y, threads_);
        else if (packed_->codes)
            packed_->codes->run(codes_at(view, op_.x), images_, epilogue, y, workspace, threads_);
        else
            packed_->values->run(view.at(op_.x), images_, epilogue, y, workspace, threads_);
        output_.finish(view, decoded);
    }

  private:
    static CpuTensor* tensor_of(const Program& program, TensorId id) {
        if (id == kNone) return nullptr;
        return &dynamic_cast<CpuTensor&>(*program.tensor(id).bound);
    }

    /// Programs for other batches, and other lanes, have the same.
    void pack() {
        const auto& g = geometry_;
        const std::string key = fmt::format(
            "{} {} {} {}  {}x{}x{} {}x{}x{} / {} {} + {} {} {} {} x {} {} : {}  {} {}  {} {}",
            static_cast<int>(x_.type()), op_.x_zero, op_.x_most, static_cast<int>(op_.sums), g.h, g.w, g.c, g.k, g.r,
            g.s, g.stride_h, g.stride_w, g.top, g.left, g.bottom, g.right, g.dilation_h, g.dilation_w, g.groups,
            fmt::ptr(w_zero_), w_zero_ ? w_zero_->version : 0, fmt::ptr(bias_), bias_ ? bias_->version : 0);
        packed_ = w_->forms.get<PackedLayer>(w_->version, key, [&] { return packed(); });
        version_ = w_->version;
    }

    /// Of each channel; empty where there are none, or none yet.
    static std::vector<int32_t> integers_of(const CpuTensor* tensor) {
        if (tensor == nullptr || tensor->version == 0) return {};
        const std::span<const int32_t> held = tensor->elements<int32_t>();
        return {held.begin(), held.end()};
    }

    PackedLayer packed() const {
        const auto count = static_cast<size_t>(geometry_.weights());
        // What has not been uploaded yet holds anything.
        const std::vector<int8_t> none(w_->version == 0 ? count : 0);
        const std::span<const int8_t> w =
            w_->version == 0 ? std::span<const int8_t>(none) : w_->template elements<int8_t>();
        const std::vector<int32_t> zero = integers_of(w_zero_);
        const bool wide = op_.sums == IntegerSums::wide;
        PackedLayer made;
        if (x_.type() == DType::i32) {
            made.sums.emplace(w, geometry_.k, zero, op_.x_zero, wide);
        } else if (x_.codes()) {
            made.codes.emplace(
                integer::Convolution::Settings{geometry_, w, zero, op_.x_zero, op_.x_most, wide, integers_of(bias_)});
        } else {
            std::vector<float> values(w.begin(), w.end());
            for (size_t i = 0; i < values.size() && !zero.empty(); ++i)
                values[i] -= static_cast<float>(zero[i / (values.size() / zero.size())]);
            made.values.emplace(geometry_, values, integer::FloatSum::in_order);
        }
        return made;
    }

    Op op_;
    int64_t images_;
    int threads_;
    integer::Geometry geometry_;
    CpuTensor *w_, *w_zero_, *bias_;
    Tensor x_;
    Epilogues epilogue_;
    Output output_;
    std::shared_ptr<const PackedLayer> packed_;
    int64_t kernel_floats_ = 0;
    uint64_t version_ = 0;
};

/// A convolution of a simulation whose sums run in one order, or are exact beyond 2^24.
class CompiledOrderedConvolution : public CompiledOperation {
  public:
    CompiledOrderedConvolution(const Program& program, const Convolution& op, const OperationSetting& setting)
        : op_(op),
          images_(setting.images),
          threads_(setting.threads),
          geometry_(geometry_of(program.shape(op.x), program.shape(op.w), op.window)),
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
        program, op, setting, geometry_of(program.shape(op.x), program.shape(op.w), op.window));
}

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const IntegerLinear& op,
                                                     const OperationSetting& setting) {
    const Shape& w = program.shape(op.w);
    return std::make_unique<CompiledLayer<IntegerLinear>>(program, op, setting, integer::Geometry{1, 1, w[1], w[0]});
}

}  // namespace adaq::cpu
