// Plain C++, for processors that have none of the others.
#include "kernels/cpu/integer/instruction_files.h"
#include "kernels/cpu/integer/twin.h"

namespace adaq::cpu::integer {

const Instructions& baseline_instructions() {
    using Floats = FloatsTwin<8>;
    static constexpr Instructions kAll{"baseline", product_kernels<WordsTwin<8, 1>, Floats>(),
                                       product_kernels<SinglesTwin<8, 1>, Floats>(),
                                       product_kernels<RealsTwin<4, 1>, Floats>(), pointwise<Floats>};
    return kAll;
}

}  // namespace adaq::cpu::integer
