// The random numbers: Philox's published answers, and that the devices draw the same ones.
#include "engine/random.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "support/devices.h"
#include "support/operations.h"
#include "support/program_builder.h"

using namespace adaq;
using namespace adaq::test;

namespace {

std::vector<uint32_t> words(const Random128& r) { return {r.word, r.word + 4}; }

/// The batch that each of `iterations` iterations draws.
std::vector<std::vector<double>> draw(const std::string& device, int64_t batch, int64_t population, bool replacement,
                                      uint32_t unit, int iterations) {
    ProgramBuilder builder(device);
    const TensorId state = builder.zeros("state", {kIterationValues}), indices = builder.out("indices", {batch});
    builder.add(BeginIteration{state, {}, {}});
    builder.add(DrawBatch{indices, state, population, replacement, {42, unit, 1, 0}});
    std::vector<std::vector<double>> batches;
    for (int i = 0; i < iterations; ++i) {
        builder.run();
        batches.push_back(builder.get("indices"));
    }
    return batches;
}

}  // namespace

TEST_SUITE("random numbers") {
    TEST_CASE("Philox gives its authors' answers") {
        CHECK(words(philox(0, 0, 0, 0, 0)) == std::vector<uint32_t>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
        CHECK(words(philox(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffffffffffff)) ==
              std::vector<uint32_t>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
        CHECK(words(philox(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0x299f31d0a4093822)) ==
              std::vector<uint32_t>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
    }

    TEST_CASE("an element is kept as often as asked, alike in every half of a block, and afresh in every iteration") {
        constexpr int kElements = 80000;
        for (float probability : {0.0f, 0.25f, 0.5f, 1.0f}) {
            std::vector<int> of_half(8);
            int both = 0;
            for (uint64_t i = 0; i < kElements; ++i) {
                const Stream stream{7, 3, 1, 5};
                const bool now = kept(stream, 1, i, keep_threshold(probability));
                of_half[i % 8] += now;
                both += now && kept(stream, 2, i, keep_threshold(probability));
            }
            const double n = kElements / 8.0, deviation = std::sqrt(n * probability * (1 - probability));
            for (int count : of_half) CHECK(std::abs(count - n * probability) <= 5 * deviation);
            const double squared = static_cast<double>(probability) * probability;
            CHECK(std::abs(both - kElements * squared) <= 5 * std::sqrt(kElements * squared * (1 - squared)));
        }
    }

    TEST_CASE("streams differ in seed, unit, phase, iteration and site") {
        std::set<std::vector<uint32_t>> seen;
        for (uint64_t seed : {1u, 2u}) {
            for (uint32_t unit : {0u, 1u, 65535u}) {
                for (uint32_t phase : {0u, 15u}) {
                    for (uint32_t site : {0u, 1u, 4095u}) {
                        for (uint32_t iteration : {1u, 2u})
                            seen.insert(words(random_block({seed, unit, phase, site}, iteration, 9)));
                    }
                }
            }
        }
        CHECK(seen.size() == 2 * 3 * 2 * 3 * 2);
    }

    TEST_CASE("a batch without replacement has no image twice, and every image has the same chance") {
        for (const std::string& device : all_devices()) {
            CAPTURE(device);
            std::vector<int> drawn(20);
            for (const auto& batch : draw(device, 8, 20, false, 1, 500)) {
                CHECK(std::set<double>(batch.begin(), batch.end()).size() == 8);
                for (double i : batch) ++drawn.at(static_cast<size_t>(i));
            }
            for (int count : drawn) CHECK(std::abs(count - 200) < 5 * std::sqrt(500 * 0.4 * 0.6));
            for (const auto& batch : draw(device, 5, 5, false, 2, 20))  // all there are
                CHECK(std::set<double>(batch.begin(), batch.end()).size() == 5);
            std::set<double> with_replacement;
            for (const auto& batch : draw(device, 8, 3, true, 3, 10))
                with_replacement.insert(batch.begin(), batch.end());
            CHECK(with_replacement == std::set<double>{0, 1, 2});
        }
    }

    TEST_CASE("every device draws the reference's batches") {
        for (const std::string& device : devices_under_test()) {
            CAPTURE(device);
            for (const auto& [batch, population] :
                 std::vector<std::pair<int64_t, int64_t>>{{1, 1}, {32, 1024}, {33, 40}, {256, 300}, {64, 16777216}}) {
                for (bool replacement : {false, true}) {
                    CHECK(draw(device, batch, population, replacement, 9, 3) ==
                          draw("reference", batch, population, replacement, 9, 3));
                }
            }
        }
    }
}
