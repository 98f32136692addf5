// The convolutions that are timed or reckoned with: ResNet18's.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/program/operations/window.h"
#include "engine/tensor.h"

namespace adaq {

/// One distinct shape, named after the first layer that has it.
struct ConvolutionCase {
    std::string layer;
    Shape x, w, y;  // of one image: [H,W,C], KRSC with C / groups, [P,Q,K]
    ConvolutionWindow window = {};
    int count = 1;

    bool same_shape(const ConvolutionCase& other) const {
        return x == other.x && w == other.w && window == other.window;
    }
    /// Multiply-adds count two; those with padding are counted as if they were done, as everybody counts them.
    double flops() const {
        const int64_t multiplications = element_count(y) * element_count(w) / w[0];
        return 2.0 * static_cast<double>(multiplications);
    }
};

/// What a row of a table says of it, timed with images of `image` x `image` pixels.
nlohmann::json row_of(const ConvolutionCase& shape, int image, int batch);

/// For images of `image` x `image` pixels, those whose layer's name contains `filter`. Throws UsageError where there is
/// none, DataError where images are too small.
std::vector<ConvolutionCase> resnet18_convolutions(int image, const std::string& filter);

}  // namespace adaq
