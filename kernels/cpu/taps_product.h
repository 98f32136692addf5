// The matrix products of a convolution's taps: one oneDNN primitive for each number of rows that there is.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>

#include "kernels/cpu/onednn.h"
#include "kernels/cpu/taps.h"

namespace adaq::cpu {

class TapsProduct {
  public:
    struct Layouts {
        dnnl::memory::desc a, b, product;
    };
    /// layouts: of the operands and the product of a tap with so many rows. Each lane (plan.h) has places of its own.
    TapsProduct(const Taps& taps, const std::function<Layouts(int64_t rows)>& layouts, int lanes = 1) {
        for (const Tap& tap : taps.list()) {
            const int64_t rows = taps.rows_of(tap);
            if (rows == 0 || primitives_.count(rows)) continue;
            const Layouts l = layouts(rows);
            const auto desc = matrix_product_desc(l.a, l.b, l.product);
            scratch_floats_ = std::max(scratch_floats_, floats_of(desc.scratchpad_desc()));
            const auto place = [](const dnnl::memory::desc& layout) { return dnnl::memory(layout, engine(), nullptr); };
            Primitive primitive{dnnl::matmul(desc), desc.weights_desc(), {}};
            for (int lane = 0; lane < lanes; ++lane)
                primitive.lanes.push_back({dnnl::stream(engine()), place(l.a), place(desc.weights_desc()),
                                           place(l.product), place(desc.scratchpad_desc())});
            primitives_.emplace(rows, std::move(primitive));
        }
    }

    int64_t scratch_floats() const { return scratch_floats_; }
    /// Of the second operand, where it was left to oneDNN.
    const dnnl::memory::desc& layout_of_b(int64_t rows) const { return primitives_.at(rows).b; }

    void multiply(int64_t rows, void* a, void* b, float* product, float* scratch, int lane = 0) {
        Primitive& primitive = primitives_.at(rows);
        Places& p = primitive.lanes[lane];
        p.a.set_data_handle(a);
        p.b.set_data_handle(b);
        p.product.set_data_handle(product);
        p.scratchpad.set_data_handle(scratch);
        primitive.primitive.execute(p.stream, {{DNNL_ARG_SRC, p.a},
                                               {DNNL_ARG_WEIGHTS, p.b},
                                               {DNNL_ARG_DST, p.product},
                                               {DNNL_ARG_SCRATCHPAD, p.scratchpad}});
        p.stream.wait();
    }

  private:
    struct Places {
        dnnl::stream stream;
        dnnl::memory a, b, product, scratchpad;
    };
    struct Primitive {
        dnnl::matmul primitive;
        dnnl::memory::desc b;
        std::vector<Places> lanes;
    };
    int64_t scratch_floats_ = 0;
    std::map<int64_t, Primitive> primitives_;  // by rows
};

}  // namespace adaq::cpu
