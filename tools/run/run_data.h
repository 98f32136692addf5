// A run's images: its data sets, how images become inputs of this network, and batches of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/graph/model.h"
#include "tools/run/options.h"
#include "tools/run/shared.h"

namespace adaq {

class RunData {
  public:
    /// Opens the data sets that the options name; calibrates: whether the run has a use for calibration images. Throws
    /// DataError.
    RunData(const RunOptions& options, const Model& model, bool calibrates, Shared& shared);

    const Dataset* calibration() const { return calibration_; }  // null: none
    const Dataset* validation() const { return validation_; }
    const BatchOptions& inputs() const { return inputs_; }
    /// What the saved file says of how images are prepared: as they were here; without images, as options say, or the
    /// weights file.
    const std::optional<Preprocessing>& preprocessing() const { return preprocessing_; }
    /// Of --classes, or the model's.
    const std::vector<std::string>& class_names() const { return class_names_; }
    /// What was decided without being asked for.
    const std::vector<std::string>& notes() const { return notes_; }

    /// The first images of the calibration set, normalised: all as they are, then all in each further view
    /// (--calib-views).
    Tensor calibration_images(int64_t count, int views) const;
    BatchSource validation_images() const;

    /// "64x64 pixels, mean 0.5, deviation 0.5"; images: shape of a batch.
    std::string preparation(const Shape& images) const;

    /// JSON object of all images that decide the run's result, and how they are prepared.
    std::string identity(bool uses_calibration) const;

  private:
    const Dataset* open(const std::string& path, DatasetRole role, const std::string& labels);
    void check_validation_labels() const;
    /// What options say over what the weights file or `base` says.
    Preprocessing with_options(Preprocessing base);
    void settle_preprocessing(const std::vector<const Dataset*>& sets);

    const RunOptions& options_;
    const Model& model_;
    Shared& shared_;
    const Dataset *calibration_ = nullptr, *validation_ = nullptr;
    BatchOptions inputs_;
    std::vector<std::string> class_names_;
    std::optional<Preprocessing> preprocessing_;
    std::vector<std::string> notes_;
};

}  // namespace adaq
