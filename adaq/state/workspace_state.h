// What a Workspace (adaq/workspace.h) holds. Each thing is made when it is first asked for.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "adaq/data/batch_source.h"
#include "adaq/data/opened_set.h"
#include "adaq/model.h"
#include "adaq/options.h"
#include "adaq/report.h"
#include "adaq/workspace.h"
#include "engine/program/device.h"
#include "engine/reconstruction/float_values.h"
#include "loaders/preprocessing_choice.h"

namespace adaq {

/// A network that was evaluated.
struct EvaluatedNetwork {
    Evaluation evaluation;
    std::vector<int> choices;    // its first choice for each image
    std::vector<int64_t> right;  // under other readings of the labels (adaq/data/label_readings.h)
};

struct Workspace::State {
  public:
    /// keeps: for several pieces of work; else what only they would want is not kept.
    explicit State(bool keeps);

    /// Throws UsageError for options out of their bounds, and as make_device does.
    Device& device(const DeviceOptions& options);
    /// Opened anew where the file is not what it was: of another size, or written since.
    Model model(const std::string& path, const LoadOptions& options, const std::function<Model()>& open);
    /// Throws as open_dataset does.
    std::shared_ptr<const OpenedSet> dataset(const std::string& path, const DatasetOptions& options);
    /// As choose_preprocessing(), with ImageNet's mean and deviation.
    const PreprocessingChoice& preprocessing(const std::vector<std::shared_ptr<const OpenedSet>>& sets);

    BatchCache& images() { return images_; }

    /// The float network as it was evaluated under such a key, or null; keep() says where it will be.
    const EvaluatedNetwork* evaluated(const std::string& key) const;
    void keep(const std::string& key, EvaluatedNetwork network);
    bool keeps() const { return keeps_; }

    /// What the float network gives on the calibration images, under a key that tells networks, images and devices
    /// apart: of the last key alone. limit_bytes: of its memory, where it is new.
    FloatValues& float_values(const std::string& key, int64_t limit_bytes);

  private:
    bool keeps_;
    std::map<std::tuple<std::string, int, std::string>, std::unique_ptr<Device>> devices_;
    struct OpenedModel {
        std::string file;  // what tells it from one that was there before or after
        Model model;
    };
    std::map<std::tuple<std::string, std::string, std::string>, OpenedModel> models_;
    std::map<std::pair<std::string, DatasetOptions>, std::shared_ptr<const OpenedSet>> datasets_;
    std::map<std::vector<std::shared_ptr<const OpenedSet>>, PreprocessingChoice> preprocessings_;
    std::map<std::string, EvaluatedNetwork> evaluated_;
    std::optional<std::pair<std::string, FloatValues>> float_values_;
    BatchCache images_;
};

/// A context's workspace, or one of its own that lives as long as this.
class WorkspaceOf {
  public:
    explicit WorkspaceOf(Workspace* given) {
        if (!given) own_.emplace(false);
        state_ = given ? &given->state() : &*own_;
    }
    Workspace::State& operator*() const { return *state_; }
    Workspace::State* operator->() const { return state_; }

  private:
    std::optional<Workspace::State> own_;
    Workspace::State* state_;
};

}  // namespace adaq
