// The uniform affine quantiser and LSQ's gradients in float64 (interpreter.h says when in float32).
#pragma once

#include <cmath>

#include "engine/grid.h"

namespace adaq::reference {

inline bool is_float(double x) { return static_cast<double>(static_cast<float>(x)) == x; }

/// floor(x / s).
inline double floor_of_ratio(double x, double s) {
    if (is_float(x) && is_float(s)) return std::floor(static_cast<float>(x) / static_cast<float>(s));
    return std::floor(x / s);
}

struct Quantiser {
    Grid grid;
    double scale, zero_point;

    double integer(double x) const {  // before the clamp
        if (is_float(x) && is_float(scale))
            return std::rint(static_cast<float>(x) / static_cast<float>(scale)) + zero_point;
        return std::rint(x / scale) + zero_point;
    }
    double centred(double x) const {  // q - z
        const double q = integer(x), qmin = grid.qmin(), qmax = grid.qmax();
        return (q < qmin ? qmin : q > qmax ? qmax : q) - zero_point;
    }
    double operator()(double x) const { return centred(x) * scale; }

    /// Methods.md section 6: round is passed straight through, the clamp's edges are inside.
    struct Gradient {
        double by_x, by_scale;
    };
    Gradient gradient(double x) const {
        const double q = integer(x);
        if (q < grid.qmin()) return {0.0, grid.qmin() - zero_point};
        if (q > grid.qmax()) return {0.0, grid.qmax() - zero_point};
        return {1.0, q - zero_point - x / scale};
    }
};

}  // namespace adaq::reference
