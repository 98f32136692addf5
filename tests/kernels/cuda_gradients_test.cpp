// The CUDA device's gradients of products, in the arithmetic of the tensor cores, against central differences: slopes
// of the reference's forward pass, in double, of L = sum(dy * y) with the operands rounded as that arithmetic rounds
// them. L is linear in x and in w, so that its slope in one of them depends on the other two operands alone, and these
// two are what the kernel rounds: apart from the sums nothing differs, and far less than an operand's rounding is
// allowed.
#if defined(ADAQ_HAS_CUDA)
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "kernels/cuda/device.h"
#include "kernels/reference/device.h"
#include "support/devices.h"
#include "support/operations.h"
#include "support/product_tolerance.h"

using namespace adaq;
using namespace adaq::test;

namespace {

using Floats = std::vector<float>;
using Doubles = std::vector<double>;

Floats magnitudes(Floats values) {
    for (float& v : values) v = std::fabs(v);
    return values;
}

/// A product with its shapes, and the operations that make it and its gradients.
struct GradientLayer {
    const char* name;
    Shape x, w, y;
    int stride = 1, padding = 0;
    bool linear = false;

    Operation forward(TensorId x_id, TensorId w_id, TensorId y_id) const {
        if (linear) return Linear{x_id, w_id, y_id};
        return Convolution{x_id, w_id, y_id, ConvolutionWindow::square(stride, padding)};
    }
    Operation to_data(TensorId dy, TensorId w_id, TensorId dx) const {
        if (linear) return LinearToData{dy, w_id, dx};
        return ConvolutionToData{dy, w_id, dx, ConvolutionWindow::square(stride, padding)};
    }
    Operation to_weights(TensorId x_id, TensorId dy, TensorId dw) const {
        if (linear) return LinearToWeights{x_id, dy, dw};
        return ConvolutionToWeights{x_id, dy, dw, ConvolutionWindow::square(stride, padding)};
    }
};

const std::vector<GradientLayer>& layers() {
    static const std::vector<GradientLayer> all{
        {"3x3, stride 2", {2, 5, 6, 8}, {12, 3, 3, 8}, {2, 3, 3, 12}, 2, 1},
        {"1x1", {1, 4, 5, 36}, {20, 1, 1, 36}, {1, 4, 5, 20}},
        {"copied float by float", {1, 6, 5, 3}, {5, 3, 3, 3}, {1, 6, 5, 5}, 1, 1},
        {"fully connected", {3, 40}, {10, 40}, {3, 10}, 1, 0, true},
    };
    return all;
}

Buffer uploaded(Device& device, const Shape& shape, const Floats& values) {
    Buffer buffer = device.create(shape);
    device.upload(*buffer, values);
    return buffer;
}

Floats result_of(Device& device, const Program& program, const Buffer& output) {
    device.compile(program)->run();
    Floats values(static_cast<size_t>(element_count(output->shape())));
    device.download(*output, values);
    return values;
}

/// L's slope in every element of x (or of w), by differences of the reference's forward pass.
class Slopes {
  public:
    Slopes(const GradientLayer& layer, const Floats& x, const Floats& w, Floats dy)
        : x_(uploaded(*device_, layer.x, x)),
          w_(uploaded(*device_, layer.w, w)),
          y_(device_->create(layer.y)),
          dy_(std::move(dy)) {
        Program program;
        program.add(layer.forward(program.bind(x_), program.bind(w_), program.bind(y_)));
        compiled_ = device_->compile(program);
    }
    Doubles in_x(const Floats& at) { return slopes(x_, at); }
    Doubles in_w(const Floats& at) { return slopes(w_, at); }

  private:
    static constexpr float kStep = 0.125f;

    Doubles slopes(const Buffer& operand, Floats at) {
        Doubles result;
        for (float& element : at) {
            const float middle = element, right = middle + kStep, left = middle - kStep;
            element = right;
            const double above = loss_at(operand, at);
            element = left;
            const double below = loss_at(operand, at);
            element = middle;
            result.push_back((above - below) / (static_cast<double>(right) - static_cast<double>(left)));
        }
        device_->upload(*operand, at);
        return result;
    }
    double loss_at(const Buffer& operand, const Floats& values) {
        device_->upload(*operand, values);
        compiled_->run();
        const Doubles& y = reference::values_of(*y_);
        double sum = 0.0;
        for (size_t i = 0; i < y.size(); ++i) sum += static_cast<double>(dy_[i]) * y[i];
        return sum;
    }

    std::unique_ptr<Device> device_ = make_device("reference");
    Buffer x_, w_, y_;
    Floats dy_;
    std::unique_ptr<CompiledProgram> compiled_;
};

/// Largest difference, as a share of what a slope adds up in magnitude.
double error(const Floats& found, const Doubles& expected, const Doubles& magnitude) {
    double worst = found.size() == expected.size() ? 0.0 : INFINITY;
    for (size_t i = 0; i < expected.size(); ++i)
        worst = std::max(worst, std::fabs(static_cast<double>(found[i]) - expected[i]) / magnitude[i]);
    return worst;
}

}  // namespace

TEST_SUITE("cuda gradients") {
    TEST_CASE("to data and to weights are the slopes of the forward pass on rounded operands") {
        if (!under_test("cuda")) return;
        for (Math math : {Math::f32, Math::tf32, Math::bf16}) {
            const auto device = cuda::make_cuda_device(math);
            for (const GradientLayer& layer : layers()) {
                CAPTURE(to_string(math));
                CAPTURE(layer.name);
                Values values(31);
                const Floats x = values.reals(element_count(layer.x)), w = values.reals(element_count(layer.w)),
                             dy = values.reals(element_count(layer.y));
                const Buffer bx = uploaded(*device, layer.x, x), bw = uploaded(*device, layer.w, w),
                             bdy = uploaded(*device, layer.y, dy), dx = device->create(layer.x),
                             dw = device->create(layer.w);
                Program to_data, to_weights;
                to_data.add(layer.to_data(to_data.bind(bdy), to_data.bind(bw), to_data.bind(dx)));
                to_weights.add(layer.to_weights(to_weights.bind(bx), to_weights.bind(bdy), to_weights.bind(dw)));
                const Floats by_data = result_of(*device, to_data, dx), by_weights = result_of(*device, to_weights, dw);

                const Floats rx = rounded(x, math), rw = rounded(w, math), rdy = rounded(dy, math);
                Slopes slopes(layer, rx, rw, rdy),
                    of_magnitudes(layer, magnitudes(rx), magnitudes(rw), magnitudes(rdy));
                const Doubles data_magnitude = of_magnitudes.in_x(magnitudes(rx)),
                              weights_magnitude = of_magnitudes.in_w(magnitudes(rw));
                const double data_tolerance = sum_tolerance(math, element_count(layer.w) / layer.w.back()),
                             weights_tolerance = sum_tolerance(math, element_count(layer.y) / layer.y.back());
                CHECK(error(by_data, slopes.in_x(rx), data_magnitude) < data_tolerance);
                CHECK(error(by_weights, slopes.in_w(rw), weights_magnitude) < weights_tolerance);
                if (math == Math::f32) continue;
                Slopes unrounded(layer, x, w, dy);  // the test can tell the difference
                CHECK(error(by_data, unrounded.in_x(x), data_magnitude) > 10 * data_tolerance);
                CHECK(error(by_weights, unrounded.in_w(w), weights_magnitude) > 10 * weights_tolerance);
            }
        }
    }
}
#endif
