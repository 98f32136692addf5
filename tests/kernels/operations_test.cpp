// Operations of inference: the reference against PyTorch's numbers, every device against the reference, with every form
// of epilogue.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "support/devices.h"
#include "support/operations.h"
#include "support/places.h"

using namespace adaq;
using namespace adaq::test;

namespace {

const nlohmann::json& operation_fixtures() {
    static const auto json = nlohmann::json::parse(std::ifstream(fixtures_folder() + "/operations/operations.json"));
    return json;
}

/// A convolution with all that may stand in its epilogue.
struct ConvolutionCase {
    int64_t n, h, w, c, k, r;
    int stride, padding;
    bool scale = false, shift = false, residual = false, relu = false, quantise = false, codes = false;
    float residual_scale = 1.0f;
    float highest = std::numeric_limits<float>::infinity();  // of the activation, beside ReLU's 0
};

/// whole: integers, as when codes are multiplied.
std::vector<float> convolve(Bench& bench, const ConvolutionCase& c, bool whole = false) {
    Values values(static_cast<uint64_t>(c.n * 131 + c.h * 31 + c.c * 7 + c.k));
    const auto make = [&](int64_t count) { return whole ? values.wholes(count, -15, 15) : values.reals(count); };
    const Shape y_shape{c.n, window_extent(c.h, c.r, c.stride, c.padding), window_extent(c.w, c.r, c.stride, c.padding),
                        c.k};
    Program program;
    const TensorId x = program.bind(bench.put({c.n, c.h, c.w, c.c}, make(c.n * c.h * c.w * c.c)));
    const TensorId w = program.bind(bench.put({c.k, c.r, c.r, c.c}, make(c.k * c.r * c.r * c.c)));
    const Buffer y = bench.device().create(y_shape);
    Convolution op{x, w, program.bind(y), ConvolutionWindow::square(c.stride, c.padding)};
    if (c.scale) op.epilogue.scale = program.bind(bench.put({c.k}, values.reals(c.k)));
    if (c.shift) op.epilogue.shift = program.bind(bench.put({c.k}, values.reals(c.k)));
    if (c.residual) op.epilogue.residual = program.bind(bench.put(y_shape, make(element_count(y_shape))));
    op.epilogue.residual_scale = c.residual_scale;
    op.epilogue.activation = c.relu ? Activation::clamp(0.0f, c.highest) : Activation::none();
    if (c.quantise)
        op.epilogue.quantiser =
            OutputQuantiser{{4, c.relu}, program.bind(bench.put({1}, {0.37f})), c.relu ? 0.0f : 2.0f, c.codes};
    program.add(op);
    bench.device().compile(program)->run();
    return bench.get(y);
}

std::vector<float> run_one(Bench& bench, const nlohmann::json& test, const char* kind) {
    Program program;
    const TensorId x = program.bind(bench.put(test["x_shape"].get<Shape>(), test["x"].get<std::vector<float>>()));
    TensorId w = kNone;
    if (test.contains("w"))
        w = program.bind(bench.put(test["w_shape"].get<Shape>(), test["w"].get<std::vector<float>>()));
    const Buffer y = bench.device().create(test["y_shape"].get<Shape>());
    const TensorId out = program.bind(y);
    const std::string name = kind;
    if (name == "convolution")
        program.add(
            Convolution{x, w, out, ConvolutionWindow::square(test["stride"].get<int>(), test["padding"].get<int>())});
    if (name == "linear") program.add(Linear{x, w, out, {}});
    if (name == "max_pool") program.add(MaxPool{x, out});
    if (name == "global_average_pool") program.add(GlobalAveragePool{x, out});
    bench.device().compile(program)->run();
    return bench.get(y);
}

}  // namespace

