// Tiles of 4x4 outputs go through in blocks: transform the inputs (winograd_transform.h), 36 matrix products
// [tiles, C] x [C, K] (winograd_products.h), transform back with shift, residual and activation. A block's intermediate
// values, 36 * (C + K) floats a tile, are written and read once each, mostly within the second-level cache.
#include "kernels/cpu/winograd.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "kernels/cpu/pointwise.h"
#include "kernels/cpu/training/activation.h"
#include "kernels/cpu/winograd_products.h"
#include "kernels/cpu/winograd_tiling.h"
#include "kernels/cpu/winograd_transform.h"

namespace adaq::cpu {
namespace {

using namespace winograd;

constexpr int64_t kTilesOfABlock = 64;  // rows enough for fast matrix products, and not more

/// From a point to the next: a line more than its values, for 36 places at a distance of a power of two would share few
/// sets of a cache.
int64_t padded(int64_t floats) { return floats + 16; }

/// t[C][3][3][K] = w[K][2-r][2-s][C].
void turn(const float* w, int64_t k, int64_t c, float* t) {
    constexpr int64_t kTaps = 9, kSquare = 16;  // both channels are multiples of it
#pragma omp parallel for schedule(static) collapse(2)
    for (int64_t tap = 0; tap < kTaps; ++tap) {
        for (int64_t c0 = 0; c0 < c; c0 += kSquare) {
            for (int64_t k0 = 0; k0 < k; k0 += kSquare) {
                for (int64_t i = c0; i < c0 + kSquare; ++i)
                    for (int64_t j = k0; j < k0 + kSquare; ++j)
                        t[(i * kTaps + tap) * k + j] = w[(j * kTaps + kTaps - 1 - tap) * c + i];
            }
        }
    }
}

class CompiledWinograd : public CompiledOperation {
  public:
    /// turned: the weights are those of a convolution whose gradient to data this is, [C][3][3][K].
    CompiledWinograd(const Convolution& op, const Tiling& tiling, bool turned = false)
        : op_(op),
          tiling_(tiling),
          zeros_(tiling.c),
          u_point_(padded(tiling.c * tiling.k)),
          v_point_(padded(tiling.block * tiling.c)),
          m_point_(padded(tiling.block * tiling.k)),
          weights_(kPoints * u_point_),
          turned_(turned ? 9 * tiling.c * tiling.k : 0) {
        std::fill_n(zeros_.data(), zeros_.size(), 0.0f);
    }

    int64_t scratch_floats() const override { return kPoints * (v_point_ + m_point_); }

    void refresh(const View& view) override {
        const TensorId scale = op_.epilogue.scale;
        const Versions versions{view.version(op_.w), scale == kNone ? 0 : view.version(scale)};
        if (versions_ == versions) return;
        const float* w = view.at(op_.w);
        if (turned_.size() > 0) {
            turn(w, tiling_.c, tiling_.k, turned_.data());
            w = turned_.data();
        }
        transform_weights(w, view.at(scale), tiling_.k, tiling_.c, weights_.data(), u_point_);
        versions_ = versions;
    }

    void run(const View& view) override {
        float* v = view.scratch();
        float* m = v + kPoints * v_point_;
        for (int64_t first = 0; first < tiling_.total; first += tiling_.block) {
            const int64_t tiles = std::min(tiling_.block, tiling_.total - first);
            read_tiles(tiling_, {view.at(op_.x)}, zeros_.data(), first, tiles, v, v_point_);
            multiply({kPoints, tiles, tiling_.c, tiling_.k, v, v_point_, weights_.data(), u_point_, m, m_point_},
                     kernel_);
            write_tiles(view, first, tiles, m);
        }
        if (op_.epilogue.quantiser) {
            finish_epilogue(op_.epilogue, view, tiling_.images * tiling_.h * tiling_.w * tiling_.k, view.at(op_.y),
                            view.at(op_.y));
        }
    }

  private:
    using Versions = std::pair<uint64_t, uint64_t>;  // of the weights and the scale

    void write_tiles(const View& view, int64_t first, int64_t tiles, const float* m) const {
        const Epilogue& e = op_.epilogue;
        const bool complete = !e.quantiser;
        const Output output{view.at(e.shift), e.residual_scale, complete ? e.activation : Activation::none()};
        const float* residual = complete ? view.at(e.residual) : nullptr;
        float* y = view.at(op_.y);
#pragma omp parallel for schedule(static)
        for (int64_t t = 0; t < tiles; ++t) {
            const Tiling::Corner at = tiling_.corner(first + t);
            const int64_t offset = tiling_.position(at.image, at.row, at.column) * tiling_.k;
            const OutputTile target{y + offset, residual ? residual + offset : nullptr, tiling_.w * tiling_.k,
                                    static_cast<int>(std::min<int64_t>(kOutputs, tiling_.h - at.row)),
                                    static_cast<int>(std::min<int64_t>(kOutputs, tiling_.w - at.column))};
            transform_output(m + t * tiling_.k, m_point_, tiling_.k, output, target);
        }
    }

    Convolution op_;
    Tiling tiling_;
    MultiplyPanel kernel_ = panel_kernel();
    AlignedFloats zeros_;
    int64_t u_point_, v_point_, m_point_;  // floats from a point to the next: of weights, inputs and products
    AlignedFloats weights_, turned_;
    std::optional<Versions> versions_;  // of what weights_ was made from
};

class CompiledWinogradToData : public CompiledOperation {
  public:
    CompiledWinogradToData(const ConvolutionToData& op, const Tiling& tiling)
        : op_(op),
          count_(tiling.images * tiling.h * tiling.w * tiling.k),
          sums_(Convolution{op.dy, op.w, op.dx, ConvolutionWindow::square(1, 1)}, tiling, true) {}

    int64_t scratch_floats() const override { return sums_.scratch_floats(); }
    void refresh(const View& view) override { sums_.refresh(view); }
    void run(const View& view) override {
        sums_.run(view);
        finish_gradient(op_, view, count_, view.at(op_.dx));
    }

  private:
    ConvolutionToData op_;
    int64_t count_;
    CompiledWinograd sums_;
};

}  // namespace

std::unique_ptr<CompiledOperation> compile_winograd(const Program& program, const Convolution& op,
                                                    const OperationSetting& setting) {
    const Shape& weight = program.shape(op.w);
    if (!setting.of_values || setting.math != Math::f32 || !fits(op, weight)) return nullptr;
    const Tiling tiling(program.shape(op.x), weight, setting.images, kTilesOfABlock * setting.threads);
    if (!tiling.gains(setting.weights_change)) return nullptr;
    return std::make_unique<CompiledWinograd>(op, tiling);
}

std::unique_ptr<CompiledOperation> compile_winograd(const Program& program, const ConvolutionToData& op,
                                                    const OperationSetting& setting) {
    const Shape& weight = program.shape(op.w);
    if (setting.math != Math::f32 || !fits(op, weight)) return nullptr;
    const Shape turned{weight[3], 3, 3, weight[0]};
    const Tiling tiling(program.shape(op.dy), turned, setting.images, kTilesOfABlock * setting.threads);
    if (!tiling.gains(setting.weights_change)) return nullptr;
    return std::make_unique<CompiledWinogradToData>(op, tiling);
}

}  // namespace adaq::cpu
