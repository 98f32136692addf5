// Atomic operations: one OS thread runs all threads of a grid, so plain ones will do, once the access is recorded.
#include "kernels/emulator/atomics.h"

#include <algorithm>

#include "kernels/emulator/access.h"

namespace adaq::emulator {
namespace {

template <typename T, typename Change>
T update(T* at, Change change) {
    check_access(at, sizeof(T), Access::atomic);
    const T old = *at;
    *at = change(old);
    return old;
}

unsigned long long wrap(unsigned long long a, unsigned long long b) { return a + b; }
unsigned wrap(unsigned a, unsigned b) { return a + b; }
int wrap(int a, int b) { return static_cast<int>(static_cast<unsigned>(a) + static_cast<unsigned>(b)); }

}  // namespace

template <AtomicInteger T>
T atomic_add(T* at, T value) {
    return update(at, [=](T old) { return wrap(old, value); });
}
template <AtomicInteger T>
T atomic_max(T* at, T value) {
    return update(at, [=](T old) { return std::max(old, value); });
}
template <AtomicInteger T>
T atomic_min(T* at, T value) {
    return update(at, [=](T old) { return std::min(old, value); });
}
template <AtomicInteger T>
T atomic_or(T* at, T value) {
    return update(at, [=](T old) { return old | value; });
}
template <AtomicInteger T>
T atomic_and(T* at, T value) {
    return update(at, [=](T old) { return old & value; });
}
template <AtomicInteger T>
T atomic_exchange(T* at, T value) {
    return update(at, [=](T) { return value; });
}
template <AtomicInteger T>
T atomic_compare_exchange(T* at, T expected, T value) {
    return update(at, [=](T old) { return old == expected ? value : old; });
}

#define ADAQ_INSTANTIATE(T)               \
    template T atomic_add<T>(T*, T);      \
    template T atomic_max<T>(T*, T);      \
    template T atomic_min<T>(T*, T);      \
    template T atomic_or<T>(T*, T);       \
    template T atomic_and<T>(T*, T);      \
    template T atomic_exchange<T>(T*, T); \
    template T atomic_compare_exchange<T>(T*, T, T);
ADAQ_INSTANTIATE(int)
ADAQ_INSTANTIATE(unsigned)
ADAQ_INSTANTIATE(unsigned long long)
#undef ADAQ_INSTANTIATE

void fence() { record_fence(); }

}  // namespace adaq::emulator