TEST_SUITE("operations") {
    TEST_CASE("convolution, pooling and the fully connected layer agree with PyTorch on every device") {
        for (const std::string& device : all_devices()) {
            Bench bench(device);
            for (const char* kind : {"convolution", "linear", "max_pool", "global_average_pool"}) {
                for (const auto& test : operation_fixtures()[kind]) {
                    INFO(device << " " << kind << " " << test["x_shape"].dump());
                    CHECK(relative_error(run_one(bench, test, kind), test["y"].get<std::vector<float>>()) < 1e-6);
                }
            }
        }
    }

    TEST_CASE("convolution agrees with the reference at ResNet's windows, odd sizes and every epilogue") {
        Bench reference("reference");
        std::vector<ConvolutionCase> cases{
            {1, 17, 15, 3, 16, 7, 2, 3}, {3, 9, 9, 16, 32, 3, 1, 1}, {2, 8, 8, 16, 24, 3, 2, 1},
            {5, 7, 7, 32, 64, 1, 2, 0},  {1, 1, 1, 64, 64, 1, 1, 0}, {9, 2, 2, 64, 64, 3, 1, 1},
            {2, 1, 1, 32, 16, 3, 2, 1},  {7, 5, 6, 13, 11, 3, 1, 1}, {2, 14, 14, 8, 8, 1, 1, 0},
            {33, 4, 4, 16, 16, 3, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 0}};
        for (const std::string& device : devices_under_test()) {
            Bench bench(device);
            for (ConvolutionCase c : cases) {
                for (int form = 0; form < 32; ++form) {
                    c.scale = form & 1;
                    c.shift = form & 2;
                    c.residual = form & 4;
                    c.relu = form & 8;
                    c.residual_scale = form & 16 ? 0.25f : 1.0f;
                    c.highest = form & 16 ? 0.5f : std::numeric_limits<float>::infinity();
                    INFO(device << " c" << c.c << " k" << c.k << " r" << c.r << " stride " << c.stride << " form "
                                << form);
                    CHECK(relative_error(convolve(bench, c), convolve(reference, c)) < 1e-5);
                }
            }
        }
    }

    TEST_CASE("a convolution of integers is exact, quantised output and all") {
        Bench reference("reference");
        for (const std::string& device : devices_under_test()) {
            Bench bench(device);
            for (ConvolutionCase c : {ConvolutionCase{3, 9, 9, 16, 32, 3, 1, 1},
                                      {2, 8, 8, 64, 24, 3, 2, 1},
                                      {6, 2, 2, 128, 64, 3, 1, 1},
                                      {1, 12, 12, 3, 8, 7, 2, 3}}) {
                CHECK(convolve(bench, c, true) == convolve(reference, c, true));
                for (bool codes : {false, true}) {
                    for (bool relu : {false, true}) {
                        c.quantise = true;
                        c.codes = codes;
                        c.relu = relu;
                        CHECK(convolve(bench, c, true) == convolve(reference, c, true));
                    }
                }
            }
        }
    }

    TEST_CASE("the same bits on one thread and on two, for one image and for many") {
        const ConvolutionCase one{1, 9, 9, 24, 32, 3, 1, 1, true, true, false, true, true, true};
        for (const std::string& device : devices_under_test()) {
            Bench single(device, 1);
            const std::vector<float> expected = convolve(single, one, true);
            Bench two(device, 2);
            CHECK(convolve(two, one, true) == expected);
        }
    }

    TEST_CASE("fake quantisation rounds half to even, clamps, and keeps zero, on every device") {
        // s = 0.5, z = 1, signed 3 bit: integers -4 ... 3, values (q - z) s = -2.5 ... 1
        const std::vector<float> x{0.0f, 0.25f, 0.75f, -0.25f, 5.0f, -5.0f, INFINITY, -INFINITY, 0.2500001f, -1.25f};
        const std::vector<float> expected{0.0f, 0.0f, 1.0f, 0.0f, 1.0f, -2.5f, 1.0f, -2.5f, 0.5f, -1.0f};
        for (const std::string& device : all_devices()) {
            Bench bench(device);
            for (bool codes : {false, true}) {
                Program program;
                const Buffer y = bench.device().create({1, 10});
                program.add(FakeQuantise{program.bind(bench.put({1, 10}, x)),
                                         program.bind(y),
                                         {{3, false}, program.bind(bench.put({1}, {0.5f})), 1.0f, codes}});
                bench.device().compile(program)->run();
                std::vector<float> want = expected;
                if (codes) {
                    for (float& v : want) v *= 2.0f;
                }
                CHECK(bench.get(y) == want);
            }
        }
    }

    TEST_CASE("every quantiser gives the reference's bits, ties and all") {
        Bench reference("reference");
        for (float scale : {0.1f, 0.037f, 1.0f / 3.0f, 1e-8f, 2.0f}) {
            Values values(7);
            std::vector<float> x = values.reals(4099);
            for (size_t i = 0; i < 300; ++i)
                x[i] = (static_cast<float>(i) - 150.0f + 0.5f) * scale;  // ties, as far as float goes
            const auto run = [&](Bench& bench) {
                Program program;
                const Buffer y = bench.device().create({1, 4099});
                program.add(FakeQuantise{program.bind(bench.put({1, 4099}, x)),
                                         program.bind(y),
                                         {{8, false}, program.bind(bench.put({1}, {scale})), 3.0f, false}});
                bench.device().compile(program)->run();
                return bench.get(y);
            };
            for (const std::string& device : devices_under_test()) {
                Bench bench(device);
                CHECK(run(bench) == run(reference));
            }
        }
    }

    TEST_CASE("addition weighs its operands, rectifies and quantises") {
        for (const std::string& device : all_devices()) {
            Bench bench(device);
            Program program;
            const Buffer plain = bench.device().create({2, 1, 1, 2}), quantised = bench.device().create({2, 1, 1, 2});
            const TensorId a = program.bind(bench.put({2, 1, 1, 2}, {1.0f, -2.0f, 3.0f, 4.0f}));
            const TensorId b = program.bind(bench.put({2, 1, 1, 2}, {1.0f, 1.0f, -8.0f, 0.5f}));
            program.add(Addition{a, b, program.bind(plain), 2.0f, 0.5f, std::nullopt});
            program.add(Addition{a, b, program.bind(quantised), 2.0f, 0.5f,
                                 OutputQuantiser{{3, true}, program.bind(bench.put({1}, {1.0f})), 0.0f, false}});
            const Buffer limited = bench.device().create({2, 1, 1, 2});
            Addition clamped{a, b, program.bind(limited), 2.0f, 0.5f, std::nullopt};
            clamped.activation = Activation::clamp(-1.0f, 6.0f);
            program.add(clamped);
            bench.device().compile(program)->run();
            CHECK(bench.get(limited) == std::vector<float>{2.5f, -1.0f, 2.0f, 6.0f});
            CHECK(bench.get(plain) == std::vector<float>{2.5f, 0.0f, 2.0f, 8.25f});
            CHECK(bench.get(quantised) == std::vector<float>{2.0f, 0.0f, 2.0f, 7.0f});
        }
    }

    TEST_CASE("weights uploaded after compiling are seen by the next run") {
        for (const std::string& device : all_devices()) {
            Bench bench(device);
            Program program;
            const Buffer w = bench.put({1, 1, 1, 1}, {2.0f}), y = bench.device().create({1, 1, 1, 1});
            program.add(Convolution{program.bind(bench.put({1, 1, 1, 1}, {3.0f})), program.bind(w), program.bind(y),
                                    ConvolutionWindow::square(1, 0)});
            const auto compiled = bench.device().compile(program);
            compiled->run();
            CHECK(bench.get(y)[0] == 6.0f);
            bench.device().upload(*w, std::vector<float>{5.0f});
            compiled->run();
            CHECK(bench.get(y)[0] == 15.0f);
        }
    }

    TEST_CASE("a program whose shapes do not fit, or that reads what nobody wrote, is refused") {
        Bench bench("reference");
        const Buffer x = bench.put({1, 2, 2, 3}, std::vector<float>(12)), y = bench.device().create({1, 2, 2, 3});
        const auto refused = [&](auto make) {
            Program program;
            program.add(make(program));
            CHECK_THROWS_AS(bench.device().compile(program), std::logic_error);
        };
        refused([&](Program& p) {
            return Convolution{p.bind(x), p.bind(bench.put({3, 1, 1, 2}, std::vector<float>(6))), p.bind(y),
                               ConvolutionWindow::square(1, 0)};
        });
        refused([&](Program& p) {
            return Convolution{p.bind(x), p.bind(bench.put({2, 1, 1, 3}, std::vector<float>(6))), p.bind(y),
                               ConvolutionWindow::square(1, 0)};
        });
        refused([&](Program& p) {
            return Addition{p.bind(x), p.temporary({1, 2, 2, 3}), p.bind(y), 1.0f, 1.0f, std::nullopt};
        });
        refused([&](Program& p) { return MaxPool{p.bind(x), p.bind(y)}; });
        refused([&](Program& p) { return FakeQuantise{p.bind(x), p.bind(y), {{8, false}, kNone, 0.0f, false}}; });
        refused([&](Program& p) { return GlobalAveragePool{p.bind(x), 99}; });
    }
}
