// Which instructions run is told as it is, and can be held back from outside.
#include "kernels/cpu/instruction_set.h"

#include <doctest/doctest.h>

#include "engine/error.h"
#include "engine/program/device.h"

using namespace adaq;

TEST_SUITE("cpu instruction set") {
    TEST_CASE("adaq's loops are the clones for what this processor has") {
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
        const bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
        const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                        __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
        CHECK(cpu::own_instruction_set() == (v4 ? "AVX-512" : v3 ? "AVX2" : "baseline"));
#else
        CHECK(cpu::own_instruction_set() == "baseline");
#endif
    }

    TEST_CASE("a device tells both instruction sets") {
        const std::string text = make_device("cpu", 1)->description();
        CHECK(text.find(std::string(cpu::own_instruction_set()) + ", ") != std::string::npos);
        CHECK(text.find(" (" + cpu::onednn_instruction_set() + ")") != std::string::npos);
    }

    TEST_CASE("bf16 is refused exactly where oneDNN does not multiply it, saying what it has") {
        if (cpu::multiplies_bf16()) {
            CHECK_NOTHROW(make_device("cpu", 1, Math::bf16));
        } else {
            CHECK_THROWS_WITH_AS(make_device("cpu", 1, Math::bf16),
                                 doctest::Contains(cpu::onednn_instruction_set().c_str()), UsageError);
        }
        CHECK((cpu::multiplies_bf16() || !cpu::multiplies_tiles()));
    }
}
