// Votes and shuffles: what a meeting makes of what its threads brought.
#include "kernels/emulator/threads.h"

#include "kernels/emulator/misuse.h"

namespace adaq::emulator {
namespace {

/// Folds the values of all that came and gives everyone the result.
template <typename Fold>
void fold(std::span<void* const> brought, int start, Fold step) {
    int result = start;
    for (size_t i = 0; i < brought.size(); ++i) {
        if (brought[i]) result = step(result, static_cast<Vote*>(brought[i])->value, static_cast<int>(i));
    }
    for (void* one : brought) {
        if (one) static_cast<Vote*>(one)->result = result;
    }
}

int add(int a, int b) { return static_cast<int>(static_cast<unsigned>(a) + static_cast<unsigned>(b)); }

}  // namespace

void resolve_nothing(std::span<void* const>) {}

void resolve_and(std::span<void* const> brought) {
    fold(brought, 1, [](int sum, int value, int) { return sum && value; });
}
void resolve_all(std::span<void* const> brought) { resolve_and(brought); }

void resolve_or(std::span<void* const> brought) {
    fold(brought, 0, [](int sum, int value, int) { return sum || value; });
}
void resolve_any(std::span<void* const> brought) { resolve_or(brought); }

void resolve_count(std::span<void* const> brought) {
    fold(brought, 0, [](int sum, int value, int) { return sum + (value != 0); });
}

void resolve_ballot(std::span<void* const> brought) {
    fold(brought, 0, [](int sum, int value, int lane) { return value ? sum | static_cast<int>(1u << lane) : sum; });
}

void resolve_sum(std::span<void* const> brought) {
    fold(brought, 0, [](int sum, int value, int) { return add(sum, value); });
}

void resolve_min(std::span<void* const> brought) {
    fold(brought, INT32_MAX, [](int sum, int value, int) { return std::min(sum, value); });
}

void resolve_max(std::span<void* const> brought) {
    fold(brought, INT32_MIN, [](int sum, int value, int) { return std::max(sum, value); });
}

void resolve_shuffle(std::span<void* const> brought) {
    uint64_t bits[32] = {};
    for (size_t i = 0; i < brought.size(); ++i) {
        if (brought[i]) bits[i] = static_cast<Shuffle*>(brought[i])->bits;
    }
    for (size_t i = 0; i < brought.size(); ++i) {
        if (!brought[i]) continue;
        auto& mine = *static_cast<Shuffle*>(brought[i]);
        if (!brought[mine.source]) {
            fail("a shuffle: lane {} wants the value of lane {}, which the mask does not name", i, mine.source);
        }
        mine.bits = bits[mine.source];
    }
}

int lane() {
    const auto row = threadIdx.y + threadIdx.z * blockDim.y;
    return static_cast<int>((threadIdx.x + row * blockDim.x) % 32);
}

int block_vote(const char* name, void (*resolve)(std::span<void* const>), int value, std::source_location where) {
    Vote vote{value};
    meet({.name = name, .resolve = resolve, .data = &vote, .whole_block = true, .orders = true, .where = where});
    return vote.result;
}

int warp_vote(const char* name, void (*resolve)(std::span<void* const>), unsigned lanes, int value,
              std::source_location where) {
    Vote vote{value};
    meet({.name = name, .resolve = resolve, .data = &vote, .lanes = lanes, .where = where});
    return vote.result;
}

uint64_t shuffle(const char* name, unsigned lanes, uint64_t bits, int source, std::source_location where) {
    Shuffle mine{bits, source};
    meet({.name = name, .resolve = resolve_shuffle, .data = &mine, .lanes = lanes, .where = where});
    return mine.bits;
}

}  // namespace adaq::emulator
