// AVX-512 VNNI: vpdpbusd adds four products of bytes to 32 bits at once, and saturates nowhere.
#include "kernels/cpu/integer/instruction_files.h"

#if defined(__x86_64__)
#include "kernels/cpu/integer/lanes_avx512.h"

namespace adaq::cpu::integer {
namespace {

struct Bytes512 : Integers512 {
    static constexpr Element kElement = Element::byte;
    static constexpr int kDepth = 4;
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm512_dpbusd_epi32(sum, x, w); }
};

}  // namespace

const Instructions& avx512_vnni_instructions() {
    static constexpr Instructions kAll{"AVX-512 VNNI",
                                       product_kernels<Bytes512, Floats512>(),
                                       product_kernels<Singles512, Floats512>(),
                                       product_kernels<Reals512, Floats512>(),
                                       pointwise<Floats512>,
                                       kDepthwiseGroup<Floats512>,
                                       depthwise<Floats512>};
    return kAll;
}

}  // namespace adaq::cpu::integer
#endif
