// See level.h.
#include "kernels/cpu/integer/level.h"

#include "engine/error.h"
#include "kernels/cpu/integer/instruction_files.h"
#include "kernels/cpu/onednn.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace adaq::cpu::integer {
namespace {

constexpr struct {
    std::string_view name;
    Level level;
} kNames[] = {{"baseline", Level::baseline},       {"avx2", Level::avx2},
              {"avx-vnni", Level::avx_vnni},       {"avx512", Level::avx512},
              {"avx512-vnni", Level::avx512_vnni}, {"amx", Level::amx}};

#if defined(__x86_64__)

struct Registers {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers features(unsigned leaf, unsigned subleaf) {
    Registers r;
    if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) return {};
    return r;
}

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

bool has_avx_vnni() {
    constexpr unsigned kAvxVnni = 1u << 4;
    return has_avx2() && (features(7, 1).eax & kAvxVnni) != 0;
}

bool has_avx512() {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

bool has_avx512_vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

/// Linux gives tile registers to processes that ask for them, and may refuse.
bool tiles_granted() {
#if defined(__linux__) && defined(SYS_arch_prctl)
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
    return false;
#endif
}

bool has_amx() {
    constexpr unsigned kTile = 1u << 24, kInt8 = 1u << 25;
    static const bool has =
        has_avx512_vnni() && (features(7, 0).edx & (kTile | kInt8)) == (kTile | kInt8) && tiles_granted();
    return has;
}

bool allowed(Level level) {
    switch (level) {
        case Level::amx:
            return onednn_has(dnnl::cpu_isa::avx512_core_amx);
        case Level::avx512_vnni:
            return onednn_has(dnnl::cpu_isa::avx512_core_vnni);
        case Level::avx512:
            return onednn_has(dnnl::cpu_isa::avx512_core);
        case Level::avx_vnni:
            return onednn_has(dnnl::cpu_isa::avx2_vnni);
        case Level::avx2:
            return onednn_has(dnnl::cpu_isa::avx2);
        default:
            return true;
    }
}

#else

bool allowed(Level level) { return level == Level::baseline; }

#endif

Level find_best() {
    // AVX-VNNI multiplies bytes, AVX-512 without VNNI 16-bit integers: as many a cycle.
    for (const Level level : {Level::amx, Level::avx512_vnni, Level::avx512, Level::avx_vnni, Level::avx2})
        if (runs(level) && allowed(level)) return level;
    return Level::baseline;
}

}  // namespace

bool runs(Level level) {
    switch (level) {
#if defined(__x86_64__)
        case Level::amx:
            return has_amx();
        case Level::avx512_vnni:
            return has_avx512_vnni();
        case Level::avx512:
            return has_avx512();
        case Level::avx_vnni:
            return has_avx_vnni();
        case Level::avx2:
            return has_avx2();
#endif
        default:
            return level == Level::baseline;
    }
}

Level best_level() {
    static const Level best = find_best();
    return best;
}

std::vector<Level> levels() {
    std::vector<Level> found;
    for (const auto& entry : kNames)
        if (runs(entry.level)) found.push_back(entry.level);
    return found;
}

Level level_named(std::string_view name) {
    for (const auto& entry : kNames)
        if (entry.name == name) return entry.level;
    usage_error("instruction set {}: none of baseline, avx2, avx-vnni, avx512, avx512-vnni, amx", name);
}

const Instructions& instructions(Level level) {
    require(runs(level), "integer kernels: this processor lacks instruction set {}", static_cast<int>(level));
    switch (level) {
#if defined(__x86_64__)
        case Level::amx:
            return amx_instructions();
        case Level::avx512_vnni:
            return avx512_vnni_instructions();
        case Level::avx512:
            return avx512_instructions();
        case Level::avx_vnni:
            return avx_vnni_instructions();
        case Level::avx2:
            return avx2_instructions();
#endif
        default:
            return baseline_instructions();
    }
}

}  // namespace adaq::cpu::integer
