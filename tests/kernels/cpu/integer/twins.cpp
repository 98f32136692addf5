// See sets.h.
#include "kernels/cpu/integer/twin.h"

#include "kernels/cpu/integer/sets.h"

namespace adaq::test {

using namespace cpu::integer;

std::vector<const Instructions*> twins() {
    using Floats512 = FloatsTwin<16>;
    using Floats256 = FloatsTwin<8>;
    static constexpr ProductKernels kSingles512 = product_kernels<SinglesTwin<16, 7>, Floats512>(),
                                    kReals512 = product_kernels<RealsTwin<8, 7>, Floats512>(),
                                    kSingles256 = product_kernels<SinglesTwin<8, 3>, Floats256>(),
                                    kReals256 = product_kernels<RealsTwin<4, 3>, Floats256>();
    static constexpr Instructions kAll[] = {
        {"AVX-512 VNNI's twin", product_kernels<BytesTwin<16, 7>, Floats512>(), kSingles512, kReals512,
         pointwise<Floats512>, kDepthwiseGroup<Floats512>, depthwise<Floats512>},
        {"AVX-512's twin", product_kernels<WordsTwin<16, 7>, Floats512>(), kSingles512, kReals512, pointwise<Floats512>,
         kDepthwiseGroup<Floats512>, depthwise<Floats512>},
        {"AVX-VNNI's twin", product_kernels<BytesTwin<8, 3>, Floats256>(), kSingles256, kReals256, pointwise<Floats256>,
         kDepthwiseGroup<Floats256>, depthwise<Floats256>},
        {"AVX2's twin", product_kernels<WordsTwin<8, 3>, Floats256>(), kSingles256, kReals256, pointwise<Floats256>,
         kDepthwiseGroup<Floats256>, depthwise<Floats256>},
        {"the baseline's twin", product_kernels<WordsTwin<4, 3>, FloatsTwin<4>>(),
         product_kernels<SinglesTwin<4, 3>, FloatsTwin<4>>(), product_kernels<RealsTwin<2, 3>, FloatsTwin<4>>(),
         pointwise<FloatsTwin<4>>, kDepthwiseGroup<FloatsTwin<4>>, depthwise<FloatsTwin<4>>},
        {"AMX's twin", matrix_kernels<TilesTwin, Floats512>(), kSingles512, kReals512, pointwise<Floats512>,
         kDepthwiseGroup<Floats512>, depthwise<Floats512>}};
    std::vector<const Instructions*> all;
    for (const Instructions& set : kAll) all.push_back(&set);
    return all;
}

}  // namespace adaq::test
