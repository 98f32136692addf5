// Atomic operations on integers. There are none on floats: their sums would depend on the order of threads.
#pragma once

#include <concepts>
#include <cstdint>

namespace adaq::emulator {

template <typename T>
concept AtomicInteger = std::same_as<T, int> || std::same_as<T, unsigned> || std::same_as<T, unsigned long long>;

template <AtomicInteger T>
T atomic_add(T* at, T value);
template <AtomicInteger T>
T atomic_max(T* at, T value);
template <AtomicInteger T>
T atomic_min(T* at, T value);
template <AtomicInteger T>
T atomic_or(T* at, T value);
template <AtomicInteger T>
T atomic_and(T* at, T value);
template <AtomicInteger T>
T atomic_exchange(T* at, T value);
template <AtomicInteger T>
T atomic_compare_exchange(T* at, T expected, T value);

void fence();

}  // namespace adaq::emulator

/// CUDA's name of an atomic operation of two values.
#define ADAQ_ATOMIC(Name, operation)                 \
    template <adaq::emulator::AtomicInteger T>       \
    T Name(T* at, std::type_identity_t<T> value) {   \
        return adaq::emulator::operation(at, value); \
    }
ADAQ_ATOMIC(atomicAdd, atomic_add)
ADAQ_ATOMIC(atomicMax, atomic_max)
ADAQ_ATOMIC(atomicMin, atomic_min)
ADAQ_ATOMIC(atomicOr, atomic_or)
ADAQ_ATOMIC(atomicAnd, atomic_and)
ADAQ_ATOMIC(atomicExch, atomic_exchange)
#undef ADAQ_ATOMIC

template <adaq::emulator::AtomicInteger T>
T atomicSub(T* at, std::type_identity_t<T> value) {
    return adaq::emulator::atomic_add(at, static_cast<T>(T{0} - value));
}
template <adaq::emulator::AtomicInteger T>
T atomicCAS(T* at, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
    return adaq::emulator::atomic_compare_exchange(at, expected, value);
}

inline void __threadfence() { adaq::emulator::fence(); }
inline void __threadfence_block() {}
