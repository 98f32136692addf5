// What CUDA forbids while a stream is captured gives an error and spoils the capture.
#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "emulator/device_values.h"
#include "emulator/kernels.h"
#include "engine/error.h"
#include "kernels/cuda/memory.h"
#include "kernels/emulator/access.h"
#include "kernels/emulator/misuse.h"

using namespace adaq;
using test::DeviceValues;

namespace {

/// A stream that is captured from the start.
class Captured {
  public:
    explicit Captured(cudaStreamCaptureMode mode = cudaStreamCaptureModeThreadLocal,
                      unsigned flags = cudaStreamNonBlocking) {
        cuda::check_cuda(cudaStreamCreateWithFlags(&stream_, flags));
        cuda::check_cuda(cudaStreamBeginCapture(stream_, mode));
    }
    ~Captured() {
        if (exec_) cudaGraphExecDestroy(exec_);
        cudaStreamDestroy(stream_);
    }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;

    cudaStream_t get() const { return stream_; }
    /// Ends the capture; launch() runs what it recorded.
    cudaError_t end() {
        cudaGraph_t graph = nullptr;
        const cudaError_t status = cudaStreamEndCapture(stream_, &graph);
        CHECK((graph == nullptr) == (status != cudaSuccess));
        CHECK(cudaGraphInstantiate(&exec_, graph) == (graph ? cudaSuccess : cudaErrorInvalidValue));
        if (graph) cudaGraphDestroy(graph);
        return status;
    }
    void launch() { launch_in(stream_); }
    void launch_in(cudaStream_t stream) { cuda::check_cuda(cudaGraphLaunch(exec_, stream)); }

  private:
    cudaStream_t stream_ = nullptr;
    cudaGraphExec_t exec_ = nullptr;
};

/// Memory of each kind, and an event, for calls to work on.
struct Bench {
    float host[4] = {1.0f, 2.0f, 3.0f, 4.0f};
    void *device = nullptr, *pinned = nullptr, *fresh = nullptr;
    cudaEvent_t event = nullptr;

    Bench() {
        cuda::check_cuda(cudaMalloc(&device, sizeof(host)));
        cuda::check_cuda(cudaMallocHost(&pinned, sizeof(host)));
        cuda::check_cuda(cudaMemcpy(device, host, sizeof(host), cudaMemcpyHostToDevice));
        cuda::check_cuda(cudaMemcpy(pinned, host, sizeof(host), cudaMemcpyDefault));
        cuda::check_cuda(cudaEventCreate(&event));
    }
    ~Bench() {
        cudaFree(fresh);
        cudaFree(device);
        cudaFreeHost(pinned);
        cudaEventDestroy(event);
    }
    Bench(const Bench&) = delete;
    Bench& operator=(const Bench&) = delete;
};

using Call = std::function<cudaError_t(Bench&, cudaStream_t)>;

/// Those that no thread may make while it captures a stream.
const std::vector<std::pair<const char*, Call>>& calls_of_a_thread() {
    static const std::vector<std::pair<const char*, Call>> calls{
        {"cudaMalloc", [](Bench& b, cudaStream_t) { return cudaMalloc(&b.fresh, 64); }},
        {"cudaMalloc", [](Bench& b, cudaStream_t) { return cudaMallocHost(&b.fresh, 64); }},
        {"cudaMalloc", [](Bench& b, cudaStream_t) { return cudaHostAlloc(&b.fresh, 64, cudaHostAllocDefault); }},
        {"cudaFree", [](Bench&, cudaStream_t) { return cudaFree(nullptr); }},
        {"cudaFree", [](Bench&, cudaStream_t) { return cudaFreeHost(nullptr); }},
        {"cudaMemcpy", [](Bench& b, cudaStream_t) { return cudaMemcpy(b.device, b.host, 16, cudaMemcpyHostToDevice); }},
        {"cudaMemcpy", [](Bench& b, cudaStream_t) { return cudaMemcpy(b.host, b.device, 16, cudaMemcpyDeviceToHost); }},
        {"cudaMemcpy", [](Bench& b, cudaStream_t) { return cudaMemcpy(b.device, b.pinned, 16, cudaMemcpyDefault); }},
        {"cudaMemset", [](Bench& b, cudaStream_t) { return cudaMemset(b.device, 0, 16); }},
        {"cudaDeviceSynchronize", [](Bench&, cudaStream_t) { return cudaDeviceSynchronize(); }},
        {"cudaEventSynchronize", [](Bench& b, cudaStream_t) { return cudaEventSynchronize(b.event); }},
        {"cudaEventQuery", [](Bench& b, cudaStream_t) { return cudaEventQuery(b.event); }},
    };
    return calls;
}

/// Those that a captured stream does not take.
const std::vector<std::pair<const char*, Call>>& calls_of_a_stream() {
    static const std::vector<std::pair<const char*, Call>> calls{
        {"cudaMallocAsync", [](Bench& b, cudaStream_t s) { return cudaMallocAsync(&b.fresh, 64, s); }},
        {"cudaFreeAsync", [](Bench&, cudaStream_t s) { return cudaFreeAsync(nullptr, s); }},
        {"pageable",
         [](Bench& b, cudaStream_t s) { return cudaMemcpyAsync(b.device, b.host, 16, cudaMemcpyHostToDevice, s); }},
        {"pageable",
         [](Bench& b, cudaStream_t s) { return cudaMemcpyAsync(b.host, b.device, 16, cudaMemcpyDefault, s); }},
        {"cudaStreamSynchronize", [](Bench&, cudaStream_t s) { return cudaStreamSynchronize(s); }},
        {"cudaStreamQuery", [](Bench&, cudaStream_t s) { return cudaStreamQuery(s); }},
    };
    return calls;
}

void check_taken(const char* name, const Call& call, Bench& bench, cudaStream_t stream) {
    CAPTURE(name);
    CHECK(call(bench, stream) == cudaSuccess);
    cudaFree(std::exchange(bench.fresh, nullptr));
}

}  // namespace

