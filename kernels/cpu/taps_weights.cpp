#include "kernels/cpu/taps_weights.h"

#include "kernels/cpu/bf16_rows.h"
#include "kernels/cpu/rounded_operand.h"

namespace adaq::cpu {

using dnnl::memory;

TapsWeights::TapsWeights(const Shape& w, Order order, Math math, bool constant)
    : w_(w),
      order_(order),
      half_(math == Math::bf16),
      constant_(constant),
      rounded_(half_ && !constant ? room_for(w[0] * w[3], true) : 0) {}

memory::desc TapsWeights::matrix(memory::data_type type, int64_t of_k) const {
    const memory::dim k = w_[0], c = w_[3];
    return order_ == Order::ck ? memory::desc({c, k}, type, memory::dims{1, of_k})
                               : memory::desc({k, c}, type, memory::dims{of_k, 1});
}

memory::desc TapsWeights::layout() const {
    const auto type = half_ ? memory::data_type::bf16 : memory::data_type::f32;
    if (!constant_) return matrix(type, half_ ? w_[3] : of_k());
    const memory::dim k = w_[0], c = w_[3];
    return {order_ == Order::ck ? memory::dims{c, k} : memory::dims{k, c}, type, memory::format_tag::any};
}

void TapsWeights::refresh(const Taps& taps, const TapsProduct& product, uint64_t version, float* w) {
    if (!constant_ || version_ == version) return;
    version_ = version;
    dnnl::stream stream(engine());
    for (const Tap& tap : taps.list()) {
        if (tap.of_image == 0) continue;
        memory& copy =
            copies_.try_emplace(index_of(tap), product.layout_of_b(taps.rows_of(tap)), engine()).first->second;
        memory plain(matrix(memory::data_type::f32, of_k()), engine(), w + index_of(tap) * w_[3]);
        dnnl::reorder(plain, copy).execute(stream, plain, copy);
    }
    stream.wait();
}

void* TapsWeights::of(const Tap& tap, float* w) {
    if (constant_) return copies_.at(index_of(tap)).get_data_handle();
    float* const values = w + index_of(tap) * w_[3];
    if (!half_) return values;
    auto* const rounded = reinterpret_cast<bf16*>(rounded_.data());
#pragma omp parallel for schedule(static)
    for (int64_t k = 0; k < w_[0]; ++k) round_row_to_bf16(values + k * of_k(), w_[3], rounded + k * w_[3]);
    return rounded;
}

}  // namespace adaq::cpu
