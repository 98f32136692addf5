// What a profiler is shown of a run: one iteration of each program that learns, where it is asked for.
#include <doctest/doctest.h>

#include <cstdlib>

#include "engine/program/device.h"
#include "kernels/emulator/profiler.h"

using namespace adaq;

namespace {

class Asked {
  public:
    explicit Asked(const char* value) { setenv("ADAQ_CUDA_PROFILE", value, 1); }
    ~Asked() { unsetenv("ADAQ_CUDA_PROFILE"); }
    Asked(const Asked&) = delete;
    Asked& operator=(const Asked&) = delete;
};

/// How often the profiler was on while a program of one operation ran in pieces of so many iterations, after each
/// piece.
std::vector<int> stretches_of(bool learning, const std::vector<int64_t>& pieces) {
    const auto device = make_device("cuda");
    const Shape shape{2, 4};
    const auto put = [&](const Shape& of, float value) {
        const Buffer buffer = device->create(of);
        device->upload(*buffer, std::vector<float>(static_cast<size_t>(element_count(of)), value));
        return buffer;
    };
    Program program;
    if (learning) {
        AdamStep op;
        op.x = program.bind(put(shape, 1.0f));
        op.gradient = program.bind(put(shape, 0.5f));
        op.first_moment = program.bind(put(shape, 0.0f));
        op.second_moment = program.bind(put(shape, 0.0f));
        op.state = program.bind(put({kIterationValues}, 1.0f));
        program.add(op);
    } else {
        program.add(
            Addition{program.bind(put(shape, 1.0f)), program.bind(put(shape, 2.0f)), program.bind(put(shape, 0.0f))});
    }
    const auto compiled = device->compile(program);
    const int before = emulator::profiled_stretches();
    std::vector<int> found;
    for (int64_t n : pieces) {
        compiled->run(n);
        found.push_back(emulator::profiled_stretches() - before);
    }
    return found;
}

}  // namespace

TEST_SUITE("cuda: what a profiler is shown") {
    TEST_CASE("the second iteration of a program that learns, and nothing else") {
        const Asked asked("1");
        CHECK(stretches_of(true, {1, 1, 1, 5}) == std::vector<int>{0, 1, 1, 1});
        CHECK(stretches_of(true, {5}) == std::vector<int>{1});
        CHECK(stretches_of(false, {1, 1, 1}) == std::vector<int>{0, 0, 0});
    }

    TEST_CASE("nothing unless it is asked for") {
        CHECK(stretches_of(true, {1, 1, 1}) == std::vector<int>{0, 0, 0});
        const Asked asked("0");
        CHECK(stretches_of(true, {1, 1, 1}) == std::vector<int>{0, 0, 0});
    }
}
