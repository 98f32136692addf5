// Codes of v / scale by multiplications: v * reciprocal + v * rest, where reciprocal + rest is 1 / scale to 47 bits.
// The quotient is rounded as a division's but where it lies within 2^-22 of a unit in the last place of a tie between
// two floats. Codes differ only if that happens beside one of their own ties, which can be found out.
#pragma once

#include "kernels/cpu/integer/epilogue.h"

namespace adaq::cpu::integer {

struct Reciprocal {
    float nearest, rest;
};

/// scale: 2^-100 ... 2^100.
Reciprocal reciprocal_of(float scale);

/// Whether products give every float's code of this quantiser, which divides.
bool products_have_codes(const Quantiser& quantiser);

}  // namespace adaq::cpu::integer
