// AVX2: products of 16-bit integers, which do not saturate (vpmaddubsw's sums of bytes' products would).
#include "kernels/cpu/integer/instruction_files.h"

#if defined(__x86_64__)
#include "kernels/cpu/integer/lanes_avx2.h"
#include "kernels/cpu/integer/winograd_blocks.h"

namespace adaq::cpu::integer {

const Instructions& avx2_instructions() {
    static constexpr Instructions kAll = instructions<Floats256, Singles256, Reals256>(
        "AVX2", product_kernels<Words256, Floats256>(), winograd_of_words<Words256, Floats256>());
    return kAll;
}

}  // namespace adaq::cpu::integer
#endif
