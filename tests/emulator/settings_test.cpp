// The emulated card's settings: what the environment asks for, and that the CUDA device is another for it.
#include "kernels/emulator/settings.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "emulator/with_settings.h"
#include "engine/program/arena.h"
#include "kernels/cuda/device.h"
#include "kernels/emulator/device_memory.h"
#include "kernels/emulator/misuse.h"
#include "support/operations.h"

using namespace adaq;
using emulator::ProductSums;
using emulator::Settings;
using test::WithSettings;

namespace {

/// A variable of the environment, for as long as this lives.
class Variable {
  public:
    Variable(const char* name, const char* value) : name_(name) {
        if (const char* text = std::getenv(name)) before_ = text;
        setenv(name, value, 1);
    }
    ~Variable() { before_.empty() ? unsetenv(name_) : setenv(name_, before_.c_str(), 1); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

  private:
    const char* name_;
    std::string before_;
};

constexpr const char* kMultiprocessors = "ADAQ_EMULATOR_MULTIPROCESSORS";
constexpr const char* kShareMemory = "ADAQ_EMULATOR_SHARE_MEMORY";
constexpr const char* kSums = "ADAQ_EMULATOR_SUMS";
constexpr const char* kCapability = "ADAQ_EMULATOR_CAPABILITY";

Settings with_multiprocessors(int count) {
    Settings settings;
    settings.multiprocessors = count;
    return settings;
}
Settings with_shared_memory(bool shared) {
    Settings settings;
    settings.share_memory = shared;
    return settings;
}

/// A compiled program's own memory, and what it makes of its input in two runs.
struct Outcome {
    size_t bytes = 0;
    std::vector<float> first, second;
};

Outcome outcome_of(Device& device, const Program& program, const Buffer& output) {
    const size_t before = emulator::device_memory().bytes_in_use();
    const auto compiled = device.compile(program);
    Outcome outcome{emulator::device_memory().bytes_in_use() - before, {}, {}};
    for (std::vector<float>* result : {&outcome.first, &outcome.second}) {
        compiled->run();
        result->resize(static_cast<size_t>(element_count(output->shape())));
        device.download(*output, *result);
    }
    return outcome;
}

/// Convolutions of 64 channels one behind the other.
struct LayerChain {
    static constexpr int kLength = 6;
    static constexpr int64_t kChannels = 64;

    std::unique_ptr<Device> device = cuda::make_cuda_device();
    Program program;
    Buffer output;

