// What ImageSets (adaq/images.h) hold: the data sets, how images become inputs of this network, and batches of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adaq/data/batch_source.h"
#include "adaq/data/opened_set.h"
#include "adaq/images.h"
#include "adaq/settings/settings.h"
#include "adaq/state/workspace_state.h"
#include "engine/graph/model.h"

namespace adaq {

struct ImageSets::State {
  public:
    /// Opens the data sets that the options name. Throws DataError.
    State(Model model, const ImageOptions& options, Workspace::State& workspace);

    const Dataset* calibration() const { return calibration_ ? &calibration_->dataset() : nullptr; }
    const Dataset* validation() const { return validation_ ? &validation_->dataset() : nullptr; }
    const ImageOptions& options() const { return options_; }
    /// How images are prepared; batch and threads are whoever's reads them.
    const BatchOptions& inputs() const { return inputs_; }
    const std::optional<Preprocessing>& preprocessing() const { return preprocessing_; }
    const std::vector<std::string>& class_names() const { return class_names_; }
    const std::vector<std::string>& notes() const { return notes_; }

    /// Of the inputs; nothing where there are no images.
    ImageSize size() const;

    /// The first images of the calibration set, normalised: all as they are, then all in each further view
    /// (settings.recipe.views). poll: asked while they are loaded.
    Tensor calibration_images(const Settings& settings, int64_t count, int threads, BatchCache& cache,
                              const Poll& poll) const;
    BatchSource validation_images(const DeviceOptions& device, BatchCache& cache) const;

    /// "64x64 pixels, mean 0.5, deviation 0.5"; images: shape of a batch.
    std::string preparation(const Shape& images) const;

    /// JSON object of all images that decide a result, and how they are prepared.
    std::string identity(bool uses_calibration) const;

  private:
    using Opened = std::shared_ptr<const OpenedSet>;

    DatasetOptions dataset_options(DatasetRole role) const;
    Opened open_validation();
    Opened own(const OwnImages& images, const std::string& name) const;
    void check_calibration_folders();
    void check_validation_labels() const;
    void check_own_sizes() const;
    /// What options say over what the weights file or `base` says.
    Preprocessing with_options(Preprocessing base);
    void settle_preprocessing();
    void compare_with_model();

    const Model handle_;
    const StoredModel& model_;
    const ImageOptions options_;
    const std::optional<ClassOrder> class_order_;
    Workspace::State* workspace_;  // while it is made
    Opened calibration_, validation_;
    BatchOptions inputs_;
    std::vector<std::string> class_names_;
    std::optional<Preprocessing> preprocessing_;
    std::vector<std::string> notes_;
};

}  // namespace adaq
