// A float32 tensor in host memory, row-major in the order of its shape. Images and activations are NHWC; weights are
// KCRS in files (torchvision's own order) and KRSC once they are in the graph.
#pragma once

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

namespace adaq {

using Shape = std::vector<int64_t>;

inline int64_t element_count(const Shape& shape) {
    return std::accumulate(shape.begin(), shape.end(), int64_t{1}, [](int64_t a, int64_t b) { return a * b; });
}

/// So many of one shape: [count, ...].
inline Shape stacked(int64_t count, Shape one) {
    one.insert(one.begin(), count);
    return one;
}

/// The same with another first extent.
inline Shape with_rows(Shape shape, int64_t rows) {
    shape[0] = rows;
    return shape;
}

/// "64x3x7x7", for messages.
inline std::string to_string(const Shape& shape) {
    std::string text;
    for (int64_t extent : shape) text += (text.empty() ? "" : "x") + std::to_string(extent);
    return text.empty() ? "scalar" : text;
}

struct Tensor {
    Shape shape;
    std::vector<float> values;  // element_count(shape) of them

    Tensor() = default;
    explicit Tensor(Shape s) : shape(std::move(s)), values(element_count(shape)) {}
    Tensor(Shape s, std::vector<float> v) : shape(std::move(s)), values(std::move(v)) {}

    int64_t size() const { return static_cast<int64_t>(values.size()); }
};

}  // namespace adaq
