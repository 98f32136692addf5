// Convolutions of all geometries, as operation tests go through them: groups and depthwise, dilation, paddings and
// kernels that are not square, and all of it at once.
#pragma once

#include <vector>

#include "engine/program/operations/window.h"
#include "engine/tensor.h"

namespace adaq::test {

struct LayerWindow {
    const char* name;
    int64_t n, h, w, c, k, r, s;
    ConvolutionWindow window = {};

    Shape x() const { return {n, h, w, c}; }
    Shape filter() const { return {k, r, s, c / window.groups}; }
    Shape y() const { return {n, window.rows(r).positions(h), window.columns(s).positions(w), k}; }
    /// Of a sum of y, dx, dw, as many as there can be.
    int64_t products(size_t direction) const {
        const Shape of = y();
        return direction == 0   ? r * s * c / window.groups
               : direction == 1 ? r * s * k / window.groups
                                : n * of[1] * of[2];
    }
};

inline ConvolutionWindow grouped(int stride, int padding, int groups) {
    ConvolutionWindow window = ConvolutionWindow::square(stride, padding);
    window.groups = groups;
    return window;
}

inline std::vector<LayerWindow> layer_windows() {
    std::vector<LayerWindow> list{
        {"depthwise", 2, 9, 8, 32, 32, 3, 3, grouped(1, 1, 32)},
        {"depthwise, stride 2", 3, 8, 9, 24, 24, 3, 3, grouped(2, 1, 24)},
        {"depthwise 5x5", 2, 7, 7, 40, 40, 5, 5, grouped(1, 2, 40)},
        {"depthwise 5x5, stride 2", 1, 11, 10, 18, 18, 5, 5, grouped(2, 2, 18)},
        {"depthwise of few channels", 1, 6, 5, 3, 3, 3, 3, grouped(1, 1, 3)},
        {"depthwise of many channels", 1, 4, 5, 200, 200, 3, 3, grouped(1, 1, 200)},
        {"depthwise on one position", 4, 1, 1, 16, 16, 3, 3, grouped(1, 1, 16)},
        {"depthwise 7x7 on a smaller map", 2, 3, 4, 16, 16, 7, 7, grouped(1, 3, 16)},
        {"two outputs a channel", 2, 6, 6, 12, 24, 3, 3, grouped(1, 1, 12)},
        {"groups of 4", 2, 7, 6, 32, 32, 3, 3, grouped(1, 1, 8)},
        {"groups of 16, stride 2", 2, 9, 9, 48, 48, 3, 3, grouped(2, 1, 3)},
        {"groups of 24", 1, 6, 7, 72, 72, 3, 3, grouped(1, 1, 3)},
        {"groups of 64", 1, 5, 5, 128, 192, 3, 3, grouped(1, 1, 2)},
        {"groups of 1x1", 2, 5, 4, 24, 16, 1, 1, grouped(1, 0, 4)},
        {"groups of 3 into 5", 1, 5, 6, 9, 15, 3, 3, grouped(1, 1, 3)},
        {"groups on a small map", 6, 2, 2, 128, 128, 3, 3, grouped(1, 1, 2)},
    };
    ConvolutionWindow window = ConvolutionWindow::square(1, 2);
    window.dilation_h = window.dilation_w = 2;
    list.push_back({"dilated", 2, 9, 8, 16, 24, 3, 3, window});
    window.dilation_w = 3;
    list.push_back({"dilated by two and three", 1, 10, 11, 8, 8, 3, 3, window});
    window.groups = 8;
    list.push_back({"depthwise, dilated", 1, 10, 11, 8, 8, 3, 3, window});
    window = ConvolutionWindow::square(2, 2);
    window.dilation_h = window.dilation_w = 2;
    list.push_back({"dilated, stride 2", 1, 9, 12, 16, 16, 3, 3, window});
    window = {};
    window.top = 2, window.right = 1;
    list.push_back({"padded above and at the right", 2, 6, 7, 16, 16, 3, 3, window});
    window = ConvolutionWindow::square(2, 0);
    window.bottom = window.right = 1;
    list.push_back({"padded as TensorFlow does", 2, 8, 10, 3, 16, 3, 3, window});
    window.groups = 20;
    list.push_back({"depthwise, padded as TensorFlow does", 2, 8, 10, 20, 20, 3, 3, window});
    window = {};
    window.left = window.right = 2;
    list.push_back({"1x5", 1, 5, 7, 16, 16, 1, 5, window});
    window = {};
    window.top = window.bottom = 3;
    list.push_back({"7x1", 1, 9, 4, 13, 11, 7, 1, window});
    window = {};
    window.stride_h = 2, window.stride_w = 1, window.top = 1, window.left = 1;
    list.push_back({"stride 2 by 1", 2, 7, 6, 16, 32, 3, 2, window});
    window = {};
    window.stride_h = 1, window.stride_w = 3, window.top = 1, window.bottom = 2, window.left = 2;
    window.dilation_h = 2, window.groups = 2;
    list.push_back({"all at once", 2, 9, 11, 10, 6, 3, 4, window});
    window.groups = 10;
    list.push_back({"all at once, depthwise", 2, 9, 11, 10, 10, 3, 4, window});
    window = ConvolutionWindow::square(3, 0);
    window.groups = 6;
    list.push_back({"pixels that no window sees", 1, 8, 8, 6, 6, 2, 2, window});
    return list;
}

}  // namespace adaq::test
