// The bundled model and the data set that adaq-run takes when it is told nothing.
#pragma once

#include <cstdint>
#include <string>

namespace adaq {

/// Where nearest rounding visibly loses accuracy on the bundled model (docs/accuracy.md), so that better rounding
/// shows.
inline constexpr int kBundledWeightBits = 3;
inline constexpr int kBundledActivationBits = 8;
/// Of AdaRound, a layer: more no longer help this model (docs/accuracy.md).
inline constexpr int64_t kBundledIterations = 500;

/// Debian's package dataset-fashion-mnist.
inline constexpr const char* kBundledData = "/usr/share/datasets/fashion-mnist";

/// The bundled weights file: beside an installed program (../share/adaq) or above a build folder (weights/). Throws
/// DataError where it is nowhere.
std::string bundled_weights();

}  // namespace adaq
