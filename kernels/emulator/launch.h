// Starting a kernel: its parameters are copied once, as CUDA does, and every thread of the grid gets its own copy of
// them.
#pragma once

#include <cstddef>
#include <memory>
#include <source_location>
#include <tuple>
#include <utility>

#include "kernels/emulator/runtime.h"
#include "kernels/emulator/types.h"

namespace adaq::emulator {

/// A kernel with all that a launch needs.
struct Launch {
    dim3 grid, block;
    size_t shared_bytes = 0;
    std::source_location where;
    std::shared_ptr<const void> parameters;  // read by the kernel's threads, never written
    size_t parameter_bytes = 0;
    void (*call)(const void* parameters) = nullptr;  // one thread of the grid
};

/// Runs the grid; throws Misuse.
void run(const Launch& launch);

/// Runs it, or records it where the stream is being captured.
void enqueue(cudaStream_t stream, Launch launch);

/// A stream, and where in the source it was handed to launch().
struct LaunchStream {
    cudaStream_t stream;
    std::source_location where;
    LaunchStream(cudaStream_t s, std::source_location w = std::source_location::current()) : stream(s), where(w) {}
};

template <typename... Parameters>
struct KernelCall {
    void (*kernel)(Parameters...);
    std::tuple<Parameters...> parameters;
    static void call(const void* self) {
        const auto& me = *static_cast<const KernelCall*>(self);
        std::apply(me.kernel, me.parameters);
    }
};

}  // namespace adaq::emulator

namespace adaq::cuda {

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, size_t shared, emulator::LaunchStream stream,
            Arguments&&... arguments) {
    using Call = emulator::KernelCall<Parameters...>;
    auto call =
        std::make_shared<const Call>(Call{kernel, std::tuple<Parameters...>(static_cast<Parameters>(arguments)...)});
    emulator::enqueue(stream.stream, {grid, block, shared, stream.where, std::move(call), sizeof(Call), &Call::call});
}

}  // namespace adaq::cuda
