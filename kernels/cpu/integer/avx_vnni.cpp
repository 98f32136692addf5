// AVX-VNNI: AVX-512 VNNI's products of bytes in 256 bits, for processors without AVX-512.
#include "kernels/cpu/integer/instruction_files.h"

#if defined(__x86_64__)
#include "kernels/cpu/integer/lanes_avx2.h"

namespace adaq::cpu::integer {
namespace {

struct Bytes256 : Integers256 {
    static constexpr Element kElement = Element::byte;
    static constexpr int kDepth = 4;
    static Sums multiply_add(Sums sum, Elements x, Weights w) { return _mm256_dpbusd_avx_epi32(sum, x, w); }
};

}  // namespace

const Instructions& avx_vnni_instructions() {
    static constexpr Instructions kAll{"AVX-VNNI",
                                       product_kernels<Bytes256, Floats256>(),
                                       product_kernels<Singles256, Floats256>(),
                                       product_kernels<Reals256, Floats256>(),
                                       pointwise<Floats256>,
                                       kDepthwiseGroup<Floats256>,
                                       depthwise<Floats256>};
    return kAll;
}

}  // namespace adaq::cpu::integer
#endif