    LayerChain() {
        test::Values values(17);
        const Shape map{2, 5, 6, kChannels}, filter{kChannels, 3, 3, kChannels};
        const auto put = [&](const Shape& shape) {
            const Buffer buffer = device->create(shape);
            device->upload(*buffer, values.reals(element_count(shape)));
            return program.bind(buffer);
        };
        TensorId x = put(map);
        for (int i = 0; i < kLength; ++i) {
            if (i == kLength - 1) output = device->create(map);
            const TensorId w = put(filter), y = i == kLength - 1 ? program.bind(output) : program.temporary(map);
            program.add(Convolution{x, w, y, ConvolutionWindow::square(1, 1)});
            x = y;
        }
    }
    Outcome run() { return outcome_of(*device, program, output); }
};

}  // namespace

TEST_SUITE("emulator: settings") {
    TEST_CASE("the environment chooses them, and a value that is none is refused") {
        const Settings plain;
        CHECK(plain.multiprocessors == 4);
        CHECK(!plain.share_memory);
        CHECK(plain.sums == ProductSums::rounded);
        CHECK(plain.capability == 90);
        {
            const Variable a(kMultiprocessors, "132"), b(kShareMemory, "1"), c(kSums, "ampere"), d(kCapability, "75");
            CHECK(emulator::settings_of_environment() == Settings{132, true, ProductSums::ampere, 75});
        }
        {
            const Variable a(kMultiprocessors, ""), b(kShareMemory, "0"), c(kSums, "hopper");
            CHECK(emulator::settings_of_environment() == Settings{4, false, ProductSums::hopper});
        }
        for (const char* wrong : {"0", "-1", "132x", " 132", "99999999999"}) {
            const Variable set(kMultiprocessors, wrong);
            CHECK_THROWS_WITH_AS(emulator::settings_of_environment(),
                                 doctest::Contains("ADAQ_EMULATOR_MULTIPROCESSORS="), emulator::Misuse);
        }
        for (const char* wrong : {"70", "100", "sm_80"}) {
            const Variable set(kCapability, wrong);
            CHECK_THROWS_WITH_AS(emulator::settings_of_environment(),
                                 doctest::Contains("expected a number from 75 to 90"), emulator::Misuse);
        }
        const Variable shared(kShareMemory, "yes");
        CHECK_THROWS_WITH_AS(emulator::settings_of_environment(), "ADAQ_EMULATOR_SHARE_MEMORY=yes: expected 0 or 1",
                             emulator::Misuse);
        const Variable right(kShareMemory, "1"), sums(kSums, "truncated");
        CHECK_THROWS_WITH_AS(emulator::settings_of_environment(),
                             "ADAQ_EMULATOR_SUMS=truncated: expected rounded, ampere or hopper", emulator::Misuse);
    }

    TEST_CASE("a device knows how many multiprocessors there are, and splits products among them") {
        const auto bytes_of_parts = [](int multiprocessors) {
            const WithSettings set(with_multiprocessors(multiprocessors));
            const auto device = cuda::make_cuda_device();
            CHECK(device->description().find(std::to_string(multiprocessors) + " multiprocessors") !=
                  std::string::npos);
            const int64_t channels = 512, outputs = 64;
            test::Values values(5);
            Program program;
            const auto put = [&](const Shape& shape) {
                const Buffer buffer = device->create(shape);
                device->upload(*buffer, values.wholes(element_count(shape), -2, 2));
                return program.bind(buffer);
            };
            const TensorId x = put({1, 2, 2, channels}), w = put({outputs, 3, 3, channels});
            const Buffer y = device->create({1, 2, 2, outputs});
            program.add(Convolution{x, w, program.bind(y), ConvolutionWindow::square(1, 1)});
            return outcome_of(*device, program, y);
        };
        const size_t part = 4 * 64 * sizeof(float);
        const Outcome few = bytes_of_parts(4), many = bytes_of_parts(132);
        CHECK(few.bytes == 8 * part);    // two blocks a multiprocessor
        CHECK(many.bytes == 64 * part);  // as many as a sum is ever split in
        CHECK(few.first == many.first);  // whole numbers: the same in every order
        CHECK(many.second == many.first);
    }

    TEST_CASE("temporaries and scratch share memory where the settings say so, and results are the same bits") {
        LayerChain chain;
        const auto run = [&](bool shared) {
            const WithSettings set(with_shared_memory(shared));
            return chain.run();
        };
        const Outcome apart = run(false), together = run(true);
        const size_t map = 2 * 5 * 6 * 64 * sizeof(float);
        // Every product is split in pieces: its parts are scratch.
        REQUIRE((apart.bytes - (LayerChain::kLength - 1) * map) % LayerChain::kLength == 0);
        const size_t scratch = (apart.bytes - (LayerChain::kLength - 1) * map) / LayerChain::kLength;
        CHECK(scratch > 0);
        CHECK(static_cast<size_t>(make_arena(chain.program).floats) * sizeof(float) == 2 * map);
        CHECK(together.bytes == 2 * map + scratch);
        CHECK(together.first == apart.first);
        CHECK(together.second == apart.first);
        CHECK(apart.second == apart.first);
    }

    // Not run by itself: ctest asks it of the runs in which suites are held to a card like real ones.
    TEST_CASE("the emulated card is like a real one" * doctest::skip()) {
        CHECK(emulator::settings() == Settings{132, true, ProductSums::ampere});
    }
}
