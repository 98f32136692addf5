// AVX-512 VNNI: vpdpbusd adds four products of bytes to 32 bits at once, and saturates nowhere.
#include "kernels/cpu/integer/instruction_files.h"

#if defined(__x86_64__)
#include "kernels/cpu/integer/lanes_avx512.h"
#include "kernels/cpu/integer/winograd_blocks.h"

namespace adaq::cpu::integer {

const Instructions& avx512_vnni_instructions() {
    static constexpr Instructions kAll = instructions<Floats512, Singles512, Reals512>(
        "AVX-512 VNNI", product_kernels<Bytes512, Floats512>(), winograd_of_words<Words512, Floats512>(),
        winograd_of_bytes<Bytes512, Floats512>());
    return kAll;
}

}  // namespace adaq::cpu::integer
#endif
