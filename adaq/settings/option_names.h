// The words of options for the engine's choices, both ways.
#pragma once

#include <map>
#include <string>

#include "engine/passes/deploy.h"
#include "engine/passes/sites.h"
#include "engine/program/device.h"
#include "engine/reconstruction/recipe.h"
#include "loaders/datasets/class_names.h"

namespace adaq {

inline const std::map<std::string, ActivationSites> kSites{{"block", ActivationSites::block},
                                                           {"layer", ActivationSites::layer},
                                                           {"deploy-ort", ActivationSites::deploy_ort},
                                                           {"deploy-tensorrt", ActivationSites::deploy_tensorrt}};
inline const std::map<std::string, Deployment> kDeployments{{"ort", Deployment::ort},
                                                            {"openvino", Deployment::openvino},
                                                            {"tensorrt", Deployment::tensorrt},
                                                            {"adaq", Deployment::adaq}};
inline const std::map<std::string, EdgeActivations> kEdges{
    {"stem", EdgeActivations::stem}, {"fc", EdgeActivations::fc}, {"both", EdgeActivations::both}};

inline const std::map<std::string, ClassOrder> kClassOrders{{"text", ClassOrder::text},
                                                            {"numeric", ClassOrder::numeric}};

inline const std::map<std::string, Math> kMaths{{"fp32", Math::f32}, {"tf32", Math::tf32}, {"bf16", Math::bf16}};

inline const std::map<std::string, UnitKind> kUnits{{"layer", UnitKind::layers}, {"block", UnitKind::blocks}};
inline const std::map<std::string, Reconstruction> kLosses{{"mean", Reconstruction::mean},
                                                           {"channel-sum", Reconstruction::channel_sum},
                                                           {"fisher-diag", Reconstruction::fisher_diag}};
inline const std::map<std::string, RoundingStart> kStarts{{"fraction", RoundingStart::fraction},
                                                          {"nearest", RoundingStart::nearest}};
inline const std::map<std::string, NormStatistics> kNorms{{"fixed", NormStatistics::fixed},
                                                          {"batch", NormStatistics::batch}};
inline const std::map<std::string, bool> kSchedules{{"constant", false}, {"cosine", true}};

template <typename T>
std::string name_of(const std::map<std::string, T>& names, T value) {
    for (const auto& [name, candidate] : names) {
        if (candidate == value) return name;
    }
    return "";
}

}  // namespace adaq
