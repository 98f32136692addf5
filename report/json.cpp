// The whole report as JSON, for programs. Keys are documented in docs/report.md and keep their order; numbers are
// written so that they read back as the same bits. JSON knows no infinity: an infinite SQNR (no error at all) is
// "infinity".
#include <cmath>
#include <nlohmann/json.hpp>

#include "adaq/report.h"
#include "engine/error.h"
#include "engine/statistics.h"
#include "report/record_json.h"
#include "report/summary.h"

namespace adaq {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) {
    if (std::isnan(value)) return nullptr;
    if (std::isinf(value)) return value > 0 ? "infinity" : "-infinity";
    return value;
}

template <typename T, typename Convert>
Json or_null(const std::optional<T>& value, Convert convert) {
    return value ? Json(convert(*value)) : Json(nullptr);
}

Json interval(int64_t part, int64_t whole) {
    const Interval bounds = wilson_interval(part, whole);
    return {bounds.lo, bounds.hi};
}

Json ranking(int64_t correct, int64_t images) {
    return {
        {"correct", correct}, {"share", report::share(correct, images)}, {"interval_95", interval(correct, images)}};
}

Json evaluation(const Evaluation& network) {
    Json json{{"images", network.images},
              {"seconds", network.seconds},
              {"images_per_second", network.images_per_second()},
              {"top1", nullptr},
              {"top5", nullptr}};
    if (network.labelled) {
        json["top1"] = ranking(network.top1, network.images);
        json["top5"] = ranking(network.top5, network.images);
    }
    return json;
}

Json data_set(const DataSet& set) {
    return {{"description", set.description}, {"images", set.images}, {"preprocessing", set.preprocessing}};
}

Json histogram(const Histogram& bins) {
    if (bins.counts.empty()) return nullptr;
    return {{"lo", bins.lo}, {"hi", bins.hi}, {"counts", bins.counts}};
}

Json weight(const WeightReport& layer) {
    Json json{{"name", layer.name},
              {"shape", layer.shape},
              {"bits", layer.grid.bits},
              {"one_sided", layer.grid.one_sided},
              {"scheme", layer.scheme},
              {"granularity", layer.per_channel ? "channel" : "layer"},
              {"scale", {{"min", layer.scale.min}, {"median", layer.scale.median}, {"max", layer.scale.max}}},
              {"zero_point", {{"min", layer.zero_point_min}, {"max", layer.zero_point_max}}},
              {"empty_groups", layer.empty_groups},
              {"weight_sqnr_db", or_null(layer.weight_sqnr_db, number)},
              {"output_sqnr_db", or_null(layer.output_sqnr_db, number)},
              {"clipped_share", layer.weight_sqnr_db ? number(layer.clipped_share) : Json()},
              {"multiply_accumulates", layer.multiply_accumulates},
              {"exact_sums", or_null(layer.exact_sums, [](bool exact) { return exact; })},
              {"histogram", histogram(layer.histogram)}};
    json["typical"] = {{"channel", layer.per_channel ? Json(layer.typical_channel) : Json()},
                       {"scale", layer.typical.scale},
                       {"zero_point", layer.typical.zero_point}};
    return json;
}

Json activation(const ActivationReport& site) {
    return {{"name", site.name},
            {"bits", site.grid.bits},
            {"one_sided", site.grid.one_sided},
            {"scheme", site.scheme},
            {"scale", site.quantiser.scale},
            {"zero_point", site.quantiser.zero_point},
            {"observed",
             site.observed ? Json{{"min", number(site.observed_min)}, {"max", number(site.observed_max)}} : Json()},
            {"range", {{"min", site.range_lo()}, {"max", site.range_hi()}}},
            {"clipped_share", site.observed ? number(site.clipped_share) : Json()},
            {"sqnr_db", site.observed ? number(site.sqnr_db) : Json()},
            {"histogram", histogram(site.histogram)}};
}

template <typename Item, typename Convert>
Json array_of(const std::vector<Item>& items, Convert convert) {
    Json array = Json::array();
    for (const Item& item : items) array.push_back(convert(item));
    return array;
}

template <typename Value>
Json object_of(const std::vector<std::pair<std::string, Value>>& pairs) {
    Json object = Json::object();
    for (const auto& [key, value] : pairs) object[key] = value;
    return object;
}

/// The same text as a unit's own record.
Json unit(const UnitRecord& record) { return Json::parse(to_json(record)); }

Json settings(const std::string& text) {
    Json parsed = Json::parse(text, nullptr, false);
    require(parsed.is_object(), "report: settings are not a JSON object: {}", text);
    return parsed;
}

Json environment(const Report& report) {
    return {{"adaq", report.adaq_version},
            {"libraries", object_of(report.libraries)},
            {"processor", report.processor},
            {"device", report.device},
            {"threads", report.threads},
            {"math", report.math},
            {"seed", report.seed}};
}

Json model(const Report& report) {
    return {{"file", report.model_file}, {"architecture", report.architecture}, {"parameters", report.parameters}};
}

Json sizes(const Report& report) {
    return {{"float32", report.sizes.float32}, {"quantised", report.sizes.quantised()},
            {"codes", report.sizes.codes},     {"scales", report.sizes.scales},
            {"rest", report.sizes.rest},       {"ratio", report::size_ratio(report.sizes)}};
}

}  // namespace

std::string render_json(const Report& report) {
    Json json{{"format", "adaq-report-1"}, {"verdict", verdict(report)}};
    json["label"] = report.label;
    json["execution"] = report.execution.empty() ? Json() : Json(report.execution);
    json["method"] = report.method;
    json["date"] = report.date;
    json["command"] = report.command;
    json["environment"] = environment(report);
    json["settings"] = settings(report.settings);
    json["model"] = model(report);
    json["calibration"] = or_null(report.calibration, data_set);
    json["validation"] = or_null(report.validation, data_set);
    json["accuracy"] = {{"float32", or_null(report.float_network, evaluation)},
                        {"quantised", or_null(report.quantised_network, evaluation)},
                        {"nearest", or_null(report.nearest_network, evaluation)},
                        {"same_class", or_null(report.agreement, [](int64_t images) { return images; })}};
    json["bytes"] = sizes(report);
    json["seconds"] = object_of(report.seconds);
    json["total_seconds"] = report.total_seconds;
    json["weights"] = array_of(report.weights, weight);
    json["activations"] = array_of(report.activations, activation);
    json["learning"] = array_of(report.learning, unit);
    json["notes"] = report.notes;
    json["next"] = report.next;
    // File names need not be UTF-8; JSON must be.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace adaq
