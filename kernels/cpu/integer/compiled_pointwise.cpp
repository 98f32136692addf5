// Execution in integers: the operations of a Program that are no products, on the kernels of this folder.
#include "kernels/cpu/integer/binding.h"
#include "kernels/cpu/integer/pointwise.h"

namespace adaq::cpu {
namespace {

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
            a_.operand(view, op_.a_scale, op_.a_zero), b_.operand(view, op_.b_scale, op_.b_zero), {}, op_.offset};
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

class CompiledLookUp : public CompiledOperation {
  public:
    CompiledLookUp(const Program& program, const LookUp& op, const OperationSetting& setting)
        : op_(op), threads_(setting.threads), channels_(program.shape(op.x)[3]), y_(program, op.y, setting.images) {}

    void run(const View& view) override {
        if (y_.codes())
            look_up(codes_at(view, op_.table), codes_at(view, op_.x), reinterpret_cast<uint8_t*>(view.at(op_.y)));
        else
            look_up(view.at(op_.table), codes_at(view, op_.x), view.at(op_.y));
    }

  private:
    template <typename T>
    void look_up(const T* table, const uint8_t* x, T* y) const {
        const int64_t pixels = y_.count() / channels_;
#pragma omp parallel for num_threads(threads_) schedule(static) if (threads_ > 1)
        for (int64_t part = 0; part < threads_; ++part) {
            const int64_t first = pixels * part / threads_, last = pixels * (part + 1) / threads_;
            if (channels_ == 3)
                look_up_pixels<3>(table, x, y, first, last);
            else
                look_up_pixels<0>(table, x, y, first, last);
        }
    }
    /// Channels: 0: as many as there are.
    template <int Channels, typename T>
    void look_up_pixels(const T* table, const uint8_t* x, T* y, int64_t first, int64_t last) const {
        constexpr int64_t kValues = 256;
        const int64_t channels = Channels > 0 ? Channels : channels_;
        for (int64_t i = first * channels; i < last * channels; i += channels)
            for (int64_t c = 0; c < channels; ++c) y[i + c] = table[c * kValues + x[i + c]];
    }

    LookUp op_;
    int threads_;
    int64_t channels_;
    Tensor y_;
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

}  // namespace

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

std::unique_ptr<CompiledOperation> compile_operation(const Program& program, const LookUp& op,
                                                     const OperationSetting& setting) {
    return std::make_unique<CompiledLookUp>(program, op, setting);
}

}  // namespace adaq::cpu