TEST_SUITE("emulator: captures") {
    TEST_CASE("allocating, freeing, copying to or from the host and waiting are refused, and spoil the capture") {
        Bench bench;
        for (const auto* calls : {&calls_of_a_thread(), &calls_of_a_stream()}) {
            for (const auto& [name, call] : *calls) {
                CAPTURE(name);
                Captured captured;
                CHECK(call(bench, captured.get()) == cudaErrorStreamCaptureUnsupported);
                CHECK(std::string(cudaGetErrorString(cudaErrorStreamCaptureUnsupported)).find(name) !=
                      std::string::npos);
                CHECK(captured.end() == cudaErrorStreamCaptureInvalidated);
                CHECK(std::string(cudaGetErrorString(cudaErrorStreamCaptureInvalidated)).find(name) !=
                      std::string::npos);
                CHECK(bench.fresh == nullptr);
                check_taken(name, call, bench, captured.get());  // it is over
            }
        }
    }

    TEST_CASE("a relaxed capture forbids its stream alone, a thread's the thread's own calls, a global one all") {
        Bench bench;
        for (const auto& [name, call] : calls_of_a_thread()) {
            Captured relaxed(cudaStreamCaptureModeRelaxed);
            check_taken(name, call, bench, relaxed.get());
            CHECK(relaxed.end() == cudaSuccess);

            const auto by_another_thread = [&, call = call](cudaStream_t stream) {
                cudaError_t status = cudaSuccess;
                std::thread([&] { status = call(bench, stream); }).join();
                return status;
            };
            CAPTURE(name);
            Captured mine(cudaStreamCaptureModeThreadLocal);
            CHECK(by_another_thread(mine.get()) == cudaSuccess);
            CHECK(mine.end() == cudaSuccess);
            cudaFree(std::exchange(bench.fresh, nullptr));

            Captured global(cudaStreamCaptureModeGlobal);
            CHECK(by_another_thread(global.get()) == cudaErrorStreamCaptureUnsupported);
            CHECK(global.end() == cudaErrorStreamCaptureInvalidated);
        }
        for (const auto& [name, call] : calls_of_a_stream()) {
            CAPTURE(name);
            Captured relaxed(cudaStreamCaptureModeRelaxed);
            CHECK(call(bench, relaxed.get()) == cudaErrorStreamCaptureUnsupported);
            CHECK(relaxed.end() == cudaErrorStreamCaptureInvalidated);
        }
    }

    TEST_CASE("a free in a destructor, whose status nobody reads, is found where the capture ends") {
        auto memory = std::make_unique<cuda::DeviceMemory>(64);
        Captured captured;
        memory.reset();
        const cudaError_t status = captured.end();
        CHECK_THROWS_WITH_AS(cuda::check_cuda(status), doctest::Contains("cudaFree"), DataError);
    }

    TEST_CASE("memory that an operation takes while it is captured is refused with CUDA's words") {
        Captured captured;
        CHECK_THROWS_WITH_AS(cuda::DeviceMemory(64),
                             doctest::Contains("operation not permitted when stream is capturing"), DataError);
    }

    TEST_CASE("kernels, copies within the card, copies of pinned memory and graphs are recorded") {
        const DeviceValues<float> in(std::vector<float>(256, 1.0f)), copy(std::vector<float>{0.0f}), sums(1);
        const cuda::DeviceMemory pinned(sizeof(float), true);
        cuda::check_cuda(cudaMemset(pinned.get(), 0, sizeof(float)));
        Captured inner;
        cuda::check_cuda(cudaMemcpyAsync(copy.get(), in.get(), sizeof(float), cudaMemcpyDeviceToDevice, inner.get()));
        REQUIRE(inner.end() == cudaSuccess);

        Captured outer;
        inner.launch_in(outer.get());
        cuda::check_cuda(cudaMemcpyAsync(pinned.get(), in.get(), sizeof(float), cudaMemcpyDefault, outer.get()));
        cuda::sum_blocks(in.get(), sums.get(), 1, outer.get());
        REQUIRE(outer.end() == cudaSuccess);
        CHECK(copy.read() == std::vector<float>{0.0f});
        CHECK(*pinned.as<float>() == 0.0f);
        if (emulator::kRecorded) CHECK_THROWS_AS(sums.read(), emulator::Misuse);  // nobody has written them
        outer.launch();
        CHECK(copy.read() == std::vector<float>{1.0f});
        CHECK(*pinned.as<float>() == 1.0f);
        CHECK(sums.read() == std::vector<float>{256.0f});
    }

    TEST_CASE("the default stream waits for captured streams that block it, and for no others") {
        const DeviceValues<float> memory(std::vector<float>(256)), sums(1);
        {
            Captured captured(cudaStreamCaptureModeThreadLocal, cudaStreamDefault);
            CHECK(cudaMemsetAsync(memory.get(), 0, 4) == cudaErrorStreamCaptureImplicit);
            CHECK(cudaStreamSynchronize(nullptr) == cudaErrorStreamCaptureImplicit);
            CHECK_THROWS_WITH_AS(cuda::sum_blocks(memory.get(), sums.get(), 1), doctest::Contains("legacy stream"),
                                 emulator::Misuse);
            CHECK(captured.end() == cudaErrorStreamCaptureInvalidated);
        }
        Captured captured;
        CHECK(cudaMemsetAsync(memory.get(), 0, 4) == cudaSuccess);
        CHECK_NOTHROW(cuda::sum_blocks(memory.get(), sums.get(), 1));
        CHECK(captured.end() == cudaSuccess);
        CHECK(sums.read() == std::vector<float>{0.0f});
    }

    TEST_CASE("events that were recorded in a captured stream are no times to wait for") {
        cudaEvent_t event = nullptr;
        cuda::check_cuda(cudaEventCreate(&event));
        Captured captured;
        cuda::check_cuda(cudaEventRecord(event, captured.get()));
        float milliseconds = 0.0f;
        CHECK(cudaEventSynchronize(event) == cudaErrorCapturedEvent);
        CHECK(cudaEventQuery(event) == cudaErrorCapturedEvent);
        CHECK(cudaEventElapsedTime(&milliseconds, event, event) == cudaErrorCapturedEvent);
        CHECK(captured.end() == cudaSuccess);
        cudaEventDestroy(event);
    }

    TEST_CASE("a capture ends in the thread that began it") {
        Captured captured;
        cudaError_t status = cudaSuccess;
        std::thread([&] {
            cudaGraph_t graph = nullptr;
            status = cudaStreamEndCapture(captured.get(), &graph);
        }).join();
        CHECK(status == cudaErrorStreamCaptureWrongThread);
        CHECK(captured.end() == cudaSuccess);
    }
}
