// libFuzzer's door to one target, which the build names: ADAQ_FUZZ_TARGET.
#include <cstddef>

#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const adaq::fuzz::Target& target = adaq::fuzz::target(ADAQ_FUZZ_TARGET);
    target.run({data, size});
    return 0;
}
