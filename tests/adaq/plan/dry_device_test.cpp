// The device that allocates and computes nothing.
#include "adaq/plan/dry_device.h"

#include <doctest/doctest.h>

#include <utility>

#include "engine/error.h"

using namespace adaq;

namespace {

/// With limits and arithmetic of its own.
class Narrow : public DryDevice {
  public:
    using DryDevice::DryDevice;
    std::string name() const override { return "narrow"; }
    DeviceLimits limits() const override {
        DeviceLimits limits;
        limits.elements = 1000;
        limits.pooling_window = 3;
        return limits;
    }
    Math math() const override { return Math::bf16; }
};

std::string refusal(Device& device, const Program& program) {
    try {
        device.compile(program)->run(1000);
    } catch (const DataError& error) {
        return error.what();
    }
    return "";
}

Program pooling(Device& device, int64_t images, int window) {
    Program program;
    MaxPool pool{program.bind(device.create({images, 8, 8, 2})), program.bind(device.create({images, 4, 4, 2}))};
    pool.window = PoolingWindow::square(window, 2, (window - 1) / 2);
    program.add(pool);
    return program;
}

/// Learning, which is not cut into pieces.
Program pooling_back(Device& device, int64_t images) {
    Program program;
    const TensorId x = program.bind(device.create({images, 8, 8, 2}));
    program.add(MaxPoolGradient{x, program.bind(device.create({images, 4, 4, 2})),
                                program.bind(device.create({images, 8, 8, 2}))});
    return program;
}

Program adding(Device& device, const Activation& activation) {
    Program program;
    const TensorId x = program.bind(device.create({2, 4}));
    Addition sum{x, x, program.bind(device.create({2, 4}))};
    sum.activation = activation;
    program.add(sum);
    return program;
}

}  // namespace

TEST_SUITE("dry device") {
    TEST_CASE("tensors of any size take no memory, wherever they are to lie, and what is read from them is zeros") {
        const auto cpu = make_device("cpu", 1);
        DryDevice dry(*cpu);
        std::vector<Buffer> tensors;
        for (const Placement placement : {Placement::device, Placement::spilled})
            for (int i = 0; i < 100; ++i)
                tensors.push_back(dry.create({int64_t{1} << 28, 1024}, DType::f32, placement));  // a terabyte each
        CHECK(tensors[0]->shape() == Shape{int64_t{1} << 28, 1024});
        CHECK(dry.create({2}, DType::i8)->dtype() == DType::i8);
        dry.upload(*tensors[0], {});
        std::vector<float> values(3, 5.0f), room;
        dry.download(*tensors[0], values);
        CHECK(values == std::vector<float>(3));
        dry.edit(*tensors[0], room, [](std::span<float>) { FAIL("there are no values to change"); });
        CHECK(room.empty());
    }

    TEST_CASE("it says of itself what the device says that it stands for") {
        const auto cpu = make_device("cpu", 1);
        const Narrow narrow(*cpu);
        const DryDevice dry(static_cast<const Device&>(narrow)), of_cpu(*cpu);
        CHECK(dry.name() == "narrow");
        CHECK(dry.description() == cpu->description());
        CHECK(dry.math() == Math::bf16);
        CHECK(dry.limits().elements == 1000);
        CHECK(of_cpu.math() == Math::f32);
        CHECK(of_cpu.limits().elements == DeviceLimits::kNoLimit);
    }

    TEST_CASE("what a device refuses to compile is refused with the same words, and nothing else is") {
        const auto cpu = make_device("cpu", 1);
        Narrow narrow(*cpu);
        DryDevice dry(static_cast<const Device&>(narrow)), of_cpu(*cpu);
        const auto check = [&](const auto& make, bool refused) {
            const std::string words = refusal(narrow, make(narrow));
            CHECK(words.empty() != refused);
            CHECK(refusal(dry, make(dry)) == words);
            CHECK(refusal(of_cpu, make(of_cpu)) == "");
        };
        check([](Device& device) { return pooling(device, 2, 3); }, false);
        check([](Device& device) { return pooling(device, 20, 3); }, false);  // in pieces
        check([](Device& device) { return pooling(device, 2, 5); }, true);    // the window
        check([](Device& device) { return pooling_back(device, 2); }, false);
        check([](Device& device) { return pooling_back(device, 20); }, true);  // elements
        CHECK(refusal(of_cpu, adding(of_cpu, Activation::relu())) == "");
        CHECK(refusal(of_cpu, adding(of_cpu, Activation::clamp(0.0f, 6.0f))) == "");
        Program wrong = adding(dry, Activation::none());
        wrong.add(Addition{0, 1, wrong.bind(dry.create({3, 4}))});
        CHECK_THROWS_AS(dry.compile(wrong), std::logic_error);
    }

    TEST_CASE("a program keeps the tensors that it is bound to, as those of any device do") {
        const auto cpu = make_device("cpu", 1);
        DryDevice dry(*cpu);
        for (Device* device : {cpu.get(), static_cast<Device*>(&dry)}) {
            const Buffer x = device->create({2, 4});
            Program program;
            program.add(Gather{program.bind(x), program.bind(device->create({2, 4}))});
            std::unique_ptr<CompiledProgram> compiled = device->compile(std::exchange(program, {}));
            CHECK(x.use_count() == 2);
            compiled.reset();
            CHECK(x.use_count() == 1);
        }
    }
}
