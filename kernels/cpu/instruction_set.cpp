// See instruction_set.h.
#include "kernels/cpu/instruction_set.h"

#include <fmt/format.h>

#include "kernels/cpu/onednn.h"
#include "kernels/cpu/vectorise.h"

#if __has_include(<sys/platform/x86.h>) && !defined(__clang__)  // glibc 2.36 means it for C and GCC
#include <sys/platform/x86.h>
#endif

namespace adaq::cpu {
namespace {

std::string name_of(dnnl::cpu_isa isa) {
    switch (isa) {
        case dnnl::cpu_isa::all:
            return "baseline";
        case dnnl::cpu_isa::sse41:
            return "SSE41";
        case dnnl::cpu_isa::avx:
            return "AVX";
        case dnnl::cpu_isa::avx2:
            return "AVX2";
        case dnnl::cpu_isa::avx2_vnni:
            return "AVX2_VNNI";
        case dnnl::cpu_isa::avx512_core:
            return "AVX512_CORE";
        case dnnl::cpu_isa::avx512_core_vnni:
            return "AVX512_CORE_VNNI";
        case dnnl::cpu_isa::avx512_core_bf16:
            return "AVX512_CORE_BF16";
        case dnnl::cpu_isa::avx512_core_amx:
            return "AVX512_CORE_AMX";
#if DNNL_VERSION_MAJOR >= 3
        case dnnl::cpu_isa::avx512_core_fp16:
            return "AVX512_CORE_FP16";
#endif
        default:  // one that came with a later oneDNN
            return fmt::format("instruction set {:#x}", static_cast<unsigned>(isa));
    }
}

#if defined(ADAQ_HAS_CLONES) && !defined(__clang__)
// Functions of one name for several instruction sets are chosen among as clones are: these tell which it was.
__attribute__((target("default"))) std::string_view clone() { return "baseline"; }
__attribute__((target("arch=x86-64-v3"))) std::string_view clone() { return "AVX2"; }
__attribute__((target("arch=x86-64-v4"))) std::string_view clone() { return "AVX-512"; }
#elif defined(ADAQ_HAS_CLONES)
// Clang 14 clones by level, but has no such functions.
std::string_view clone() {
    if (__builtin_cpu_supports("avx512bw")) return "AVX-512";
    return __builtin_cpu_supports("avx2") ? "AVX2" : "baseline";
}
#else
std::string_view clone() { return "baseline"; }
#endif

}  // namespace

std::string_view own_instruction_set() { return clone(); }

std::string onednn_instruction_set() {
    std::string text = name_of(dnnl::get_effective_cpu_isa());
    if (dnnl::get_cpu_isa_hints() == dnnl::cpu_isa_hints::prefer_ymm) text += ", prefers YMM";
    switch (dnnl::get_default_fpmath_mode()) {
        case dnnl::fpmath_mode::strict:
            return text;
        case dnnl::fpmath_mode::bf16:
            return text + ", products in bf16";
        case dnnl::fpmath_mode::f16:
            return text + ", products in f16";
        default:
            return text + ", products in any type";
    }
}

bool c_library_fuses() {
#if defined(CPU_FEATURE_ACTIVE)
    return CPU_FEATURE_ACTIVE(FMA) && CPU_FEATURE_ACTIVE(AVX2);  // what glibc asks
#else
    return true;
#endif
}

bool multiplies_bf16() { return onednn_has(dnnl::cpu_isa::avx512_core_bf16); }

bool multiplies_tiles() { return onednn_has(dnnl::cpu_isa::avx512_core_amx); }

}  // namespace adaq::cpu
