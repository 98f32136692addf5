// The CUDA device around its kernels: programs that go over some images at a time, tensors that are too large, and what
// errors say.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "engine/error.h"
#include "kernels/cuda/calibration/calibration.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/memory.h"
#include "kernels/emulator/faults.h"
#include "kernels/reference/device.h"
#include "support/operations.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr int64_t kImages = 6;

/// A convolution, a pool and a second convolution with temporaries between them.
struct Chain {
    explicit Chain(Device& d) : device(d) {
        Values values(11);
        const auto put = [&](const Shape& shape) {
            const Buffer buffer = device.create(shape);
            device.upload(*buffer, values.reals(element_count(shape)));
            return program.bind(buffer);
        };
        const TensorId x = put({kImages, 8, 8, 4}), first = put({8, 3, 3, 4}), second = put({8, 1, 1, 8});
        y = device.create({kImages, 4, 4, 8});
        const TensorId convolved = program.temporary({kImages, 8, 8, 8}),
                       pooled = program.temporary({kImages, 4, 4, 8});
        program.add(Convolution{x, first, convolved, ConvolutionWindow::square(1, 1)});
        program.add(MaxPool{convolved, pooled});
        program.add(Convolution{pooled, second, program.bind(y), ConvolutionWindow::square(1, 0)});
    }
    std::vector<float> result() {
        if (!compiled) compiled = device.compile(program);
        compiled->run();
        std::vector<float> values(static_cast<size_t>(element_count(y->shape())));
        device.download(*y, values);
        return values;
    }

    Device& device;
    Program program;
    Buffer y;
    std::unique_ptr<CompiledProgram> compiled;
};

std::vector<float> expected_result() {
    const auto reference = reference::make_reference_device();
    return Chain(*reference).result();
}

/// ADAQ_CUDA_SYNC while it lives.
class Environment {
  public:
    explicit Environment(const char* value) { setenv("ADAQ_CUDA_SYNC", value, 1); }
    ~Environment() { unsetenv("ADAQ_CUDA_SYNC"); }
};

std::string message_of(const std::function<void()>& action) {
    try {
        action();
    } catch (const DataError& error) {
        return error.what();
    }
    return "no DataError";
}

std::unique_ptr<Device> device_with(int64_t temporary_bytes, int64_t elements) {
    DeviceLimits limits = cuda::kLimits;
    limits.temporary_bytes = temporary_bytes;
    limits.elements = elements;
    return cuda::make_cuda_device(Math::f32, std::nullopt, false, limits);
}

}  // namespace

