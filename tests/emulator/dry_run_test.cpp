// What a dry run of the emulated card refuses.
#include "kernels/emulator/dry_run.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "kernels/cuda/memory.h"
#include "kernels/emulator/misuse.h"

using namespace adaq;

namespace {

emulator::Launch small_launch() {
    emulator::Launch launch;
    launch.grid = dim3(10);
    launch.block = dim3(256);
    return launch;
}

}  // namespace

TEST_SUITE("dry runs") {
    TEST_CASE("allocations of any size are addresses, and what the host reads is zeros") {
        emulator::DryRun dry;
        const size_t bytes = size_t{300} << 30;
        const cuda::DeviceMemory large(bytes), other(1);
        CHECK(dry.most_bytes() == bytes + 1);
        CHECK(dry.holds(large.get()));
        std::array<float, 4> values{1.0f, 2.0f, 3.0f, 4.0f};
        const cuda::Queue queue;
        queue.to_device(large.get(), values.data(), sizeof(values));
        queue.to_host(values.data(), large.as<char>() + bytes - sizeof(values), sizeof(values));
        CHECK(std::count(values.begin(), values.end(), 0.0f) == 4);
        CHECK_THROWS_AS(cuda::DeviceMemory(size_t{1} << 50), DataError);
    }

    TEST_CASE("copies stay within an allocation") {
        const emulator::DryRun dry;
        const cuda::Queue queue;
        const cuda::DeviceMemory memory(100);
        std::array<char, 200> values{};
        CHECK_THROWS_AS(queue.to_device(memory.get(), values.data(), 101), emulator::Misuse);
        CHECK_THROWS_AS(queue.to_host(values.data(), memory.as<char>() + 50, 51), emulator::Misuse);
        CHECK_THROWS_AS(queue.to_host(values.data(), memory.as<char>() + 100, 1), emulator::Misuse);
        CHECK_NOTHROW(queue.to_host(values.data(), memory.as<char>() + 50, 50));
    }

    TEST_CASE("launches keep CUDA's limits") {
        emulator::DryRun dry;
        const emulator::Launch fine = small_launch();
        CHECK_NOTHROW(dry.check(fine));
        for (const dim3& grid : {dim3(0), dim3(1u << 31), dim3(1, 65536), dim3(1, 1, 65536)}) {
            emulator::Launch launch = fine;
            launch.grid = grid;
            CHECK_THROWS_AS(dry.check(launch), emulator::Misuse);
        }
        emulator::Launch launch = fine;
        launch.block = dim3(1025);
        CHECK_THROWS_AS(dry.check(launch), emulator::Misuse);
        launch = fine;
        launch.shared_bytes = 228 * 1024;
        CHECK_THROWS_AS(dry.check(launch), emulator::Misuse);
    }
}
