// What the runs of one process have in common (adaq-run has one, adaq-sweep one for each cell of a table): the device,
// the model and its float network, the opened data sets, decoded images, how good the float network is and what it
// gives behind each unit. Each is made when a run first asks for it. A run's result has the same bits with whatever
// others it shares.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>

#include "engine/graph/network.h"
#include "engine/reconstruction/float_values.h"
#include "loaders/datasets/dataset.h"
#include "loaders/preprocessing_choice.h"
#include "loaders/weights/weights.h"
#include "report/report.h"
#include "tools/run/batch_source.h"
#include "tools/run/options.h"

namespace adaq {

/// A file of weights, and which of the networks in it.
struct WeightsSource {
    std::string path, checkpoint_key;

    auto operator<=>(const WeightsSource&) const = default;
};

/// That of --weights and --checkpoint-key, or the bundled one.
WeightsSource weights_source(const RunOptions& options);

/// A network that was evaluated.
struct EvaluatedNetwork {
    Evaluation evaluation;
    std::vector<int> choices;    // its first choice for each image
    std::vector<int64_t> right;  // under other readings of the labels (tools/run/label_readings.h)
};

class Shared {
  public:
    /// One run alone, which keeps nothing for others; or several.
    enum class Use { once, again };
    explicit Shared(Use use = Use::once);

    /// The device of --device, --threads and --math. Throws as make_device does.
    Device& device(const RunOptions& options);
    /// A weights file's content, with what the user should know of it. Throws as find_weights does.
    const FoundModel& model(const WeightsSource& source);
    /// The float network of a model that model() gave.
    const Network& network(const WeightsSource& source, bool fold);
    /// Throws as open_dataset does.
    const Dataset& dataset(const std::string& path, const DatasetOptions& options);
    /// As choose_preprocessing(), with ImageNet's mean and deviation, for data sets that dataset() gave.
    const PreprocessingChoice& preprocessing(const std::vector<const Dataset*>& sets);
    /// Of a data set or a model that this gave (tools/run/identity.h).
    std::string images_crc32(const std::string& path, const Dataset& dataset);
    std::string weights_crc32(const WeightsSource& source);

    BatchCache& images() { return images_; }

    /// The float network as it was evaluated under such a key, or null; keep() says where it will be.
    const EvaluatedNetwork* evaluated(const std::string& key) const;
    void keep(const std::string& key, EvaluatedNetwork network);
    bool keeps() const { return use_ == Use::again; }

    /// What the float network gives on the calibration images, under a key that tells networks, images and devices
    /// apart: of the last key alone. limit_bytes: of its memory, where it is new.
    FloatValues& float_values(const std::string& key, int64_t limit_bytes);

  private:
    Use use_;
    std::map<std::tuple<std::string, int, Math>, std::unique_ptr<Device>> devices_;
    std::map<WeightsSource, FoundModel> models_;
    std::map<std::pair<WeightsSource, bool>, Network> networks_;
    std::map<std::pair<std::string, DatasetOptions>, std::unique_ptr<Dataset>> datasets_;
    std::map<std::vector<const Dataset*>, PreprocessingChoice> preprocessings_;
    std::map<std::pair<std::string, const Dataset*>, std::string> image_crcs_;
    std::map<WeightsSource, std::string> weight_crcs_;
    std::map<std::string, EvaluatedNetwork> evaluated_;
    std::optional<std::pair<std::string, FloatValues>> float_values_;
    BatchCache images_;
};

}  // namespace adaq
