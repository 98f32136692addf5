// The emulated CUDA runtime: memory, copies, streams, events and graphs.
#include "kernels/emulator/runtime.h"

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/emulator/captures.h"
#include "kernels/emulator/device_memory.h"
#include "kernels/emulator/dry_run.h"
#include "kernels/emulator/faults.h"
#include "kernels/emulator/launch.h"
#include "kernels/emulator/misuse.h"
#include "kernels/emulator/settings.h"
#include "kernels/emulator/shared_memory.h"

using adaq::emulator::Capture;
using adaq::emulator::refuse_in_capture;
using adaq::emulator::refuse_in_default_stream;
using adaq::emulator::refuse_while_capturing;
using adaq::emulator::Work;

struct CUgraph_st {
    std::vector<Work> work;
};
struct CUgraphExec_st {
    std::vector<Work> work;
};
struct CUstream_st {
    bool blocking = true;
    std::unique_ptr<Capture> capture;  // null: not being captured
};
struct CUevent_st {
    std::chrono::steady_clock::time_point when;
    bool captured = false;
};

namespace {

cudaError_t enqueue_work(const char* call, cudaStream_t stream, Work work) {
    if (!stream) {
        if (const cudaError_t refused = refuse_in_default_stream(call)) return refused;
    }
    if (stream && stream->capture) {
        stream->capture->record(std::move(work));
    } else {
        work();
    }
    return cudaSuccess;
}

bool on_pageable_host(const void* p) {
    const auto* dry = adaq::emulator::dry_run();
    return !adaq::emulator::device_memory().holds(p) && !(dry && dry->holds(p));
}

cudaError_t allocate(void** pointer, size_t bytes) {
    auto* dry = adaq::emulator::dry_run();
    *pointer = dry ? dry->allocate(bytes) : adaq::emulator::device_memory().allocate(bytes);
    return *pointer || bytes == 0 ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaError_t release(void* pointer) {
    if (auto* dry = adaq::emulator::dry_run(); dry && dry->holds(pointer)) {
        dry->release(pointer);
    } else {
        adaq::emulator::device_memory().release(pointer);
    }
    return cudaSuccess;
}

void copy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    if (auto* dry = adaq::emulator::dry_run()) return dry->copy(to, from, bytes);
    auto& memory = adaq::emulator::device_memory();
    const bool to_device = memory.holds(to), from_device = memory.holds(from);
    const bool as_said = kind == cudaMemcpyDefault ||
                         (to_device == (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) &&
                          from_device == (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice));
    if (!as_said) {
        adaq::emulator::fail("cudaMemcpy: from {} to {} memory, which is not the kind of copy that was named",
                             from_device ? "device" : "host", to_device ? "device" : "host");
    }
    if (from_device) memory.host_reads(from, bytes);
    if (to_device) memory.host_writes(to, bytes);
    if (bytes > 0) std::memcpy(to, from, bytes);
}

void fill(void* to, int value, size_t bytes) {
    if (auto* dry = adaq::emulator::dry_run()) return dry->fill(to, bytes);
    adaq::emulator::device_memory().host_writes(to, bytes);
    if (bytes > 0) std::memset(to, value, bytes);
}

}  // namespace

void adaq::emulator::enqueue(cudaStream_t stream, Launch launch) {
    Work work = [launch = std::move(launch)] {
        if (launch_fails()) return;
        if (auto* dry = dry_run()) return dry->check(launch);
        run(launch);
    };
    if (const cudaError_t refused = enqueue_work("a launch", stream, std::move(work))) fail("{}", words_of(refused));
}

const char* cudaGetErrorString(cudaError_t error) { return adaq::emulator::words_of(error); }
const char* cudaGetErrorName(cudaError_t error) { return cudaGetErrorString(error); }
cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaPeekAtLastError() { return cudaSuccess; }

cudaError_t cudaGetDeviceCount(int* count) {
    *count = 1;
    return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetDevice(int* device) {
    *device = 0;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    const int capability = adaq::emulator::settings().capability;
    const size_t shared = capability < 80 ? size_t{64} * 1024 : adaq::emulator::kMaxSharedBytes;
    *properties = {.name = "emulated card",
                   .totalGlobalMem = adaq::emulator::DeviceMemory::kBytes,
                   .sharedMemPerBlock = 48 * 1024,
                   .sharedMemPerBlockOptin = shared,
                   .sharedMemPerMultiprocessor = shared + 1024,
                   .major = capability / 10,
                   .minor = capability % 10,
                   .multiProcessorCount = adaq::emulator::settings().multiprocessors,
                   .warpSize = 32,
                   .maxThreadsPerBlock = adaq::emulator::kMaxThreads,
                   .l2CacheSize = 1 << 20};
    if (adaq::emulator::dry_run()) properties->multiProcessorCount = adaq::emulator::DryRun::kMultiprocessors;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
    cudaDeviceProp properties{};
    cudaGetDeviceProperties(&properties, device);
    switch (attribute) {
        case cudaDevAttrMultiProcessorCount:
            *value = properties.multiProcessorCount;
            break;
        case cudaDevAttrMaxSharedMemoryPerBlockOptin:
            *value = static_cast<int>(properties.sharedMemPerBlockOptin);
            break;
        case cudaDevAttrComputeCapabilityMajor:
            *value = properties.major;
            break;
        case cudaDevAttrComputeCapabilityMinor:
            *value = properties.minor;
            break;
    }
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
    *version = 13000;
    return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) { return cudaDriverGetVersion(version); }

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
    *free = *total = adaq::emulator::DeviceMemory::kBytes;
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return refuse_while_capturing("cudaDeviceSynchronize"); }

