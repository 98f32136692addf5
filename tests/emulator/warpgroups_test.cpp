// Products of warpgroups on the emulator: right where everything is there, and found out where something was forgotten.
#include "emulator/warpgroups.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "emulator/device_values.h"
#include "kernels/emulator/access.h"
#include "kernels/emulator/misuse.h"
#include "support/operations.h"

using namespace adaq;
using cuda::Forgotten;
using test::DeviceValues;

namespace {

constexpr size_t kRows = 64, kDepth = 8, kPitch = 32;

struct Product {
    std::vector<float> a, b, expected;

    Product() {
        test::Values values(3);  // small whole numbers: every sum is exact
        a = values.wholes(kRows * kDepth, -8, 8);
        b = values.wholes(kRows * kPitch, -8, 8);
        for (size_t row = 0; row < kRows; ++row) {
            for (size_t column = 0; column < kRows; ++column) {
                float sum = 0.0f;
                for (size_t k = 0; k < kDepth; ++k) sum += a[row * kDepth + k] * b[column * kPitch + k];
                expected.push_back(sum);
            }
        }
    }
    std::vector<float> found(Forgotten forgotten) const {
        const DeviceValues<float> da(a), db(b), d(std::vector<float>(kRows * kRows));
        cuda::multiply_by_warpgroup(da.get(), db.get(), d.get(), forgotten);
        return d.read();
    }
};

void check_found(Forgotten forgotten, const std::string& expected) {
    std::string words;
    try {
        Product().found(forgotten);
    } catch (const emulator::Misuse& mistake) {
        words = mistake.what();
    }
    INFO(words);
    CHECK(words.find(expected) != std::string::npos);
}

}  // namespace

TEST_SUITE("emulator: warpgroups") {
    TEST_CASE("a product of registers and swizzled rows") {
        const Product product;
        CHECK(product.found(Forgotten::nothing) == product.expected);
    }

    TEST_CASE("rows that are not swizzled give another product") {
        const Product product;
        CHECK(product.found(Forgotten::swizzle) != product.expected);
    }

    TEST_CASE("sums that were not committed or not waited for are NaN") {
        for (Forgotten forgotten : {Forgotten::commit, Forgotten::wait}) {
            const auto sums = Product().found(forgotten);
            CHECK(std::all_of(sums.begin(), sums.end(), [](float v) { return std::isnan(v); }));
        }
    }

    TEST_CASE("registers and descriptors that products may not have") {
        check_found(Forgotten::fence, "without a wgmma_fence");
        check_found(Forgotten::rounding, "a register of operand A was changed");
        check_found(Forgotten::same_for_all_warps, "issue different products");
    }

    TEST_CASE("operand B before it is there, and after it is gone") {
        if (!emulator::kRecorded) return;
        check_found(Forgotten::proxy_fence, "without a fence_async_proxy behind it");
        check_found(Forgotten::barrier, "race");
        check_found(Forgotten::wait_before_filling, "race");
    }
}
