// A learning rate that falls when the loss no longer does: PyTorch's ReduceLROnPlateau (mode "min", relative threshold,
// no cooldown), written once for every device and in the precision of its iteration state.
#pragma once

#include <cmath>
#include <cstdint>

#include "engine/grid.h"

namespace adaq {

/// The rate is multiplied by `factor` once more than `patience` iterations in a row have not brought the loss below
/// (1 - threshold) * the best before; not below `smallest`, and not where that changes it by `least_change` or less.
struct Plateau {
    int64_t patience = 100;
    double threshold = 1e-4;
    double factor = 0.1;
    double smallest = 1e-5;
    double least_change = 1e-8;
};

template <typename Real>
struct PlateauState {
    Real best, bad;  // the least loss so far, infinity before the first; iterations since without a better one
    Real rate;
};

/// After an iteration with this loss. One that is not a number is no better than any.
template <typename Real>
ADAQ_HOST_DEVICE inline PlateauState<Real> follow_plateau(PlateauState<Real> state, const Plateau& p, Real loss) {
    if (static_cast<double>(loss) < static_cast<double>(state.best) * (1.0 - p.threshold)) {
        state.best = loss;
        state.bad = Real(0);
    } else {
        state.bad += Real(1);
    }
    if (state.bad > static_cast<Real>(p.patience)) {
        state.bad = Real(0);
        const double rate = static_cast<double>(state.rate), less = rate * p.factor;
        const double reduced = less < p.smallest ? p.smallest : less;
        if (rate - reduced > p.least_change) state.rate = static_cast<Real>(reduced);
    }
    return state;
}

}  // namespace adaq
