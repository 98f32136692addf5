// What a kernel's thread sees of its grid, and where it meets the others: barriers, shuffles and votes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <span>

#include "kernels/emulator/types.h"

// Constant for the thread that reads them: the emulator changes them (indices.cpp) when it changes threads.
extern const uint3 threadIdx, blockIdx;
extern const dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

namespace adaq::emulator {

/// A point at which threads wait for each other. When all have come, `resolve` gets what each of them brought, by lane
/// (by thread where the whole block meets; null for lanes that are not named), and answers in place.
struct Meeting {
    const char* name;
    void (*resolve)(std::span<void* const> brought);
    void* data = nullptr;
    bool whole_block = false;
    unsigned lanes = ~0u;  // of a warp, those named
    bool orders = false;   // what was read and written before is visible behind it
    std::source_location where;
};

/// Waits until all have come. The only place where another thread's turn can come.
void meet(const Meeting& meeting);

struct Vote {
    int value;
    int result = 0;
};

struct Shuffle {
    uint64_t bits;
    int source;  // the lane whose bits are wanted
};

void resolve_nothing(std::span<void* const> brought);
void resolve_and(std::span<void* const> brought);
void resolve_or(std::span<void* const> brought);
void resolve_count(std::span<void* const> brought);
void resolve_all(std::span<void* const> brought);
void resolve_any(std::span<void* const> brought);
void resolve_ballot(std::span<void* const> brought);
void resolve_sum(std::span<void* const> brought);
void resolve_min(std::span<void* const> brought);
void resolve_max(std::span<void* const> brought);
void resolve_shuffle(std::span<void* const> brought);

int lane();
int block_vote(const char* name, void (*resolve)(std::span<void* const>), int value, std::source_location where);
int warp_vote(const char* name, void (*resolve)(std::span<void* const>), unsigned lanes, int value,
              std::source_location where);
uint64_t shuffle(const char* name, unsigned lanes, uint64_t bits, int source, std::source_location where);

template <typename T>
T shuffle_value(const char* name, unsigned lanes, T value, int source, std::source_location where) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8);
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof(T));
    bits = shuffle(name, lanes, bits, source, where);
    std::memcpy(&value, &bits, sizeof(T));
    return value;
}

}  // namespace adaq::emulator

// Each takes where it is called, for the message should a thread be missing.
using AdaqWhere = std::source_location;

inline void __syncthreads(AdaqWhere where = AdaqWhere::current()) {
    adaq::emulator::meet({.name = "__syncthreads",
                          .resolve = adaq::emulator::resolve_nothing,
                          .whole_block = true,
                          .orders = true,
                          .where = where});
}
inline int __syncthreads_and(int value, AdaqWhere where = AdaqWhere::current()) {
    return adaq::emulator::block_vote("__syncthreads_and", adaq::emulator::resolve_and, value, where);
}
inline int __syncthreads_or(int value, AdaqWhere where = AdaqWhere::current()) {
    return adaq::emulator::block_vote("__syncthreads_or", adaq::emulator::resolve_or, value, where);
}
inline int __syncthreads_count(int value, AdaqWhere where = AdaqWhere::current()) {
    return adaq::emulator::block_vote("__syncthreads_count", adaq::emulator::resolve_count, value, where);
}

inline void __syncwarp(unsigned lanes = ~0u, AdaqWhere where = AdaqWhere::current()) {
    adaq::emulator::meet({.name = "__syncwarp",
                          .resolve = adaq::emulator::resolve_nothing,
                          .lanes = lanes,
                          .orders = true,
                          .where = where});
}

/// Segments of `width` lanes (a power of two) shuffle among themselves; a lane without a source keeps its own value.
template <typename T>
T __shfl_sync(unsigned lanes, T value, int source, int width = warpSize, AdaqWhere where = AdaqWhere::current()) {
    const int first = adaq::emulator::lane() / width * width;
    return adaq::emulator::shuffle_value("__shfl_sync", lanes, value, first + (source & (width - 1)), where);
}
template <typename T>
T __shfl_xor_sync(unsigned lanes, T value, int mask, int width = warpSize, AdaqWhere where = AdaqWhere::current()) {
    const int me = adaq::emulator::lane(), source = me ^ mask, end = me / width * width + width;
    return adaq::emulator::shuffle_value("__shfl_xor_sync", lanes, value, source < end ? source : me, where);
}
template <typename T>
T __shfl_up_sync(unsigned lanes, T value, unsigned by, int width = warpSize, AdaqWhere where = AdaqWhere::current()) {
    const int me = adaq::emulator::lane(), source = me - static_cast<int>(by), first = me / width * width;
    return adaq::emulator::shuffle_value("__shfl_up_sync", lanes, value, source >= first ? source : me, where);
}
template <typename T>
T __shfl_down_sync(unsigned lanes, T value, unsigned by, int width = warpSize, AdaqWhere where = AdaqWhere::current()) {
    const int me = adaq::emulator::lane(), source = me + static_cast<int>(by), end = me / width * width + width;
    return adaq::emulator::shuffle_value("__shfl_down_sync", lanes, value, source < end ? source : me, where);
}

inline unsigned __ballot_sync(unsigned lanes, int value, AdaqWhere where = AdaqWhere::current()) {
    return static_cast<unsigned>(
        adaq::emulator::warp_vote("__ballot_sync", adaq::emulator::resolve_ballot, lanes, value, where));
}
inline int __any_sync(unsigned lanes, int value, AdaqWhere where = AdaqWhere::current()) {
    return adaq::emulator::warp_vote("__any_sync", adaq::emulator::resolve_any, lanes, value, where);
}
inline int __all_sync(unsigned lanes, int value, AdaqWhere where = AdaqWhere::current()) {
    return adaq::emulator::warp_vote("__all_sync", adaq::emulator::resolve_all, lanes, value, where);
}
inline int __reduce_add_sync(unsigned lanes, int value, AdaqWhere where = AdaqWhere::current()) {
    return adaq::emulator::warp_vote("__reduce_add_sync", adaq::emulator::resolve_sum, lanes, value, where);
}
inline unsigned __reduce_add_sync(unsigned lanes, unsigned value, AdaqWhere where = AdaqWhere::current()) {
    return static_cast<unsigned>(__reduce_add_sync(lanes, static_cast<int>(value), where));
}
inline int __reduce_min_sync(unsigned lanes, int value, AdaqWhere where = AdaqWhere::current()) {
    return adaq::emulator::warp_vote("__reduce_min_sync", adaq::emulator::resolve_min, lanes, value, where);
}
inline int __reduce_max_sync(unsigned lanes, int value, AdaqWhere where = AdaqWhere::current()) {
    return adaq::emulator::warp_vote("__reduce_max_sync", adaq::emulator::resolve_max, lanes, value, where);
}
