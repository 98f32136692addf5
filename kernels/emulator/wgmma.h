// The emulator's versions of kernels/cuda/sm90a/wgmma.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <source_location>
#include <vector>

#include "kernels/emulator/copies.h"
#include "kernels/emulator/threads.h"

namespace adaq::emulator {

/// One thread's products in the background: its part of them. Nothing is computed before it is waited for, so that
/// whoever touches operands too early, or takes sums too early, gets something else: operand B is read then, operand
/// A's registers must still be as they were, and sums are NaN until then.
class WarpgroupProducts {
  public:
    void clear();
    void fence();
    void issue(float* sums, size_t count, const uint32_t (&a)[4], uint64_t b, std::source_location where);
    void commit();
    void wait(size_t pending, std::source_location where);

  private:
    struct Sums {
        float* registers;
        std::vector<float> values;
        size_t under_way;  // products that add to them
    };
    struct Product {
        Sums* sums;
        const uint32_t* a;
        std::array<uint32_t, 4> a_then;
        uint64_t b;
    };
    Sums& sums_at(float* registers, size_t count);
    void finish(Product& product, std::source_location where);

    bool fenced_ = false;
    size_t issued_ = 0;
    std::deque<Sums> sums_;
    std::vector<Product> open_;  // not yet committed
    std::deque<std::vector<Product>> groups_;
};

WarpgroupProducts& products_of_thread();

/// Where in the block's shared memory, as far as matrix descriptors can tell.
uint32_t shared_offset(const void* p);

}  // namespace adaq::emulator

namespace adaq::cuda {

inline uint32_t shared_address(const void* p) { return emulator::shared_offset(p); }

inline void fence_async_proxy() { emulator::copies_of_thread().fence_proxy(); }
inline void wgmma_fence(AdaqWhere where = AdaqWhere::current()) {
    emulator::meet({.name = "wgmma_fence", .resolve = emulator::resolve_nothing, .where = where});
    emulator::products_of_thread().fence();
}
inline void wgmma_commit() { emulator::products_of_thread().commit(); }
template <int Pending>
void wgmma_wait(AdaqWhere where = AdaqWhere::current()) {
    emulator::products_of_thread().wait(Pending, where);
}
template <int Count>
void wgmma_results(float (&)[Count]) {}

template <int Count>
void wgmma_tf32(float (&d)[Count], const uint32_t (&a)[4], uint64_t b, AdaqWhere where = AdaqWhere::current()) {
    static_assert(Count == 32 || Count == 64);
    emulator::products_of_thread().issue(d, Count, a, b, where);
}

}  // namespace adaq::cuda
