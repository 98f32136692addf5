// AVX-VNNI: AVX-512 VNNI's products of bytes in 256 bits, for processors without AVX-512.
#include "kernels/cpu/integer/instruction_files.h"

#if defined(__x86_64__)
#include "kernels/cpu/integer/lanes_avx2.h"
#include "kernels/cpu/integer/winograd_blocks.h"

namespace adaq::cpu::integer {

const Instructions& avx_vnni_instructions() {
    static constexpr Instructions kAll = instructions<Floats256, Singles256, Reals256>(
        "AVX-VNNI", product_kernels<Bytes256, Floats256>(), winograd_of_words<Words256, Floats256>(),
        winograd_of_bytes<Bytes256, Floats256>());
    return kAll;
}

}  // namespace adaq::cpu::integer
#endif
