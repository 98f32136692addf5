// What an option may be: bounds of numbers and words of lists, each of them here alone (adaq/options.h).
#include "adaq/settings/option_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "adaq/options.h"
#include "adaq/settings/option_names.h"
#include "engine/error.h"
#include "engine/printable.h"
#include "engine/reconstruction/recipe.h"
#include "engine/schemes/scheme.h"
#include "loaders/images/geometry.h"
#include "loaders/onnx/onnx.h"

namespace adaq {
namespace {

constexpr double kMostImages = 1e9, kMostIterations = 1 << 24, kLargest = 1e38;

const std::map<std::string, Bounds>& all_bounds() {
    static const std::map<std::string, Bounds> bounds{
        {"weight_bits", {2, 8, true}},
        {"activation_bits", {2, 8, true}},
        {"input_bits", {2, 8, true}},
        {"p", {0.5, 16.0}},
        {"images", {1, kMostImages, true}},
        {"val_images", {0, kMostImages, true}},
        {"label_offset", {-100000, 100000, true}},
        {"resize", {0, 4096, true}},
        {"crop", {0, 4096, true}},
        {"threads", {0, 1024, true}},
        {"batch", {1, 4096, true}},
        {"iters", {1, kMostIterations, true}},
        {"iters_scale", {1, kMostIterations, true}},
        {"minibatch", {1, 4096, true}},
        {"calib_views", {1, kMostViews, true}},
        {"lr", {0.0, kLargest}},
        {"lr_scale", {0.0, kLargest}},
        {"lr_channel", {0.0, kLargest}},
        {"lambda", {0.0, 1e6}},
        {"warm_up", {0.0, 1.0}},
        {"loss_exponent", {1.0, 16.0}},
        {"scale_exponent", {1.0, 16.0}},
        {"keep_input", {0.0, 1.0}},
        {"keep_quantised", {0.0, 1.0}},
        {"pd_lambda", {1e-6, kLargest}},
        {"pd_temperature", {1e-6, kLargest}},
        {"correction_steps", {1, kMostIterations, true}},
        {"correction_lambda", {1e-6, kLargest}},
        {"seconds", {0.0, 1e6}},
    };
    return bounds;
}

template <typename T>
std::vector<std::string> words_in(const std::map<std::string, T>& names) {
    std::vector<std::string> words;
    for (const auto& entry : names) words.push_back(entry.first);
    return words;
}

const std::map<std::string, std::vector<std::string>>& all_words() {
    static const std::map<std::string, std::vector<std::string>> words{
        {"method", method_names()},
        {"scheme", scheme_names()},
        {"act_scheme", scheme_names()},
        {"granularity", {"channel", "layer"}},
        {"act_sites", words_in(kSites)},
        {"edge_acts", words_in(kEdges)},
        {"deploy", words_in(kDeployments)},
        {"class_order", words_in(kClassOrders)},
        {"interpolation", {kInterpolationNames.begin(), kInterpolationNames.end()}},
        {"math", words_in(kMaths)},
        {"unit", words_in(kUnits)},
        {"loss", words_in(kLosses)},
        {"rounding_init", words_in(kStarts)},
        {"bn", words_in(kNorms)},
        {"lr_scale_schedule", words_in(kSchedules)},
        {"target", {kOnnxTargetNames.begin(), kOnnxTargetNames.end()}},
        {"onnx_input", {kOnnxInputNames.begin(), kOnnxInputNames.end()}},
        {"encodings", {"none", "aimet"}},
    };
    return words;
}

}  // namespace

const std::vector<std::string>& method_names() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> all{"nearest"};
        all.insert(all.end(), recipe_names().begin(), recipe_names().end());
        return all;
    }();
    return names;
}

Bounds bounds_of(const std::string& field) {
    const auto found = all_bounds().find(field);
    require(found != all_bounds().end(), "no bounds of option {}", field);
    return found->second;
}

const std::vector<std::string>& words_of(const std::string& field) {
    const auto found = all_words().find(field);
    require(found != all_words().end(), "no words of option {}", field);
    return found->second;
}

void check_number(const std::string& field, double value) {
    const Bounds bounds = bounds_of(field);
    if (!(value >= bounds.least && value <= bounds.most))
        usage_error("`{}` {}: expected a {}number from {} to {}", field, value, bounds.whole ? "whole " : "",
                    bounds.least, bounds.most);
}

void check_bits(const std::string& field, int bits) {
    const Bounds bounds = bounds_of(field);
    if (bits != kFloatBits && !(bits >= bounds.least && bits <= bounds.most))
        usage_error("`{}` {}: expected {} to {}, or {} for float", field, bits, bounds.least, bounds.most, kFloatBits);
}

void check_word(const std::string& field, const std::string& word) {
    const std::vector<std::string>& words = words_of(field);
    if (std::find(words.begin(), words.end(), word) == words.end())
        usage_error("`{}` {}: expected {}", field, printable(word), fmt::join(words, ", "));
}

}  // namespace adaq
