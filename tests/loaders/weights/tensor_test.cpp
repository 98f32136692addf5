// Tensors still in their file (loaders/weights/raw_tensor.h): element types, strides, bounds.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/error.h"
#include "loaders/weights/raw_tensor.h"

using namespace adaq;

namespace {

/// A half by its definition: sign, 5 bits of exponent biased by 15, 10 bits of fraction.
double half_by_definition(unsigned bits) {
    const double sign = bits & 0x8000 ? -1.0 : 1.0;
    const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 1023);
    if (exponent == 0) return sign * std::ldexp(fraction, -24);
    return sign * std::ldexp(1024 + fraction, exponent - 25);
}

template <typename T>
std::span<const std::byte> storage_of(const std::vector<T>& values) {
    return std::as_bytes(std::span(values));
}

const std::vector<float> kSix{0, 1, 2, 3, 4, 5};

Tensor view(const Shape& shape, const Shape& strides, int64_t offset) {
    return float_tensor("f", "t", make_raw_tensor("f", "t", StoredType::f32, shape, strides, offset, storage_of(kSix)));
}

}  // namespace

TEST_SUITE("weights: tensors") {
    TEST_CASE("every half that is a number converts exactly, the others are infinite or NaN") {
        size_t wrong = 0;
        for (unsigned bits = 0; bits < 65536; ++bits) {
            const float value = float_of_half(static_cast<uint16_t>(bits));
            if ((bits >> 10 & 31) == 31)
                wrong += (bits & 1023) == 0 ? !std::isinf(value) : !std::isnan(value);
            else
                wrong += value != half_by_definition(bits) || std::signbit(value) != (bits >= 0x8000);
        }
        CHECK(wrong == 0);
    }

    TEST_CASE("a bfloat16 is the upper half of a float") {
        CHECK(float_of_bfloat16(0x3f80) == 1.0f);
        CHECK(float_of_bfloat16(0xc049) == -3.140625f);
        CHECK(float_of_bfloat16(0x0001) == std::ldexp(1.0f, -133));
    }

    TEST_CASE("doubles round to the nearest float, and one beyond its range is refused") {
        const std::vector<double> values{0.1, 1.0 + 0x1p-24};
        const RawTensor tensor = make_raw_tensor("f", "t", StoredType::f64, {2}, {1}, 0, storage_of(values));
        CHECK(float_tensor("f", "t", tensor).values == std::vector<float>{0.1f, 1.0f});
        const std::vector<double> huge{1e300};
        const RawTensor beyond = make_raw_tensor("f", "t", StoredType::f64, {1}, {1}, 0, storage_of(huge));
        CHECK_THROWS_WITH_AS(float_tensor("f", "t", beyond), "f: t holds inf at element 0, expected finite values",
                             DataError);
    }

    TEST_CASE("strides are followed: transposed, sliced, repeated") {
        CHECK(view({3, 2}, {1, 3}, 0).values == std::vector<float>{0, 3, 1, 4, 2, 5});
        CHECK(view({2}, {2}, 3).values == std::vector<float>{3, 5});
        CHECK(view({2, 2}, {0, 1}, 1).values == std::vector<float>{1, 2, 1, 2});
        CHECK(view({1, 2}, {std::numeric_limits<int64_t>::max(), 1}, 4).values == std::vector<float>{4, 5});
    }

    TEST_CASE("a tensor that reaches beyond its storage is refused, however the numbers overflow") {
        constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
        CHECK_THROWS_AS(view({7}, {1}, 0), DataError);
        CHECK_THROWS_AS(view({3}, {1}, 4), DataError);
        CHECK_THROWS_AS(view({2}, {6}, 0), DataError);
        CHECK_THROWS_AS(view({2}, {kHuge}, 1), DataError);
        CHECK_THROWS_AS(view({3}, {kHuge}, 0), DataError);
        CHECK_THROWS_AS(view({kHuge, kHuge}, {1, 1}, 0), DataError);
        CHECK_THROWS_AS(view({kHuge, 2}, {0, 0}, 0), DataError);
        CHECK_THROWS_AS(view({int64_t{1} << 40}, {0}, 0), DataError);  // one element, repeated: a giant allocation
        CHECK_THROWS_AS(view({-1}, {1}, 0), DataError);
        CHECK_THROWS_AS(view({1}, {1}, -1), DataError);
        CHECK_THROWS_AS(view({2}, {-1}, 1), DataError);
        CHECK_THROWS_AS(view({2, 2}, {1}, 0), DataError);
    }

    TEST_CASE("integers are no weights") {
        const std::vector<int64_t> values{1, 2};
        const RawTensor tensor = make_raw_tensor("f", "t", StoredType::i64, {2}, {1}, 0, storage_of(values));
        CHECK_THROWS_WITH_AS(float_tensor("f", "t", tensor), "f: t holds int64, expected floating-point values",
                             DataError);
    }
}
