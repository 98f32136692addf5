// Every mistake that the emulator is there to find is found, and named.
#include <doctest/doctest.h>

#include "emulator/device_values.h"
#include "emulator/kernels.h"
#include "kernels/emulator/access.h"
#include "kernels/emulator/misuse.h"

using namespace adaq;
using emulator::Misuse;
using test::DeviceValues;

namespace {

/// What the emulator says of a mistake; empty where it finds none.
std::string words(const std::string& mistake) {
    const DeviceValues<float> memory(std::vector<float>(64, 1.0f));
    try {
        cuda::make_mistake(mistake, memory.get());
    } catch (const Misuse& found) {
        return found.what();
    }
    return "";
}

void check_found(const std::string& mistake, const std::string& expected) {
    const std::string found = words(mistake);
    INFO(mistake, ": ", found);
    CHECK(found.find(expected) != std::string::npos);
    CHECK(found.find("ADAQ_EMULATOR_SEED=") != std::string::npos);
}

}  // namespace

TEST_SUITE("emulator: mistakes") {
    TEST_CASE("meetings to which not all come") {
        check_found("divergent barrier", "thread (5, 0, 0) has ended");
        check_found("different meetings", "divergence: ");
        check_found("missing lane", "__shfl_xor_sync");
        check_found("mask without caller", "does not name lane");
    }

    TEST_CASE("launches and shared memory beyond the limits") {
        check_found("too many threads", "1056 threads a block; a card has 1024");
        check_found("too much shared memory", "of shared memory; a card has 232448");
        check_found("too much taken", "takes 1152 bytes of shared memory; the launcher asked for 1024");
        check_found("pieces in another order", "of which another thread took");
    }

    TEST_CASE("copies in the background to or from unaligned addresses") {
        check_found("unaligned copy", "cp.async of 16 bytes from an unaligned address");
    }

    TEST_CASE("the host copies within allocations, and in the direction it says") {
        const DeviceValues<float> memory(std::vector<float>(4, 1.0f));
        float value[5] = {};
        CHECK_THROWS_AS(cudaMemcpy(memory.get(), value, 20, cudaMemcpyHostToDevice), Misuse);
        CHECK_THROWS_AS(cudaMemcpy(value, memory.get(), 20, cudaMemcpyDeviceToHost), Misuse);
        CHECK_THROWS_AS(cudaMemcpy(memory.get(), value, 16, cudaMemcpyDeviceToHost), Misuse);
    }
}

TEST_SUITE("emulator: recorded mistakes" * doctest::skip(!emulator::kRecorded)) {
    TEST_CASE("races in shared memory") {
        check_found("no barrier", "race: ");
        check_found("no barrier before overwriting", "race: ");
        check_found("equal values", "race: writes bytes [0, 4) of piece 0 of shared memory (4 bytes), which thread");
        check_found("no syncwarp", "there is no __syncwarp or __syncthreads between them");
        check_found("syncwarp between warps", "there is no __syncthreads between them");
    }

    TEST_CASE("copies in the background that were not waited for") {
        check_found("copy not awaited", "to which a cp.async is under way");
        check_found("copy without barrier", "bytes");
    }

    TEST_CASE("bounds of tensors and of pieces of shared memory") {
        check_found("read behind the end", "out of bounds: reads bytes [256, 260) of an allocation of 256 bytes");
        check_found("write behind the end", "out of bounds: writes bytes [256, 260) of an allocation of 256 bytes");
        check_found("piece overrun", "out of bounds: writes bytes [252, 256) of piece 0 of shared memory (252 bytes)");
        std::vector<float> on_host(64);
        CHECK_THROWS_WITH_AS(cuda::make_mistake("host memory", on_host.data()),
                             doctest::Contains("wild access: writes host memory"), Misuse);
    }

    TEST_CASE("vectors at unaligned addresses") { check_found("unaligned vector", "unaligned"); }

    TEST_CASE("reads of what nobody wrote") {
        check_found("unwritten shared", "which nobody has written");
        const DeviceValues<float> unwritten(64);
        CHECK_THROWS_AS(cuda::make_mistake("no barrier", unwritten.get()), Misuse);
        CHECK_THROWS_AS(unwritten.read(), Misuse);
    }

    TEST_CASE("races between blocks") {
        check_found("race of blocks", "which another block of the launch wrote");
        check_found("read what a block wrote", "nothing orders the two blocks");
        const DeviceValues<float> in(std::vector<float>(160, 1.0f)), partials(5), out(1);
        const DeviceValues<unsigned> ticket(std::vector<unsigned>{0});
        CHECK_THROWS_AS(cuda::sum_by_last_block(in.get(), partials.get(), out.get(), ticket.get(), 5, false), Misuse);
    }
}