TEST_SUITE("the CUDA device") {
    TEST_CASE("programs in pieces have places for all tensors of all pieces") {
        const std::vector<float> expected = expected_result();
        for (const int64_t bytes : {1, 5000, 20000}) {
            for (const int64_t elements : {int64_t{512}, int64_t{1100}, kMostElements}) {
                CAPTURE(bytes);
                CAPTURE(elements);
                const auto device = device_with(bytes, elements);
                CHECK(relative_error(Chain(*device).result(), expected) < 1e-6);
            }
        }
    }

    TEST_CASE("an operation whose tensors have too many elements is refused by name, also in a batch of one") {
        const auto device = device_with(int64_t{1} << 30, 511);
        CHECK(message_of([&] { Chain(*device).result(); }) ==
              "operation 1 of 18, convolution of 1x8x8x4, 8x3x3x4, 1x8x8x8: a tensor of 512 elements, expected at most "
              "511; smaller batches or images have fewer");
    }

    TEST_CASE("order statistics of a group that is counted in pieces are those of the whole") {
        constexpr int64_t kElements = 20000;  // more than are sorted in one block
        Values values(3);
        std::vector<float> x = values.reals(kElements);
        const auto device = cuda::make_cuda_device();
        const Buffer tensor = device->create({kElements});
        device->upload(*tensor, x);
        const std::vector<int64_t> ranks{0, 1, 9999, 10000, 19998, 19999};
        std::sort(x.begin(), x.end());
        const cuda::Queue queue;
        const cuda::Groups groups{dynamic_cast<cuda::CudaTensor&>(*tensor).memory.as<float>(), 1, kElements};
        for (int64_t most : {int64_t{1} << 31, int64_t{20000}, int64_t{19999}, int64_t{7000}, int64_t{333}}) {
            CAPTURE(most);
            const std::vector<float> found = cuda::order_statistics(groups, ranks, queue, most);
            REQUIRE(found.size() == ranks.size());
            for (size_t i = 0; i < ranks.size(); ++i) CHECK(found[i] == x[static_cast<size_t>(ranks[i])]);
        }
    }

    TEST_CASE("with ADAQ_CUDA_SYNC=1 there is no graph, and the results are the same bits") {
        const auto with_graph = cuda::make_cuda_device();
        const Environment environment("1");
        const auto without = cuda::make_cuda_device();
        Chain chain(*without);
        const std::vector<float> first = chain.result();
        CHECK(first == Chain(*with_graph).result());
        CHECK(first == chain.result());
    }

    TEST_CASE("with ADAQ_CUDA_SYNC=1 an error names the operation that failed") {
        const Environment environment("1");
        const char* const names[] = {"operation 1 of 3, convolution of 6x8x8x4, 8x3x3x4, 6x8x8x8: ",
                                     "operation 2 of 3, max pool of 6x8x8x8, 6x4x4x8: ",
                                     "operation 3 of 3, convolution of 6x4x4x8, 8x1x1x8, 6x4x4x8: "};
        // One tile for all products, and no splits: each operation is one kernel.
        const auto device = cuda::make_cuda_device(Math::f32, cuda::Choice{cuda::TileSize::small, 1});
        for (int64_t launches = 0; launches < 3; ++launches) {
            CAPTURE(launches);
            Chain chain(*device);
            const emulator::FailingLaunch failing(launches);
            const std::string message = message_of([&] { chain.result(); });
            CHECK(message.starts_with(std::string(names[launches]) +
                                      "CUDA: an illegal memory access was encountered (compiled_program.cu:"));
            CHECK(message.find("ADAQ_CUDA_SYNC") == std::string::npos);
        }
    }

    TEST_CASE("without it an error says how to find the operation") {
        for (const char* value : {"", "0"}) {
            const Environment environment(value);
            const auto device = cuda::make_cuda_device();
            Chain chain(*device);
            static_cast<void>(chain.result());
            const emulator::FailingLaunch failing(1);
            const std::string message = message_of([&] { chain.result(); });
            CHECK(message.starts_with("CUDA: an illegal memory access was encountered (device.cu:"));
            CHECK(message.ends_with("; with ADAQ_CUDA_SYNC=1 in the environment the operation is named"));
        }
    }

    TEST_CASE("errors of calibration name their file") {
        const auto device = cuda::make_cuda_device();
        const Buffer x = device->create({4, 100});
        device->upload(*x, Values(2).reals(400));
        const emulator::FailingLaunch failing(0);
        CHECK(message_of([&] {
                  device->min_max(*x, 4);
              }).starts_with("CUDA: an illegal memory access was encountered (min_max.cu:"));
    }

    TEST_CASE("memory that is used up is told with what was wanted") {
        const auto device = cuda::make_cuda_device();
        const int64_t floats = int64_t{1} << 40;
        const std::string message = message_of([&] { device->create({floats}); });
        CHECK(message.starts_with("CUDA: out of memory (memory.h:"));
        CHECK(message.ends_with(": no room for 4398046511104 bytes of device memory"));
        const std::string pinned = message_of([&] { device->create({floats}, DType::f32, Placement::spilled); });
        CHECK(pinned.ends_with(": no room for 4398046511104 bytes of pinned host memory"));
    }
}
