// Gathering minibatches, mixing two caches, dropping, and an iteration's values.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "support/devices.h"
#include "support/operations.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

constexpr Stream kBatchStream{11, 4, 2, 3};

struct Mixed {
    std::vector<double> y, indices;
};

/// Rows of one or two caches, `rows` of `row` values, in the third iteration.
Mixed gather(const std::string& device, int64_t rows, int64_t row, int64_t batch, bool mixing, bool half) {
    Values values(static_cast<uint64_t>(rows * 100 + row));
    ProgramBuilder builder(device);
    const auto cache = [&](const std::string& name) {
        const std::vector<float> data = values.reals(rows * row);
        if (!half) return builder.put(name, {rows, row}, data);
        const Buffer buffer = builder.device().create({rows, row}, DType::bf16);
        builder.device().upload(*buffer, data);
        return builder.program().bind(buffer);
    };
    Gather op{cache("x"), builder.out("y", {batch, row}), builder.out("indices", {batch})};
    const TensorId state = builder.zeros("state", {kIterationValues});
    if (mixing) op.mixing = Mixing{cache("other"), 0.5f, kBatchStream, state};
    builder.add(BeginIteration{state, {}, {}});
    builder.add(DrawBatch{op.indices, state, rows, false, kBatchStream});
    builder.add(op);
    builder.run(3);
    return {builder.get("y"), builder.get("indices")};
}

}  // namespace

TEST_SUITE("batches") {
    TEST_CASE("gather takes whole rows") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            const Mixed result = gather(device, 9, 5, 4, false, false);
            Values values(905);
            const std::vector<float> cache = values.reals(45);
            for (size_t i = 0; i < 20; ++i)
                CHECK(result.y[i] == cache[static_cast<size_t>(result.indices[i / 5]) * 5 + i % 5]);
        }
    }

    TEST_CASE("mixed rows are the reference's on every device, in float and in bf16") {
        for (const std::string& device : devices_under_test()) {
            for (bool half : {false, true}) {
                for (int64_t row : {1, 7, 8, 1024, 1029}) {
                    CAPTURE(device);
                    CAPTURE(row);
                    const Mixed ours = gather(device, 12, row, 5, true, half),
                                theirs = gather("reference", 12, row, 5, true, half);
                    CHECK(ours.indices == theirs.indices);
                    CHECK(ours.y == theirs.y);
                }
            }
        }
    }

    TEST_CASE("each element of a mixture is that of one cache or of the other") {
        const Mixed whole = gather("reference", 12, 1000, 5, false, false),
                    mixed = gather("reference", 12, 1000, 5, true, false);
        int same = 0;
        for (size_t i = 0; i < mixed.y.size(); ++i) same += mixed.y[i] == whole.y[i];
        CHECK(std::abs(same - 2500) < 5 * std::sqrt(5000 * 0.25));
    }

    TEST_CASE("parts of a tensor are read and written in place") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            ProgramBuilder builder(device);
            const TensorId x = builder.put("x", {2, 3}, {1, 2, 3, 4, 5, 6}), y = builder.out("y", {4, 3});
            const TensorId middle = builder.program().rows(y, 1, 2);
            builder.add(Gather{x, builder.program().rows(y, 2, 2)});
            builder.add(Gather{x, builder.program().rows(y, 0, 2)});
            builder.add(Gather{builder.program().rows(middle, 0, 1), builder.program().rows(middle, 1, 1)});
            builder.run();
            CHECK(builder.get("y") == std::vector<double>{1, 2, 3, 4, 5, 6, 4, 5, 6, 4, 5, 6});
        }
    }

    TEST_CASE("an iteration's values follow their formulas") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            ProgramBuilder builder(device);
            Schedule schedule;
            schedule.iterations = 100;
            schedule.rounding_rate = 0.01;
            schedule.scale_rate = 0.5;
            schedule.cosine_scale_rate = true;
            builder.add(BeginIteration{builder.zeros("state", {kIterationValues}), schedule, {}});
            for (int t = 1; t <= 100; ++t) {
                CAPTURE(t);
                builder.run();
                const std::vector<double> state = builder.get("state");
                CHECK(state[kIteration] == t);
                CHECK(state[kRegulariserOn] == (t >= 20 ? 1 : 0));
                CHECK(state[kBeta] == doctest::Approx(t < 20 ? 20.0 : 20.0 - 18.0 * (t - 20) / 80.0).epsilon(1e-6));
                CHECK(state[kRoundingRate] == doctest::Approx(0.01).epsilon(1e-6));
                CHECK(std::abs(state[kScaleRate] - 0.25 * (1 + std::cos(3.141592653589793 * (t - 1) / 100.0))) < 1e-7);
                CHECK(state[kFirstCorrection] == doctest::Approx(1 / (1 - std::pow(0.9, t))).epsilon(1e-6));
                CHECK(state[kSecondCorrection] == doctest::Approx(1 / std::sqrt(1 - std::pow(0.999, t))).epsilon(1e-6));
                CHECK(state[kFirstBad] == 0);
            }
        }
    }

    TEST_CASE("the first iteration whose loss is not finite is remembered") {
        for (const std::string& device : all_devices()) {
            for (float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()}) {
                CAPTURE(device);
                ProgramBuilder builder(device);
                const TensorId state = builder.zeros("state", {kIterationValues});
                builder.add(BeginIteration{state, {}, {builder.zeros("a", {1}), builder.zeros("b", {1})}});
                builder.set("a", {bad});  // before the first iteration there is no loss
                builder.run();
                builder.set("a", {1.0f});
                builder.run(3);
                CHECK(builder.get("state")[kFirstBad] == 0);
                builder.set("b", {bad});
                builder.run(1);
                CHECK(builder.get("state")[kFirstBad] == 4);
                builder.set("b", {0.0f});
                builder.set("a", {bad});
                builder.run(2);
                CHECK(builder.get("state")[kFirstBad] == 4);
            }
        }
    }
}
