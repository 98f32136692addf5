// See sets.h.
#include "kernels/cpu/integer/twin.h"
#include "kernels/cpu/integer/winograd_blocks.h"

#include "kernels/cpu/integer/sets.h"

namespace adaq::test {

using namespace cpu::integer;

std::vector<const Instructions*> twins() {
    using Dots512 = FloatsTwin<16, true>;
    using Dots256 = FloatsTwin<8, true>;
    using Floats512 = FloatsTwin<16>;
    using Floats256 = FloatsTwin<8>;
    using Singles512 = SinglesTwin<16, 7>;
    using Singles256 = SinglesTwin<8, 3>;
    using Reals512 = RealsTwin<8, 7>;
    using Reals256 = RealsTwin<4, 3>;
    static constexpr Instructions kAll[] = {
        instructions<Dots512, Singles512, Reals512>("AVX-512 VNNI's twin", product_kernels<BytesTwin<16, 7>, Dots512>(),
                                                    winograd_of_words<WordsTwin<16, 7>, Dots512>(),
                                                    winograd_of_bytes<BytesTwin<16, 7>, Dots512>()),
        instructions<Floats512, Singles512, Reals512>("AVX-512's twin", product_kernels<WordsTwin<16, 7>, Floats512>(),
                                                      winograd_of_words<WordsTwin<16, 7>, Floats512>()),
        instructions<Dots256, Singles256, Reals256>("AVX-VNNI's twin", product_kernels<BytesTwin<8, 3>, Dots256>(),
                                                    winograd_of_words<WordsTwin<8, 3>, Dots256>(),
                                                    winograd_of_bytes<BytesTwin<8, 3>, Dots256>()),
        instructions<Floats256, Singles256, Reals256>("AVX2's twin", product_kernels<WordsTwin<8, 3>, Floats256>(),
                                                      winograd_of_words<WordsTwin<8, 3>, Floats256>()),
        instructions<FloatsTwin<4>, SinglesTwin<4, 3>, RealsTwin<2, 3>>(
            "the baseline's twin", product_kernels<WordsTwin<4, 3>, FloatsTwin<4>>()),
        instructions<Dots512, Singles512, Reals512>("AMX's twin", matrix_kernels<TilesTwin, Dots512>())};
    std::vector<const Instructions*> all;
    for (const Instructions& set : kAll) all.push_back(&set);
    return all;
}

}  // namespace adaq::test
