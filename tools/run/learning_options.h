// adaq-run's options of methods that learn: one that is given takes the place of the recipe's own number.
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/reconstruction/recipe.h"

namespace adaq {

/// As they were typed; empty: the recipe's.
struct LearningOptions {
    std::optional<int64_t> iterations, scale_iterations;
    std::optional<int> minibatch, views;
    std::optional<double> rate, scale_rate, channel_rate, lambda, warm_up, exponent, scale_exponent, prediction_lambda,
        temperature;
    std::optional<float> keep_input, keep_quantised;
    std::optional<std::string> units, loss, start, norms, scale_schedule;
    std::optional<bool> replacement, scale_gradient, correct_distribution;
    std::optional<int64_t> correction_steps;
    std::optional<double> correction_lambda;
};

void add_learning_options(CLI::App& app, LearningOptions& options);

/// Names of all of them, for refusing them where nothing learns.
const std::vector<std::string>& learning_option_names();

/// The method's recipe with what was given. Throws UsageError where they do not go together.
Recipe settled_recipe(const std::string& method, const LearningOptions& options);

/// Every number of a recipe, under the options' names.
nlohmann::ordered_json recipe_json(const Recipe& recipe);

}  // namespace adaq