cudaError_t cudaMalloc(void** pointer, size_t bytes) {
    if (const cudaError_t refused = refuse_while_capturing("cudaMalloc")) return refused;
    return allocate(pointer, bytes);
}
cudaError_t cudaFree(void* pointer) {
    if (const cudaError_t refused = refuse_while_capturing("cudaFree")) return refused;
    return release(pointer);
}
// CUDA would record these two in a captured stream.
cudaError_t cudaMallocAsync(void** pointer, size_t bytes, cudaStream_t stream) {
    if (stream && stream->capture) return refuse_in_capture(*stream->capture, "cudaMallocAsync");
    return allocate(pointer, bytes);
}
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t stream) {
    if (stream && stream->capture) return refuse_in_capture(*stream->capture, "cudaFreeAsync");
    return release(pointer);
    return cudaSuccess;
}
// Kernels reach pinned memory too, so it is watched like the card's own.
cudaError_t cudaMallocHost(void** pointer, size_t bytes) { return cudaMalloc(pointer, bytes); }
cudaError_t cudaHostAlloc(void** pointer, size_t bytes, unsigned) { return cudaMallocHost(pointer, bytes); }
cudaError_t cudaFreeHost(void* pointer) { return cudaFree(pointer); }

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
    if (const cudaError_t refused = refuse_while_capturing("cudaMemcpy")) return refused;
    return cudaMemcpyAsync(to, from, bytes, kind, nullptr);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    if (const cudaError_t pending = adaq::emulator::pending_error()) return pending;
    if (stream && stream->capture && (on_pageable_host(to) || on_pageable_host(from)))
        return refuse_in_capture(*stream->capture, "cudaMemcpyAsync from or to pageable memory");
    return enqueue_work("cudaMemcpyAsync", stream, [=] { copy(to, from, bytes, kind); });
}
cudaError_t cudaMemset(void* to, int value, size_t bytes) {
    if (const cudaError_t refused = refuse_while_capturing("cudaMemset")) return refused;
    return cudaMemsetAsync(to, value, bytes, nullptr);
}
cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t stream) {
    return enqueue_work("cudaMemsetAsync", stream, [=] { fill(to, value, bytes); });
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
    *stream = new CUstream_st{flags != cudaStreamNonBlocking, nullptr};
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    delete stream;
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    if (!stream) {
        if (const cudaError_t refused = refuse_in_default_stream("cudaStreamSynchronize")) return refused;
    } else if (stream->capture) {
        return refuse_in_capture(*stream->capture, "cudaStreamSynchronize");
    }
    return adaq::emulator::pending_error();
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
    if (!stream) return refuse_in_default_stream("cudaStreamQuery");
    return stream->capture ? refuse_in_capture(*stream->capture, "cudaStreamQuery") : cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }

cudaError_t cudaEventCreate(cudaEvent_t* event) {
    *event = new CUevent_st;
    return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) { return cudaEventCreate(event); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
    delete event;
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    event->when = std::chrono::steady_clock::now();
    event->captured = stream && stream->capture;
    return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    return event->captured ? cudaErrorCapturedEvent : refuse_while_capturing("cudaEventSynchronize");
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
    return event->captured ? cudaErrorCapturedEvent : refuse_while_capturing("cudaEventQuery");
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
    if (start->captured || end->captured) return cudaErrorCapturedEvent;
    *milliseconds = std::chrono::duration<float, std::milli>(end->when - start->when).count();
    return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
    if (!stream) adaq::emulator::fail("cudaStreamBeginCapture: the default stream cannot be captured");
    if (stream->capture) adaq::emulator::fail("cudaStreamBeginCapture: the stream is already being captured");
    stream->capture = std::make_unique<Capture>(mode, stream->blocking);
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    if (!stream || !stream->capture) adaq::emulator::fail("cudaStreamEndCapture: the stream is not being captured");
    *graph = nullptr;
    if (!stream->capture->ends_here()) return cudaErrorStreamCaptureWrongThread;
    const std::unique_ptr<Capture> capture = std::move(stream->capture);
    if (capture->spoilt()) return cudaErrorStreamCaptureInvalidated;
    *graph = new CUgraph_st{capture->take_work()};
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
    if (!graph) return cudaErrorInvalidValue;
    *exec = new CUgraphExec_st{graph->work};
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
    if (!exec) return cudaErrorInvalidValue;
    if (const cudaError_t pending = adaq::emulator::pending_error()) return pending;
    return enqueue_work("cudaGraphLaunch", stream, [work = exec->work] {
        for (const Work& one : work) one();
    });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
    delete graph;
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
    delete exec;
    return cudaSuccess;
}
