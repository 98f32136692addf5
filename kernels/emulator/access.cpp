// The words for what is wrong with an access, and the accesses that no hook sees.
#include "kernels/emulator/access.h"

#include "kernels/emulator/checker.h"
#include "kernels/emulator/misuse.h"
#include "kernels/emulator/releases.h"

// The program's own image, from code to data (set by the linker).
extern "C" const char __executable_start, end;

namespace adaq::emulator {
namespace {

const char* verb(Access access) {
    return access == Access::read ? "reads" : access == Access::write ? "writes" : "does an atomic operation on";
}

/// Which bytes of what.
std::string describe(uintptr_t address, size_t bytes) {
    auto& shared = shared_pieces();
    if (shared.holds(address)) {
        const size_t offset = shared.offset_of(address);
        const SharedPieces::Piece* piece = shared.find(offset);
        if (!piece) return "shared memory that nobody took";
        return fmt::format("bytes [{}, {}) of piece {} of shared memory ({} bytes)", offset - piece->begin,
                           offset - piece->begin + bytes, shared.number_of(*piece), piece->bytes);
    }
    if (!device_memory().holds(reinterpret_cast<const void*>(address))) return fmt::format("address {:#x}", address);
    const Allocation* allocation = device_memory().find(address);
    if (!allocation) return "device memory where nothing is allocated";
    const size_t offset = address - allocation->begin;
    return fmt::format("bytes [{}, {}) of an allocation of {} bytes", offset, offset + bytes, allocation->bytes);
}

std::string code(const void* caller) {
    if (!caller) return "";
    return fmt::format(" (code at {:#x}, for addr2line)",
                       reinterpret_cast<uintptr_t>(caller) - reinterpret_cast<uintptr_t>(&__executable_start));
}

std::string author(const Stamp& stamp) {
    if (stamp.epoch < running.block_epoch || stamp.has(kManyBlocks)) return "another block of the launch";
    if (stamp.has(kManyWarps)) return "threads of several warps";
    return stamp.has(kManyLanes) ? fmt::format("lanes of warp {}", stamp.warp())
                                 : fmt::format("thread {} of the block", stamp.thread());
}

std::string race(const char* did, const Stamp& stamp) {
    const bool same_warp = stamp.warp() == running.me.warp() && !stamp.has(kManyWarps);
    const char* missing = stamp.epoch < running.block_epoch || stamp.has(kManyBlocks) ? "nothing orders the two blocks"
                          : same_warp ? "there is no __syncwarp or __syncthreads between them"
                                      : "there is no __syncthreads between them";
    return fmt::format("which {} {}: {}", author(stamp), did, missing);
}

}  // namespace

bool visible_across_blocks(const Stamp& stamp) { return releases().visible(stamp); }

void report(Fault fault, uintptr_t address, size_t bytes, Access access, const Cell& cell, const void* caller) {
    running.failing = true;
    std::string why;
    switch (fault) {
        case Fault::unwritten:
            why = "which nobody has written";
            break;
        case Fault::pending:
            why = "to which a cp.async is under way that was not waited for";
            break;
        case Fault::race_with_write:
            why = race("wrote", cell.write);
            break;
        case Fault::race_with_read:
            why = race("read", cell.read);
            break;
    }
    const bool races = fault == Fault::race_with_write || fault == Fault::race_with_read;
    fail("{}{} {}, {}{}", races ? "race: " : "", verb(access), describe(address, bytes), why, code(caller));
}

void report_bounds(uintptr_t address, size_t bytes, Access access, const void* caller) {
    running.failing = true;
    fail("out of bounds: {} {}{}", verb(access), describe(address, bytes), code(caller));
}

void check_other(uintptr_t address, size_t bytes, Access access, const void* caller) {
    const auto inside = [&](uintptr_t first, size_t count) {
        return address - first < count && address - first + bytes <= count;
    };
    const auto image = reinterpret_cast<uintptr_t>(&__executable_start);
    const size_t image_bytes = reinterpret_cast<uintptr_t>(&end) - image;
    if (access == Access::read && (inside(running.parameters, running.parameter_bytes) || inside(image, image_bytes))) {
        return;
    }
    running.failing = true;
    fail("wild access: {} host memory at {:#x}{}", verb(access), address, code(caller));
}

void check_access(const void* address, size_t bytes, Access access) {
    if (running.kernel && access == Access::atomic) {
        if (reinterpret_cast<uintptr_t>(address) % bytes != 0) fail("an atomic operation at an unaligned address");
        // Before the check: what is published to this thread includes the counter itself.
        releases().atomic(reinterpret_cast<uintptr_t>(address));
    }
    check(address, bytes, access, nullptr);
}

void require_shared(const void* address, const char* instruction) {
    if (!shared_pieces().holds(reinterpret_cast<uintptr_t>(address))) {
        fail("{}: an address outside shared memory", instruction);
    }
}

void start_copy(const void* to, size_t bytes) {
    require_shared(to, "cp.async");
    check_access(to, bytes, Access::write);
    if constexpr (kRecorded) {
        auto& shared = shared_pieces();
        const auto cells = shared.shadow().range(shared.offset_of(reinterpret_cast<uintptr_t>(to)), bytes);
        for (Cell* cell = cells.begin; cell < cells.end; ++cell) cell->write.author |= kPending;
    }
}

void finish_copy(const void* to, size_t bytes) {
    if constexpr (kRecorded) {
        auto& shared = shared_pieces();
        const auto cells = shared.shadow().range(shared.offset_of(reinterpret_cast<uintptr_t>(to)), bytes);
        for (Cell* cell = cells.begin; cell < cells.end; ++cell) {
            cell->write = running.me;
            cell->write.author |= kUnfenced;
        }
    }
}

void fence_copy(const void* to, size_t bytes) {
    if constexpr (kRecorded) {
        auto& shared = shared_pieces();
        const auto cells = shared.shadow().range(shared.offset_of(reinterpret_cast<uintptr_t>(to)), bytes);
        for (Cell* cell = cells.begin; cell < cells.end; ++cell) {
            if (cell->write.thread() == running.me.thread())
                cell->write.author &= static_cast<uint16_t>(~unsigned{kUnfenced});
        }
    }
}

void require_fenced(const void* from, size_t bytes, const char* instruction) {
    if constexpr (kRecorded) {
        const auto address = reinterpret_cast<uintptr_t>(from);
        auto& shared = shared_pieces();
        const auto cells = shared.shadow().range(shared.offset_of(address), bytes);
        for (const Cell* cell = cells.begin; cell < cells.end; ++cell) {
            if (!cell->write.has(kUnfenced)) continue;
            running.failing = true;
            fail("{} reads {}, which {} copied there without a fence_async_proxy behind it", instruction,
                 describe(address, bytes), author(cell->write));
        }
    }
}

void record_fence() { running.fenced_epoch = running.me.epoch; }

}  // namespace adaq::emulator
