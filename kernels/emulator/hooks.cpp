// What the compiler calls before every access to memory in code compiled with -fsanitize=thread, and where
// -fsanitize=alignment finds a pointer that is not aligned. The .cu files are compiled so; ThreadSanitizer's own
// library is not linked: these take its place.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "kernels/emulator/checker.h"
#include "kernels/emulator/misuse.h"

using adaq::emulator::Access;
using adaq::emulator::check;

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}

#define ADAQ_HOOKS(BYTES)                                                                                     \
    void __tsan_read##BYTES(void* p) { check(p, BYTES, Access::read, __builtin_return_address(0)); }          \
    void __tsan_write##BYTES(void* p) { check(p, BYTES, Access::write, __builtin_return_address(0)); }        \
    void __tsan_volatile_read##BYTES(void* p) { check(p, BYTES, Access::read, __builtin_return_address(0)); } \
    void __tsan_volatile_write##BYTES(void* p) { check(p, BYTES, Access::write, __builtin_return_address(0)); }
ADAQ_HOOKS(1)
ADAQ_HOOKS(2)
ADAQ_HOOKS(4)
ADAQ_HOOKS(8)
ADAQ_HOOKS(16)
#undef ADAQ_HOOKS

#define ADAQ_HOOKS(BYTES)                                                                                      \
    void __tsan_unaligned_read##BYTES(void* p) { check(p, BYTES, Access::read, __builtin_return_address(0)); } \
    void __tsan_unaligned_write##BYTES(void* p) { check(p, BYTES, Access::write, __builtin_return_address(0)); }
ADAQ_HOOKS(2)
ADAQ_HOOKS(4)
ADAQ_HOOKS(8)
ADAQ_HOOKS(16)
#undef ADAQ_HOOKS

void __tsan_read_range(void* p, size_t bytes) { check(p, bytes, Access::read, __builtin_return_address(0)); }
void __tsan_write_range(void* p, size_t bytes) { check(p, bytes, Access::write, __builtin_return_address(0)); }

// Host code in the .cu files (reference counts and the like) comes here for its atomics; kernels use atomics.h.
#define ADAQ_ATOMICS(BITS)                                                                                             \
    using Word##BITS = uint##BITS##_t;                                                                                 \
    Word##BITS __tsan_atomic##BITS##_load(const volatile Word##BITS* p, int) {                                         \
        return __atomic_load_n(p, __ATOMIC_SEQ_CST);                                                                   \
    }                                                                                                                  \
    void __tsan_atomic##BITS##_store(volatile Word##BITS* p, Word##BITS v, int) {                                      \
        __atomic_store_n(p, v, __ATOMIC_SEQ_CST);                                                                      \
    }                                                                                                                  \
    Word##BITS __tsan_atomic##BITS##_exchange(volatile Word##BITS* p, Word##BITS v, int) {                             \
        return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                                            \
    }                                                                                                                  \
    Word##BITS __tsan_atomic##BITS##_fetch_add(volatile Word##BITS* p, Word##BITS v, int) {                            \
        return __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    Word##BITS __tsan_atomic##BITS##_fetch_sub(volatile Word##BITS* p, Word##BITS v, int) {                            \
        return __atomic_fetch_sub(p, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    Word##BITS __tsan_atomic##BITS##_fetch_and(volatile Word##BITS* p, Word##BITS v, int) {                            \
        return __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    Word##BITS __tsan_atomic##BITS##_fetch_or(volatile Word##BITS* p, Word##BITS v, int) {                             \
        return __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);                                                              \
    }                                                                                                                  \
    Word##BITS __tsan_atomic##BITS##_fetch_xor(volatile Word##BITS* p, Word##BITS v, int) {                            \
        return __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);                                                             \
    }                                                                                                                  \
    int __tsan_atomic##BITS##_compare_exchange_strong(volatile Word##BITS* p, Word##BITS* e, Word##BITS v, int, int) { \
        return __atomic_compare_exchange_n(p, e, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                        \
    }                                                                                                                  \
    int __tsan_atomic##BITS##_compare_exchange_weak(volatile Word##BITS* p, Word##BITS* e, Word##BITS v, int, int) {   \
        return __atomic_compare_exchange_n(p, e, v, true, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                         \
    }
ADAQ_ATOMICS(8)
ADAQ_ATOMICS(16)
ADAQ_ATOMICS(32)
ADAQ_ATOMICS(64)
#undef ADAQ_ATOMICS

void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
void __tsan_atomic_signal_fence(int) {}

/// The layout that -fsanitize=alignment passes (GCC's and Clang's are the same).
struct TypeMismatch {
    const char* file;
    uint32_t line, column;
    const void* type;
    uint8_t log_alignment, kind;
};

void __ubsan_handle_type_mismatch_v1(TypeMismatch* found, uintptr_t address) {
    adaq::emulator::fail("unaligned: an access at {}:{} to an address that {} does not divide (address {:#x})",
                         found->file, found->line, 1u << found->log_alignment, address);
}
void __ubsan_handle_type_mismatch_v1_abort(TypeMismatch* found, uintptr_t address) {
    __ubsan_handle_type_mismatch_v1(found, address);
    std::abort();
}

}  // extern "C"
