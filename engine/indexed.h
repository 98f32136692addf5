// A vector that is indexed by ids and counts as the engine has them: signed (ValueId, TensorId, nodes, layers), where
// std::vector's are not.
#pragma once

#include <cassert>
#include <concepts>
#include <cstdint>
#include <utility>
#include <vector>

namespace adaq {

/// Debug builds assert that an index is within: an id of nothing (-1) is a mistake.
template <typename T>
class Indexed : public std::vector<T> {
    using Vector = std::vector<T>;

  public:
    using Vector::Vector;
    Indexed() = default;
    explicit Indexed(Vector elements) : Vector(std::move(elements)) {}

    int64_t count() const { return static_cast<int64_t>(Vector::size()); }

    typename Vector::reference operator[](std::integral auto id) {
        assert(std::cmp_greater_equal(id, 0) && std::cmp_less(id, Vector::size()));
        return Vector::operator[](static_cast<size_t>(id));
    }
    typename Vector::const_reference operator[](std::integral auto id) const {
        assert(std::cmp_greater_equal(id, 0) && std::cmp_less(id, Vector::size()));
        return Vector::operator[](static_cast<size_t>(id));
    }
};

}  // namespace adaq
