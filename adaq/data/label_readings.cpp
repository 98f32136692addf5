// See label_readings.h.
#include "adaq/data/label_readings.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "engine/error.h"
#include "engine/printable.h"
#include "engine/statistics.h"
#include "report/format.h"

namespace adaq {
namespace {

namespace fs = std::filesystem;

/// Lists of class names that come with data sets: Tiny-ImageNet's, ILSVRC's, and what others call theirs.
constexpr const char* kClassLists[] = {"wnids.txt", "LOC_synset_mapping.txt", "classes.txt", "class_names.txt",
                                       "synsets.txt"};

/// Where each of `names` stands in `order`; empty if one is not there.
std::vector<int> places(const std::vector<std::string>& names, const std::vector<std::string>& order) {
    const ClassIndex index(order);
    std::vector<int> found;
    for (const std::string& name : names) {
        const auto place = index.find(name);
        if (!place) return {};
        found.push_back(*place);
    }
    return found;
}

void add_orders(std::vector<LabelReading>& readings, const std::vector<std::string>& names) {
    for (const auto& [word, order] : {std::pair("text", ClassOrder::text), std::pair("numeric", ClassOrder::numeric)}) {
        std::vector<std::string> sorted = names;
        sort_class_names(sorted, order);
        readings.push_back({fmt::format("`class_order` {}", word), places(names, sorted)});
    }
}

/// Lists of classes that lie in the data set's folder or the two above it.
void add_lists(std::vector<LabelReading>& readings, const std::vector<std::string>& names, const std::string& path) {
    std::error_code error;
    fs::path folder = fs::absolute(path, error).lexically_normal();
    if (!folder.has_filename()) folder = folder.parent_path();
    for (int above = 0; above <= 2; ++above, folder = folder.parent_path()) {
        for (const char* name : kClassLists) {
            const fs::path list = folder / name;
            if (!fs::is_regular_file(list, error)) continue;
            try {
                const std::vector<std::string> order = read_class_names(list);
                if (order.size() != names.size()) continue;
                readings.push_back({fmt::format("`classes` {}", one_line(list.string())), places(names, order)});
            } catch (const DataError&) {  // it is a mere guess that it might help
            }
        }
    }
}

void add_offsets(std::vector<LabelReading>& readings, int offset, int classes) {
    for (const int other : {0, -1, 1}) {
        LabelReading reading{other == 0 ? "no `label_offset`" : fmt::format("`label_offset` {}", other), {}};
        for (int label = 0; label < classes; ++label) {
            const int moved = label - offset + other;
            reading.classes.push_back(moved >= 0 && moved < classes ? moved : Dataset::kNoLabel);
        }
        readings.push_back(std::move(reading));
    }
}

bool changes_nothing(const LabelReading& reading) {
    for (size_t i = 0; i < reading.classes.size(); ++i) {
        if (reading.classes[i] != static_cast<int>(i)) return false;
    }
    return true;
}

}  // namespace

std::vector<LabelReading> other_readings(const Dataset& validation, const ImageOptions& options, int classes) {
    const LabelSource source = validation.label_source();
    const std::vector<std::string>& names = validation.class_names();
    std::vector<LabelReading> readings;
    const bool named = source == LabelSource::places || source == LabelSource::model_names;
    const bool moved = source == LabelSource::places && options.label_offset != 0;
    if (named && !moved && std::ssize(names) == classes) {
        add_orders(readings, names);
        if (!options.val.empty()) add_lists(readings, names, options.val);
    }
    if (source == LabelSource::places || source == LabelSource::numbers)
        add_offsets(readings, options.label_offset, classes);
    std::erase_if(readings, changes_nothing);
    return readings;
}

int64_t right_under(const LabelReading& reading, const std::vector<int>& labels, const std::vector<int>& choices) {
    int64_t right = 0;
    for (size_t i = 0; i < choices.size(); ++i) right += reading.classes[labels[i]] == choices[i];
    return right;
}

bool is_near_chance(int64_t right, int64_t images, int classes) {
    if (images < 1 || classes < 2) return false;
    const double chance = 1.0 / classes, limit = chance + std::min(chance, 0.05);
    const Interval interval = wilson_interval(right, images);
    return interval.lo <= limit && interval.hi < (1.0 + limit) / 2.0;
}

std::string chance_warning(const std::string& which, const Evaluation& network, int classes,
                           const std::vector<LabelReading>& readings, const std::vector<int64_t>& right) {
    if (!is_near_chance(network.top1, network.images, classes)) return "";
    const auto share = [&](int64_t part) {
        return report::percent(static_cast<double>(part) / static_cast<double>(network.images));
    };
    std::string text = fmt::format("Warning: top-1 of {}, {}, is about what guessing among {} classes gives, {}", which,
                                   share(network.top1), classes, report::percent(1.0 / classes));
    const auto best = std::max_element(right.begin(), right.end());
    if (best != right.end() && *best >= 2 * network.top1 && !is_near_chance(*best, network.images, classes))
        return text + fmt::format(": with {} it would be {}.", readings[best - right.begin()].how, share(*best));
    return text +
           ". The usual reasons: classes in another order than it learned them in (`classes`, `class_order`), labels "
           "that "
           "count from 1 (`label_offset` -1), other `mean` and `std`, other `resize` and `crop`, or other weights.";
}

}  // namespace adaq
