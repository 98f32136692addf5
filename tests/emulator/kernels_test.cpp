// Kernels without mistakes run on the emulator, and give what they should whatever the order of threads.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "emulator/device_values.h"
#include "emulator/kernels.h"
#include "engine/bf16.h"

using namespace adaq;
using test::DeviceValues;

namespace {

/// Sets the seed for as long as it lives.
class Seed {
  public:
    explicit Seed(int seed) { setenv("ADAQ_EMULATOR_SEED", std::to_string(seed).c_str(), 1); }
    ~Seed() { unsetenv("ADAQ_EMULATOR_SEED"); }
};

std::vector<float> counted(size_t count, float first = 0.0f, float step = 1.0f) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) values[i] = first + step * static_cast<float>(i);
    return values;
}

std::vector<unsigned> order_with(int seed) {
    const Seed set(seed);
    const DeviceValues<unsigned> counter(std::vector<unsigned>{0}), order(64);
    cuda::arrival_order(counter.get(), order.get());
    return order.read();
}

}  // namespace

TEST_SUITE("emulator: kernels") {
    TEST_CASE("a reduction over 256 threads") {
        const DeviceValues<float> in(counted(3 * 256)), out(3);
        cuda::sum_blocks(in.get(), out.get(), 3);
        CHECK(out.read() == std::vector<float>{32640.0f, 98176.0f, 163712.0f});
    }

    TEST_CASE("a transposition through shared memory, with edges") {
        const int rows = 37, columns = 65;
        const auto values = counted(rows * columns);
        const DeviceValues<float> in(values), out(values.size());
        for (int seed = 0; seed < 3; ++seed) {
            const Seed set(seed);
            cuda::transpose(in.get(), out.get(), rows, columns);
            const auto transposed = out.read();
            for (size_t r = 0; r < rows; ++r) {
                for (size_t c = 0; c < columns; ++c) REQUIRE(transposed[c * rows + r] == values[r * columns + c]);
            }
        }
    }

    TEST_CASE("a pipeline of copies in the background") {
        const DeviceValues<float> in(counted(512)), out(512);
        cuda::double_in_background(in.get(), out.get(), 512);
        CHECK(out.read() == counted(512, 0.0f, 2.0f));
    }

    TEST_CASE("a bf16 product has the fragments that the PTX ISA describes") {
        std::vector<uint16_t> a(256), b(128);
        for (size_t i = 0; i < a.size(); ++i) a[i] = to_bf16(static_cast<float>(i % 23) - 9.0f).bits;
        for (size_t i = 0; i < b.size(); ++i) b[i] = to_bf16(static_cast<float>(i % 17) - 5.0f).bits;
        const DeviceValues<uint16_t> on_a(a), on_b(b);
        const DeviceValues<float> d(128);
        cuda::multiply_bf16(on_a.get(), on_b.get(), d.get());
        const auto product = d.read();
        for (size_t m = 0; m < 16; ++m) {
            for (size_t n = 0; n < 8; ++n) {
                float sum = 0.0f;
                for (size_t k = 0; k < 16; ++k) sum += to_float(bf16{a[m * 16 + k]}) * to_float(bf16{b[k * 8 + n]});
                CHECK(product[m * 8 + n] == sum);
            }
        }
    }

    TEST_CASE("a tf32 product has the fragments that the PTX ISA describes") {
        const auto a = counted(128, -40.0f), b = counted(64, -20.0f);
        const DeviceValues<float> on_a(a), on_b(b), d(128);
        cuda::multiply_tf32(on_a.get(), on_b.get(), d.get());
        const auto product = d.read();
        for (size_t m = 0; m < 16; ++m) {
            for (size_t n = 0; n < 8; ++n) {
                float sum = 0.0f;
                for (size_t k = 0; k < 8; ++k) sum += a[m * 8 + k] * b[k * 8 + n];
                CHECK(product[m * 8 + n] == sum);
            }
        }
    }

    TEST_CASE("products of codes have the fragments that the PTX ISA describes, and sums wrap around") {
        std::vector<uint8_t> a(16 * 32);
        std::vector<int8_t> b(32 * 8);
        for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<uint8_t>(255 - i * 7 % 256);
        for (size_t i = 0; i < b.size(); ++i) b[i] = static_cast<int8_t>(static_cast<int>(i * 11 % 256) - 128);
        std::vector<int32_t> before(16 * 8);
        for (size_t i = 0; i < before.size(); ++i)
            before[i] = i % 3 == 0 ? std::numeric_limits<int32_t>::max() : static_cast<int32_t>(i) - 60;
        const DeviceValues<uint8_t> on_a(a);
        const DeviceValues<int8_t> on_b(b);
        for (const bool by_quarters : {false, true}) {
            const DeviceValues<int32_t> d(before);
            cuda::multiply_codes(on_a.get(), on_b.get(), d.get(), by_quarters);
            const auto product = d.read();
            for (size_t m = 0; m < 16; ++m) {
                for (size_t n = 0; n < 8; ++n) {
                    int64_t sum = before[m * 8 + n];
                    for (size_t k = 0; k < 32; ++k) sum += int64_t{a[m * 32 + k]} * b[k * 8 + n];
                    CHECK(product[m * 8 + n] == static_cast<int32_t>(static_cast<uint32_t>(sum)));
                }
            }
        }
    }

    TEST_CASE("the last block reads what the others published") {
        const DeviceValues<float> in(counted(5 * 32)), partials(5), out(1);
        const DeviceValues<unsigned> ticket(std::vector<unsigned>{0});
        for (int seed = 0; seed < 4; ++seed) {
            const Seed set(seed);
            cuda::sum_by_last_block(in.get(), partials.get(), out.get(), ticket.get(), 5, true);
            CHECK(out.read() == std::vector<float>{12720.0f});
        }
    }

    TEST_CASE("a seed repeats its order of threads, and seeds differ") {
        const auto order = order_with(7);
        CHECK(order == order_with(7));
        CHECK(order != order_with(8));
        auto sorted = order;
        std::sort(sorted.begin(), sorted.end());
        std::vector<unsigned> all(64);
        std::iota(all.begin(), all.end(), 0u);
        CHECK(sorted == all);
    }

    TEST_CASE("a captured stream does nothing until its graph is launched") {
        cudaStream_t stream = nullptr;
        cuda::check_cuda(cudaStreamCreate(&stream));
        const DeviceValues<float> from(counted(4)), to(std::vector<float>(4));
        cuda::check_cuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
        cuda::check_cuda(cudaMemcpyAsync(to.get(), from.get(), 16, cudaMemcpyDeviceToDevice, stream));
        cudaGraph_t graph = nullptr;
        cuda::check_cuda(cudaStreamEndCapture(stream, &graph));
        cudaGraphExec_t exec = nullptr;
        cuda::check_cuda(cudaGraphInstantiate(&exec, graph));
        CHECK(to.read() == std::vector<float>(4));
        cuda::check_cuda(cudaGraphLaunch(exec, stream));
        CHECK(to.read() == counted(4));
        cudaGraphExecDestroy(exec);
        cudaGraphDestroy(graph);
        cudaStreamDestroy(stream);
    }
}
