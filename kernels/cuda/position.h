// Where an element of a map lies, by its index.
#pragma once

#include "kernels/cuda/fast_divide.h"

namespace adaq::cuda {

/// Where an element lies in [N, rows, columns, C].
struct Position {
    int n, row, column, channel;

    __device__ Position(int64_t index, FastDivide channels, FastDivide columns, FastDivide rows) {
        const int i = static_cast<int>(index), pixel = channels.quotient(i);
        channel = channels.remainder(i, pixel);
        const int line = columns.quotient(pixel);
        column = columns.remainder(pixel, line);
        n = rows.quotient(line);
        row = rows.remainder(line, n);
    }
};

}  // namespace adaq::cuda
