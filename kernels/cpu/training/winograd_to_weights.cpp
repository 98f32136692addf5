// The gradient to weights by Winograd's tiles (kernels/cpu/winograd_transform.h): a block of tiles' inputs and
// gradients are transformed, 36 matrix products [K, tiles] x [tiles, C] by oneDNN add up what a tile contributes, and
// their sums are transformed back once: 72*C*K flops a tile, where a direct sum takes 288*C*K.
#include <algorithm>

#include "kernels/cpu/instruction_set.h"
#include "kernels/cpu/onednn.h"
#include "kernels/cpu/training/compiled_operations.h"
#include "kernels/cpu/winograd.h"
#include "kernels/cpu/winograd_tiling.h"

namespace adaq::cpu {
namespace {

using namespace winograd;
using dnnl::memory;

constexpr int64_t kTilesOfABlock = 256;  // terms enough of each product's sums, and not more

class CompiledWinogradToWeights : public CompiledOperation {
  public:
    CompiledWinogradToWeights(const Program& program, const ConvolutionToWeights& op, const Tiling& tiling,
                              const OperationSetting& setting)
        : op_(op),
          tiling_(tiling),
          x_{nullptr, setting.math == Math::bf16, program.is_bf16(op.x)},
          dy_{nullptr, setting.math == Math::bf16, program.is_bf16(op.dy)},
          zeros_(std::max(tiling.c, tiling.k)) {
        std::fill_n(zeros_.data(), zeros_.size(), 0.0f);
        const memory::dim k = tiling.k, c = tiling.c, tiles = tiling.block;
        const memory::desc u({kPoints, k, tiles}, memory::data_type::f32, memory::dims{tiles * k, 1, k}),
            v({kPoints, tiles, c}, memory::data_type::f32, memory::format_tag::abc),
            m({kPoints, k, c}, memory::data_type::f32, memory::format_tag::abc);
        const auto desc = matrix_product_desc(u, v, m, true);
        primitive_ = dnnl::matmul(desc);
        const auto place = [](const memory::desc& layout) { return memory(layout, engine(), nullptr); };
        u_ = place(u), v_ = place(v), m_ = place(m), scratchpad_ = place(desc.scratchpad_desc());
    }

    int64_t scratch_floats() const override {
        return m_at() + kPoints * tiling_.k * tiling_.c + floats_of(scratchpad_.get_desc());
    }

    void run(const View& view) override {
        float *u = view.scratch(), *v = u + v_at(), *m = u + m_at();
        const int64_t sums = kPoints * tiling_.k * tiling_.c;
        u_.set_data_handle(u);
        v_.set_data_handle(v);
        m_.set_data_handle(m);
        scratchpad_.set_data_handle(m + sums);
        std::fill_n(m, sums, 0.0f);
        x_.values = view.at(op_.x);
        dy_.values = view.at(op_.dy);
        for (int64_t first = 0; first < tiling_.total; first += tiling_.block) {
            const int64_t tiles = std::min(tiling_.block, tiling_.total - first);
            read_gradients(tiling_, dy_, zeros_.data(), first, tiles, u, tiling_.block * tiling_.k);
            read_tiles(tiling_, x_, zeros_.data(), first, tiles, v, tiling_.block * tiling_.c);
            leave_out(tiles, u);
            primitive_.execute(
                stream_,
                {{DNNL_ARG_SRC, u_}, {DNNL_ARG_WEIGHTS, v_}, {DNNL_ARG_DST, m_}, {DNNL_ARG_SCRATCHPAD, scratchpad_}});
            stream_.wait();
        }
        transform_to_weights(m, tiling_.k, tiling_.c, view.at(op_.dw));
    }

  private:
    int64_t v_at() const { return kPoints * tiling_.block * tiling_.k; }
    int64_t m_at() const { return kPoints * tiling_.block * (tiling_.k + tiling_.c); }
    /// What the last of several blocks lacks of a whole one counts for nothing: its gradients are zero (its inputs are
    /// those of the block before).
    void leave_out(int64_t tiles, float* u) const {
        if (tiles == tiling_.block) return;
        for (int64_t point = 0; point < kPoints; ++point)
            std::fill_n(u + (point * tiling_.block + tiles) * tiling_.k, (tiling_.block - tiles) * tiling_.k, 0.0f);
    }

    ConvolutionToWeights op_;
    Tiling tiling_;
    Operand x_, dy_;
    AlignedFloats zeros_;
    dnnl::stream stream_{engine()};
    dnnl::matmul primitive_;
    memory u_, v_, m_, scratchpad_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_winograd(const Program& program, const ConvolutionToWeights& op,
                                                    const OperationSetting& setting) {
    const Shape& weight = program.shape(op.dw);
    if ((setting.math == Math::bf16 && multiplies_tiles()) || !fits(op, weight)) return nullptr;
    const Tiling tiling(program.shape(op.x), weight, setting.images, kTilesOfABlock * setting.threads);
    return tiling.gains(true) ? std::make_unique<CompiledWinogradToWeights>(program, op, tiling, setting) : nullptr;
}

}  // namespace adaq::cpu
