// The check that every access of a kernel passes, inline for the compiler's hooks.
#pragma once

#include "kernels/emulator/access.h"
#include "kernels/emulator/device_memory.h"
#include "kernels/emulator/running.h"
#include "kernels/emulator/shadow.h"
#include "kernels/emulator/shared_pieces.h"

namespace adaq::emulator {

enum class Fault { unwritten, pending, race_with_write, race_with_read };

/// Ends the launch with what is wrong; `cell` has the stamps of the other access. `caller`: the code that did it.
[[noreturn]] void report(Fault fault, uintptr_t address, size_t bytes, Access access, const Cell& cell,
                         const void* caller);
[[noreturn]] void report_bounds(uintptr_t address, size_t bytes, Access access, const void* caller);

/// Whether another block's access of this launch comes before the running thread's (releases.h).
bool visible_across_blocks(const Stamp& stamp);

/// Whether an earlier access comes before what the running thread does now; `first_epoch` is that of the launch.
inline bool ordered(const Stamp& earlier, uint32_t first_epoch) {
    const Stamp& me = running.me;
    if (earlier.epoch != me.epoch) {
        return earlier.epoch >= running.block_epoch || earlier.epoch < first_epoch || visible_across_blocks(earlier);
    }
    if (earlier.thread() == me.thread()) return true;
    return earlier.warp() == me.warp() && earlier.warp_epoch < me.warp_epoch;
}

/// The same for reads, of which a stamp stands for several.
inline bool reads_ordered(const Stamp& reads, uint32_t first_epoch) {
    if (reads.epoch < first_epoch) return true;
    if (reads.has(kManyBlocks)) return false;
    if (reads.epoch != running.me.epoch) return ordered(reads, first_epoch);
    if (reads.has(kManyWarps)) return false;
    if (reads.warp() == running.me.warp() && reads.warp_epoch < running.me.warp_epoch) return true;
    return reads.thread() == running.me.thread() && !reads.has(kManyLanes);
}

/// The stamp of all reads that a later write must come after: those before, and the running thread's.
inline Stamp with_my_read(const Stamp& reads, uint32_t first_epoch) {
    Stamp mine = running.me;
    if (reads.epoch < first_epoch) return mine;
    if (reads.epoch < running.block_epoch) {
        if (!visible_across_blocks(reads)) mine.author |= kManyBlocks;
        return mine;
    }
    mine.author |= reads.author & kManyBlocks;
    if (reads.epoch < mine.epoch) return mine;
    if (reads.has(kManyWarps)) return reads;
    if (reads.warp() != mine.warp()) {
        mine.author |= kManyWarps;
    } else if (reads.warp_epoch == mine.warp_epoch) {
        if (reads.thread() == mine.thread()) return reads;
        mine.author |= kManyLanes;
    }
    return mine;
}

/// first_epoch: stamps of before count as "never" for races; written_epoch: for whether the bytes were written at all.
inline void check_cells(Shadow::Range cells, uint32_t first_epoch, uint32_t written_epoch, uintptr_t address,
                        size_t bytes, Access access, const void* caller) {
    for (Cell* cell = cells.begin; cell < cells.end; ++cell) {
        const Stamp write = cell->write;
        if (access != Access::write && write.epoch < written_epoch) {
            report(Fault::unwritten, address, bytes, access, *cell, caller);
        }
        if (write.epoch >= first_epoch) {
            if (write.has(kPending)) report(Fault::pending, address, bytes, access, *cell, caller);
            const bool both_atomic = access == Access::atomic && write.has(kAtomic);
            if (!both_atomic && !ordered(write, first_epoch)) {
                report(Fault::race_with_write, address, bytes, access, *cell, caller);
            }
        }
        if (access == Access::read) {
            if (cell->read != running.me) cell->read = with_my_read(cell->read, first_epoch);
            continue;
        }
        if (!reads_ordered(cell->read, first_epoch)) {
            report(Fault::race_with_read, address, bytes, access, *cell, caller);
        }
        cell->write = running.me;
        if (access == Access::atomic) cell->write.author |= kAtomic;
    }
}

/// Anything that is neither the card's memory nor the thread's stack.
void check_other(uintptr_t address, size_t bytes, Access access, const void* caller);

inline void check(const void* pointer, size_t bytes, Access access, const void* caller) {
    if (!running.kernel || running.failing || bytes == 0) return;
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    if (address - running.stack < running.stack_bytes) return;
    static SharedPieces& shared = shared_pieces();
    static DeviceMemory& memory = device_memory();
    if (shared.holds(address)) {
        const size_t offset = shared.offset_of(address);
        const SharedPieces::Piece* piece = shared.find(offset);
        if (!piece || offset + bytes > piece->begin + piece->bytes) report_bounds(address, bytes, access, caller);
        if constexpr (kRecorded) {
            check_cells(shared.shadow().range(offset, bytes), running.block_epoch, running.block_epoch, address, bytes,
                        access, caller);
        }
    } else if (memory.holds(pointer)) {
        Allocation* allocation = memory.find(address);
        if (!allocation) report_bounds(address, bytes, access, caller);
        const size_t offset = address - allocation->begin;
        if (offset + bytes > allocation->bytes) report_bounds(address, bytes, access, caller);
        if constexpr (kRecorded) {
            check_cells(allocation->shadow.range(offset, bytes), running.launch_epoch, kHostEpoch, address, bytes,
                        access, caller);
        }
    } else {
        check_other(address, bytes, access, caller);
    }
}

}  // namespace adaq::emulator
