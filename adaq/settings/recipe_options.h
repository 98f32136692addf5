// LearningOptions and recipes: an option that is given takes the place of the recipe's own number.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "adaq/options.h"
#include "engine/reconstruction/recipe.h"

namespace adaq {

/// UsageError, naming the field.
void check_learning_values(const LearningOptions& options);

/// The field of one that is given; empty: none is.
std::string first_learning_option(const LearningOptions& options);

/// The method's recipe with what was given. Throws UsageError where they do not go together.
Recipe settled_recipe(const std::string& method, const LearningOptions& options);

/// Every number of a recipe, under the options' names.
nlohmann::ordered_json recipe_json(const Recipe& recipe);

}  // namespace adaq
