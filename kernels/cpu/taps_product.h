// The matrix products of a convolution's taps: one oneDNN primitive for each number of rows that there is.
#pragma once

#include <functional>
#include <map>

#include "kernels/cpu/onednn.h"
#include "kernels/cpu/taps.h"

namespace adaq::cpu {

class TapsProduct {
  public:
    struct Layouts {
        dnnl::memory::desc a, b, product;
    };
    /// layouts: of the operands and the product of a tap with so many rows.
    TapsProduct(const Taps& taps, const std::function<Layouts(int64_t rows)>& layouts) {
        for (const Tap& tap : taps.list()) {
            const int64_t rows = taps.rows_of(tap);
            if (rows == 0 || primitives_.count(rows)) continue;
            const Layouts l = layouts(rows);
            const auto desc = matrix_product_desc(l.a, l.b, l.product);
            const auto scratchpad = desc.scratchpad_desc();
            scratch_floats_ = std::max(scratch_floats_, floats_of(scratchpad));
            const auto place = [](const dnnl::memory::desc& layout) { return dnnl::memory(layout, engine(), nullptr); };
            primitives_.emplace(
                rows, Primitive{dnnl::matmul(desc), place(l.a), place(l.b), place(l.product), place(scratchpad)});
        }
    }

    int64_t scratch_floats() const { return scratch_floats_; }

    void multiply(int64_t rows, void* a, void* b, float* product, float* scratch) {
        Primitive& p = primitives_.at(rows);
        p.a.set_data_handle(a);
        p.b.set_data_handle(b);
        p.product.set_data_handle(product);
        p.scratchpad.set_data_handle(scratch);
        p.primitive.execute(stream_, {{DNNL_ARG_SRC, p.a},
                                      {DNNL_ARG_WEIGHTS, p.b},
                                      {DNNL_ARG_DST, p.product},
                                      {DNNL_ARG_SCRATCHPAD, p.scratchpad}});
        stream_.wait();
    }

  private:
    struct Primitive {
        dnnl::matmul primitive;
        dnnl::memory a, b, product, scratchpad;
    };
    int64_t scratch_floats_ = 0;
    dnnl::stream stream_{engine()};
    std::map<int64_t, Primitive> primitives_;  // by rows
};

}  // namespace adaq::cpu
