#include "engine/program/elements.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "engine/bf16.h"

namespace adaq {
namespace {

/// work(a null pointer to elements of that type).
template <typename Work>
void with_element(DType dtype, const Work& work) {
    switch (dtype) {
        case DType::f32:
            return work(static_cast<const float*>(nullptr));
        case DType::bf16:
            return work(static_cast<const bf16*>(nullptr));
        case DType::i8:
            return work(static_cast<const int8_t*>(nullptr));
        case DType::u8:
            return work(static_cast<const uint8_t*>(nullptr));
        case DType::i32:
            return work(static_cast<const int32_t*>(nullptr));
    }
}

}  // namespace

void store_elements(std::span<const float> values, DType dtype, void* elements) {
    with_element(dtype, [&]<typename T>(const T*) {
        std::transform(values.begin(), values.end(), static_cast<T*>(elements), [](float value) {
            if constexpr (std::is_same_v<T, bf16>)
                return to_bf16(value);
            else
                return static_cast<T>(value);
        });
    });
}

void load_elements(const void* elements, DType dtype, std::span<float> values) {
    with_element(dtype, [&]<typename T>(const T*) {
        const auto* first = static_cast<const T*>(elements);
        std::transform(first, first + values.size(), values.begin(), [](T element) {
            if constexpr (std::is_same_v<T, bf16>)
                return to_float(element);
            else
                return static_cast<float>(element);
        });
    });
}

}  // namespace adaq
