// Spilled tensors: every operation gives the same bits on them, and what they take is real room.
#include <doctest/doctest.h>

#include <filesystem>

#include "engine/error.h"
#include "kernels/host_memory.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/temporary_folder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

Buffer placed(Device& device, const Shape& shape, Values& values, Placement placement) {
    Buffer buffer = device.create(shape, DType::f32, placement);
    device.upload(*buffer, values.reals(element_count(shape)));
    return buffer;
}

std::vector<float> get(Device& device, const Buffer& buffer) {
    std::vector<float> values(static_cast<size_t>(element_count(buffer->shape())));
    device.download(*buffer, values);
    return values;
}

/// A convolution of cached images into a cache, and a loss on rows of it: as reconstruction uses its caches.
std::vector<float> convolve_and_compare(const std::string& name, Placement placement) {
    const auto device = make_device(name, 2);
    Values values(3);
    const Buffer x = placed(*device, {6, 9, 7, 8}, values, placement),
                 w = placed(*device, {16, 3, 3, 8}, values, placement),
                 y = placed(*device, {6, 9, 7, 16}, values, placement),
                 batch = placed(*device, {2, 9, 7, 16}, values, Placement::device),
                 dy = placed(*device, {2, 9, 7, 16}, values, Placement::device),
                 loss = placed(*device, {1}, values, Placement::device);
    Program forward;
    forward.add(Convolution{forward.bind(x), forward.bind(w), forward.bind(y), ConvolutionWindow::square(1, 1)});
    device->compile(forward)->run();
    const Buffer rows = device->create({2});
    device->upload(*rows, std::vector<float>{4.0f, 1.0f});
    Program compare;
    const TensorId indices = compare.bind(rows), some = compare.bind(batch);
    compare.add(Gather{compare.bind(y), some, indices});
    const Buffer target = placed(*device, {6, 9, 7, 16}, values, placement);
    compare.add(SquaredError{some, compare.bind(target), compare.bind(dy), compare.bind(loss), indices});
    device->compile(compare)->run();
    std::vector<float> all = get(*device, y);
    for (const Buffer& b : {batch, dy, loss}) {
        const std::vector<float> part = get(*device, b);
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

}  // namespace

TEST_SUITE("spilled tensors") {
    TEST_CASE("operations on spilled tensors give the bits that they give in the device's memory") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            CHECK(convolve_and_compare(device, Placement::device) == convolve_and_compare(device, Placement::spilled));
        }
    }

    TEST_CASE("ranges of a spilled tensor are those of its values") {
        for (const std::string& device_name : all_devices()) {
            CAPTURE(device_name);
            const auto device = make_device(device_name, 2);
            const Buffer x = device->create({5}, DType::f32, Placement::spilled);
            device->upload(*x, std::vector<float>{3.0f, -2.0f, 8.0f, 0.0f, 1.0f});
            CHECK(device->min_max(*x, 1)[0].min == -2.0f);
            CHECK(device->min_max(*x, 1)[0].max == 8.0f);
            const std::vector<int64_t> ranks{1, 3};
            CHECK(device->order_statistics(*x, 1, ranks) == std::vector<float>{0.0f, 3.0f});
        }
    }

    TEST_CASE("a device knows how much of its memory is free") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            CHECK(make_device(device, 2)->free_memory() > 1000000);
        }
    }

    TEST_CASE("a spill file leaves no name in its folder, and a folder that cannot hold it is named") {
        const TemporaryFolder folder;
        {
            const SpillFile file(folder.path(), 10000);
            static_cast<char*>(file.data())[9999] = 1;
            CHECK(folder.count() == 0);
        }
        CHECK_THROWS_WITH_AS(SpillFile(folder / "nowhere", 10), doctest::Contains("nowhere: cannot hold"), DataError);
        CHECK_THROWS_WITH_AS(SpillFile(folder.path(), size_t{1} << 60), doctest::Contains("no room for"), DataError);
    }
}
