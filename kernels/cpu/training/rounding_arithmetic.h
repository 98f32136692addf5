// The loops of AdaRound's rounding (docs/arithmetic.md section 5) over elements of one channel. They are compiled with
// flags of their own (CMakeLists.txt), so what they call is theirs alone: this file declares plain structs and
// functions, and nothing inline. The linker must never have to choose between their body of a function and another's.
#pragma once

#include <cstdint>

namespace adaq::cpu::rounding {

/// What a run of elements of one channel shares.
struct Channel {
    float scale, zero_point, qmin, qmax, factor;
};

struct StepSettings {
    float lambda, beta, rate, second_correction;  // lambda 0: no regulariser; rate with the first correction in it
};

/// What a step moves, [n] each.
struct Moved {
    const float* gradient;
    float *v, *first, *second;
};

/// w_hat[n] from w[n] and V.
void round_soft(const Channel& channel, const float* w, const float* v, int64_t n, float* w_hat);

/// below[n] = floor(w / s) + z, which no step changes. Two beyond the grid stand for whatever is farther out: no h in
/// [0, 1] brings either back onto it.
void round_down(const Channel& channel, const float* w, int64_t n, int16_t* below);

/// Moves V and Adam's moments, and makes w_hat[n] anew. penalty[n]: what each element's regulariser adds to the loss;
/// untouched where there is none.
void step(const Channel& channel, const StepSettings& settings, const int16_t* below, const Moved& moved, int64_t n,
          float* w_hat, float* penalty);

}  // namespace adaq::cpu::rounding
