// On small maps much of a window is padding, which oneDNN's gradient to weights multiplies all the same, and weights
// outweigh activations, so that reordering their gradient costs as much again. Here each tap (r, s) of the window is
// one matrix product, dw[:,r,s,:] = dy' x, over the rows (images and positions) that it reads inside the map alone
// (kn2row of Anderson et al., arXiv 1709.03395, turned round): rows are copied together, rounded where --math asks, and
// the product lands where KRSC wants it. 2*K*C flops a row; 4*K*C bytes written a tap.
#include "kernels/cpu/training/taps.h"

#include <algorithm>
#include <map>
#include <vector>

#include "kernels/cpu/onednn.h"
#include "kernels/cpu/rounded_operand.h"

namespace adaq::cpu {
namespace {

using dnnl::memory;

constexpr int64_t kLargestMap = 16;      // positions
constexpr int64_t kFewestChannels = 64;  // below, a product is too small for a call

/// Positions [first, last) along one edge of the output whose input, `offset` further on at this stride, lies in a map
/// of `size`.
struct Range {
    int64_t first, last;

    Range(int64_t positions, int64_t stride, int64_t offset, int64_t size) : first(0), last(positions) {
        while (first < last && first * stride + offset < 0) ++first;
        while (last > first && (last - 1) * stride + offset >= size) --last;
    }
    int64_t count() const { return last - first; }
};

struct Tap {
    int64_t r, s;
    Range rows, columns;
};

class TapsStep : public Step {
  public:
    TapsStep(const Program& program, const ConvolutionToWeights& op, Math math)
        : op_(op),
          half_(math == Math::bf16),
          x_(program.shape(op.x)),
          w_(program.shape(op.dw)),
          y_(program.shape(op.dy)) {
        for (int64_t r = 0; r < w_[1]; ++r) {
            for (int64_t s = 0; s < w_[2]; ++s) {
                const Tap tap{
                    r, s, {y_[1], op.stride, r - op.padding, x_[1]}, {y_[2], op.stride, s - op.padding, x_[2]}};
                taps_.push_back(tap);
                if (rows_of(tap) > 0) prepare(rows_of(tap), operand_type(math));
            }
        }
    }

    int64_t scratch_floats() const override { return scratchpad_at() + scratchpad_floats_; }

    void run(const View& view) override {
        for (const Tap& tap : taps_) {
            float* dw = view.at(op_.dw) + (tap.r * w_[2] + tap.s) * w_[3];
            if (rows_of(tap) > 0) {
                copy_rows(tap, view);
                multiply(products_.at(rows_of(tap)), view.scratch(), dw);
            } else {
                for (int64_t k = 0; k < w_[0]; ++k) std::fill_n(dw + k * w_[1] * w_[2] * w_[3], w_[3], 0.0f);
            }
        }
    }

  private:
    struct Product {
        dnnl::matmul primitive;
        memory dy, x, dw, scratchpad;
    };

    int64_t rows_of(const Tap& tap) const { return y_[0] * tap.rows.count() * tap.columns.count(); }

    void prepare(int64_t rows, memory::data_type operand) {
        most_rows_ = std::max(most_rows_, rows);
        if (products_.count(rows)) return;
        const memory::desc dy({w_[0], rows}, operand, memory::dims{1, w_[0]}),
            x({rows, w_[3]}, operand, memory::dims{w_[3], 1}),
            dw({w_[0], w_[3]}, memory::data_type::f32, memory::dims{w_[1] * w_[2] * w_[3], 1});
        const auto desc = matrix_product_desc(dy, x, dw);
        const auto floats = static_cast<int64_t>(desc.scratchpad_desc().get_size() + 3) / 4;
        scratchpad_floats_ = std::max(scratchpad_floats_, floats);
        products_.emplace(rows, Product{dnnl::matmul(desc),
                                        {dy, engine(), nullptr},
                                        {x, engine(), nullptr},
                                        {dw, engine(), nullptr},
                                        {desc.scratchpad_desc(), engine(), nullptr}});
    }

    // The scratch memory: rows of dy, rows of x, oneDNN's scratchpad.
    int64_t floats_of(int64_t elements) const { return ((half_ ? (elements + 1) / 2 : elements) + 15) / 16 * 16; }
    int64_t x_at() const { return floats_of(most_rows_ * w_[0]); }
    int64_t scratchpad_at() const { return x_at() + floats_of(most_rows_ * w_[3]); }

    void copy_rows(const Tap& tap, const View& view) const {
        const float *dy = view.at(op_.dy), *x = view.at(op_.x);
        float *dy_rows = view.scratch(), *x_rows = view.scratch() + x_at();
        const int64_t columns = tap.columns.count(), of_image = tap.rows.count() * columns;
#pragma omp parallel for schedule(static)
        for (int64_t row = 0; row < y_[0] * of_image; ++row) {
            const int64_t n = row / of_image, p = tap.rows.first + row % of_image / columns,
                          q = tap.columns.first + row % columns, h = p * op_.stride + tap.r - op_.padding,
                          w = q * op_.stride + tap.s - op_.padding;
            copy(dy + ((n * y_[1] + p) * y_[2] + q) * y_[3], y_[3], row, dy_rows);
            copy(x + ((n * x_[1] + h) * x_[2] + w) * x_[3], x_[3], row, x_rows);
        }
    }
    void copy(const float* from, int64_t n, int64_t row, float* rows) const {
        if (half_)
            round_row_to_bf16(from, n, reinterpret_cast<bf16*>(rows) + row * n);
        else
            std::copy_n(from, n, rows + row * n);
    }

    void multiply(Product& product, float* scratch, float* dw) {
        product.dy.set_data_handle(scratch);
        product.x.set_data_handle(scratch + x_at());
        product.dw.set_data_handle(dw);
        product.scratchpad.set_data_handle(scratch + scratchpad_at());
        product.primitive.execute(stream_, {{DNNL_ARG_SRC, product.dy},
                                            {DNNL_ARG_WEIGHTS, product.x},
                                            {DNNL_ARG_DST, product.dw},
                                            {DNNL_ARG_SCRATCHPAD, product.scratchpad}});
        stream_.wait();
    }

    ConvolutionToWeights op_;
    bool half_;
    Shape x_, w_, y_;
    std::vector<Tap> taps_;
    int64_t most_rows_ = 0, scratchpad_floats_ = 0;
    dnnl::stream stream_{engine()};
    std::map<int64_t, Product> products_;  // by rows
};

}  // namespace

std::unique_ptr<Step> make_taps_step(const Program& program, const ConvolutionToWeights& op, Math math) {
    const Shape &w = program.shape(op.dw), &y = program.shape(op.dy);
    const bool fits = y[1] * y[2] <= kLargestMap && std::min(w[0], w[3]) >= kFewestChannels;
    return fits ? std::make_unique<TapsStep>(program, op, math) : nullptr;
}

}  // namespace adaq::cpu
