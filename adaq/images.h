// The images of a piece of work: opened, with their labels, and settled how they become a network's input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adaq/model.h"
#include "adaq/options.h"

namespace adaq {

/// A handle; copies share what they hold, which never changes.
class ImageSets {
  public:
    bool calibrates() const;
    bool validates() const;
    int64_t calibration_count() const;  // images that there are; 0: none
    int64_t validation_count() const;   // images that will be evaluated
    /// Of the network's input, pixels; 0 where there are no images.
    int height() const;
    int width() const;
    /// How they are prepared, or would be; empty where neither images, options nor the model say it.
    const std::optional<Preprocessing>& preprocessing() const;
    const std::vector<std::string>& class_names() const;
    /// Sentences: what was decided without being asked for.
    const std::vector<std::string>& notes() const;

    struct State;
    explicit ImageSets(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    // Moving copies, so that there is always something to hold.
    ImageSets(const ImageSets&) = default;
    // NOLINTNEXTLINE(performance-move-constructor-init): a copy is meant
    ImageSets(ImageSets&& other) noexcept : ImageSets(static_cast<const ImageSets&>(other)) {}
    ImageSets& operator=(const ImageSets&) = default;
    ImageSets& operator=(ImageSets&& other) noexcept { return *this = static_cast<const ImageSets&>(other); }
    ~ImageSets() = default;
    const State& state() const { return *state_; }

  private:
    std::shared_ptr<const State> state_;
};

/// Opens what the options name, for this model. Throws UsageError, and DataError for what cannot be used: no such
/// path, labels that do not fit, images of several sizes of which it is not said how they are prepared.
ImageSets open_images(const Model& model, const ImageOptions& options, Workspace* workspace = nullptr);

}  // namespace adaq
