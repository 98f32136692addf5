// What a Program can do: operation descriptors over tensor handles, forward and backward. Each descriptor says once
// which tensors it touches and how (tensor_use.h), what messages call it, and which shapes and settings fit together
// (check). Devices implement them. Activations are NHWC and weights KRSC in logical order. "Gradient"
// always means that of the loss.
#pragma once

#include <type_traits>
#include <variant>

#include "engine/program/operations/integer.h"
#include "engine/program/operations/iteration.h"
#include "engine/program/operations/losses.h"
#include "engine/program/operations/norms.h"
#include "engine/program/operations/pointwise.h"
#include "engine/program/operations/pooling.h"
#include "engine/program/operations/products.h"
#include "engine/program/operations/rounding.h"

/// All of them, as arguments of a macro: the variant and each device's declarations are made from this list, so that an
/// operation that a device lacks does not link.
// clang-format off
#define ADAQ_OPERATIONS(X)       \
    X(Convolution)               \
    X(ConvolutionToData)         \
    X(ConvolutionToWeights)      \
    X(Linear)                    \
    X(LinearToData)              \
    X(LinearToWeights)           \
    X(BatchNorm)                 \
    X(BatchNormGradient)         \
    X(StatisticsLoss)            \
    X(MaxPool)                   \
    X(MaxPoolGradient)           \
    X(AveragePool)               \
    X(AveragePoolGradient)       \
    X(GlobalAveragePool)         \
    X(GlobalAveragePoolGradient) \
    X(Addition)                  \
    X(ActivationBackward)        \
    X(FakeQuantise)              \
    X(IntegerConvolution)        \
    X(IntegerLinear)             \
    X(IntegerAddition)           \
    X(SumOverMap)                \
    X(QuantiseToCodes)           \
    X(LookUp)                    \
    X(RoundWeights)              \
    X(RoundingStep)              \
    X(ChannelScaleGradient)      \
    X(ChannelShiftGradient)      \
    X(SquaredError)              \
    X(KlDivergence)              \
    X(BeginIteration)            \
    X(DrawBatch)                 \
    X(Gather)                    \
    X(AdamStep)
// clang-format on

namespace adaq {

namespace detail {

template <typename... Kinds>
struct Skipping {};  // of std::monostate, which stands before the first comma of the list

template <typename First, typename... Kinds>
struct Skipping<First, Kinds...> {
    using Variant = std::variant<Kinds...>;
};

#define ADAQ_LIST(Kind) , Kind
using Variant = Skipping<std::monostate ADAQ_OPERATIONS(ADAQ_LIST)>::Variant;
#undef ADAQ_LIST

}  // namespace detail

using Operation = detail::Variant;

/// visit(id, use) for each tensor that an operation has, in the descriptor's order; ids of a changeable operation may
/// be changed.
template <typename Op, typename Visit>
requires(!std::is_same_v<std::remove_const_t<Op>, Operation>) void for_each_tensor(Op& op, const Visit& visit) {
    std::remove_const_t<Op>::visit_tensors(op, [&](auto& id, const TensorUse& use) {
        if (id != kNone) visit(id, use);
    });
}

template <typename Visit>
void for_each_tensor(const Operation& operation, const Visit& visit) {
    std::visit([&](const auto& op) { for_each_tensor(op, visit); }, operation);
}

template <typename Visit>
void for_each_tensor(Operation& operation, const Visit& visit) {
    std::visit([&](auto& op) { for_each_tensor(op, visit); }, operation);
}

inline const OperationTraits& traits_of(const Operation& operation) {
    return std::visit([](const auto& op) -> const OperationTraits& { return op.kTraits; }, operation);
}

/// Of a product: convolution or fully connected layer, in any direction.
inline std::optional<ProductTensors> product_of(const Operation& operation) {
    return std::visit(
        [](const auto& op) -> std::optional<ProductTensors> {
            if constexpr (std::remove_cvref_t<decltype(op)>::kTraits.cost == Cost::product) return op.product();
            return std::nullopt;
        },
        operation);
}

}  // namespace adaq
