// What a piece of work would do: with which shapes, in how much memory and time, without doing it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adaq/quantise.h"

namespace adaq {

/// What is learned at a time; of what learns nothing, a layer.
struct PlannedUnit {
    std::string name;
    std::vector<int64_t> reads, gives;  // shapes of one image's values, [H,W,C] or [C]
    int64_t weights = 0;
    std::vector<int> bits;         // of its layers' weights, each once; empty: float
    int output_bits = 32;          // 32: float
    double flops = 0.0;            // of an iteration; where nothing is learned, of an image
    double iteration_seconds = 0;  // of one in the first pass
    double seconds = 0.0;          // of all iterations that are left
};

/// Seconds that the parts will take.
struct Forecast {
    double ranges = 0.0;            // choosing them, of weights and of activations
    double learning = 0.0;          // every iteration of every unit
    double values = 0.0;            // of the calibration images, for learning
    double float_evaluation = 0.0;  // of the float network on the validation images
    double evaluation = 0.0;        // of the quantised one

    double total() const { return ranges + learning + values + float_evaluation + evaluation; }
};

struct Plan {
    std::string method;  // in words; empty: nothing is quantised
    bool learns = false;
    std::vector<PlannedUnit> units;  // in network order
    int64_t calibration_images = 0, validation_images = 0;
    int views = 1;                    // in which each calibration image is learned from
    int64_t height = 0, width = 0;    // pixels
    int64_t cached_bytes = 0;         // of values of all calibration images that are kept at a time, at most
    int64_t memory = 0;               // what options.memory allows for them; what is over is spilled
    int passes = 0;                   // over the network
    int64_t turns = 0, finished = 0;  // units that learn, counted in each pass; those that an earlier run has finished
    int timed = 0, like_others = 0;   // units whose iterations were run, and whose shapes are those of one; the rest
                                      // goes by its flops
    Forecast times;
};

/// Made by the very walk over the network, on a device that allocates and computes nothing; times are measured on
/// made-up numbers, for at most so many seconds (up to 1e6) of learning, but one unit's always. Of a model that is
/// quantised already: its evaluation. Throws as quantise() does before it works.
Plan plan(const Model& model, const ImageSets& images, const QuantiseOptions& options = {}, const Context& context = {},
          double seconds = 10.0);

/// The same of evaluate(model, ...).
Plan plan_evaluation(const Model& model, const ImageSets& images, const EvaluateOptions& options = {},
                     const Context& context = {});

}  // namespace adaq
