// See record_json.h.
#include "report/record_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "loaders/json_fault.h"

namespace adaq {
namespace {

using Json = nlohmann::ordered_json;

// A curve is written column by column: its keys once, not at every point.
constexpr const char *kIteration = "iteration", *kReconstruction = "reconstruction", *kPenalty = "penalty",
                     *kPrediction = "prediction", *kSoftness = "softness", *kShare = "unsettled_share";

Json curve_json(const std::vector<LearningPoint>& curve) {
    Json json;
    for (const char* column : {kIteration, kReconstruction, kPrediction, kPenalty, kSoftness, kShare})
        json[column] = Json::array();
    for (const LearningPoint& point : curve) {
        json[kIteration].push_back(point.iteration);
        json[kReconstruction].push_back(point.reconstruction);
        json[kPrediction].push_back(point.prediction);
        json[kPenalty].push_back(point.penalty);
        json[kSoftness].push_back(point.unsettled.softness);
        json[kShare].push_back(point.unsettled.share);
    }
    return json;
}

/// get<int64_t>() would take 1.5 for 1.
int64_t whole(const Json& json) {
    if (!json.is_number_integer()) data_error("{} is no integer", json.dump());
    return json.get<int64_t>();
}

std::vector<LearningPoint> curve_from(const Json& json) {
    std::vector<LearningPoint> curve(json.at(kIteration).size());
    for (const char* column : {kReconstruction, kPrediction, kPenalty, kSoftness, kShare})
        if (json.at(column).size() != curve.size())
            data_error("{} has {} points, {} has {}", column, json.at(column).size(), kIteration, curve.size());
    for (size_t i = 0; i < curve.size(); ++i)
        curve[i] = {whole(json.at(kIteration).at(i)),
                    json.at(kReconstruction).at(i).get<double>(),
                    json.at(kPenalty).at(i).get<double>(),
                    {json.at(kSoftness).at(i).get<double>(), json.at(kShare).at(i).get<double>()},
                    json.at(kPrediction).at(i).get<double>()};
    return curve;
}

UnitRecord record_from(const Json& json) {
    UnitRecord record;
    record.name = json.at("name").get<std::string>();
    record.phase = static_cast<uint32_t>(whole(json.at("phase")));
    record.iterations = whole(json.at("iterations"));
    record.seconds = json.at("seconds").get<double>();
    record.flops_per_iteration = whole(json.at("flops_per_iteration"));
    record.curve = curve_from(json.at("curve"));
    for (const Json& layer : json.at("roundings"))
        record.roundings.push_back({layer.at("layer").get<std::string>(),
                                    whole(layer.at("weights")),
                                    layer.at("up").get<double>(),
                                    layer.at("down").get<double>(),
                                    {layer.at(kSoftness).get<double>(), layer.at(kShare).get<double>()}});
    for (const Json& scale : json.at("scales"))
        record.scales.push_back({scale.at("site").get<std::string>(), scale.at("initial").get<double>(),
                                 scale.at("learned").get<double>()});
    for (const Json& layer : json.at("channels"))
        record.channels.push_back({layer.at("layer").get<std::string>(), layer.at("lowest").get<double>(),
                                   layer.at("median").get<double>(), layer.at("highest").get<double>()});
    return record;
}

}  // namespace

std::string to_json(const UnitRecord& record) {
    Json json{{"name", record.name},
              {"phase", record.phase},
              {"iterations", record.iterations},
              {"seconds", record.seconds},
              {"flops_per_iteration", record.flops_per_iteration},
              {"gflops_per_second", record.gflops_per_second()},
              {"roundings", Json::array()},
              {"scales", Json::array()},
              {"channels", Json::array()},
              {"curve", curve_json(record.curve)}};
    for (const RoundingRecord& layer : record.roundings)
        json["roundings"].push_back({{"layer", layer.layer},
                                     {"weights", layer.weights},
                                     {"up", layer.up},
                                     {"down", layer.down},
                                     {kSoftness, layer.unsettled.softness},
                                     {kShare, layer.unsettled.share}});
    for (const ScaleRecord& scale : record.scales)
        json["scales"].push_back({{"site", scale.site}, {"initial", scale.initial}, {"learned", scale.learned}});
    for (const ChannelRecord& layer : record.channels)
        json["channels"].push_back(
            {{"layer", layer.layer}, {"lowest", layer.lowest}, {"median", layer.median}, {"highest", layer.highest}});
    // Layers' names come from a file and need not be UTF-8; JSON must be.
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

UnitRecord unit_record_from_json(const std::string& text) {
    if (const auto fault = json_fault(text)) data_error("a unit's record: {}", *fault);
    try {
        return record_from(Json::parse(text));
    } catch (const std::exception& error) {  // the parser's, or ours
        data_error("a unit's record: {}", error.what());
    }
}

}  // namespace adaq
