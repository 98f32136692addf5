// A network with its weights, float or quantised, as files hold it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adaq/options.h"
#include "adaq/preprocessing.h"
#include "adaq/workspace.h"

namespace adaq {

/// A handle; copies share what they hold, which never changes.
class Model {
  public:
    /// "ResNet-18 (basic blocks 2-2-2-2, width 64, 1000 classes, RGB input)"
    const std::string& description() const;
    /// The file that it was loaded from, without its folder; empty: none.
    const std::string& file() const;
    bool quantised() const;
    int classes() const;
    int input_channels() const;
    const std::optional<Preprocessing>& preprocessing() const;
    const std::vector<std::string>& class_names() const;  // empty, or one a class
    /// Sentences: what the user should know of how it was found in its file.
    const std::vector<std::string>& notes() const;

    struct State;
    explicit Model(std::shared_ptr<const State> state) : state_(std::move(state)) {}
    // Moving copies, so that there is always something to hold.
    Model(const Model&) = default;
    // NOLINTNEXTLINE(performance-move-constructor-init): a copy is meant
    Model(Model&& other) noexcept : Model(static_cast<const Model&>(other)) {}
    Model& operator=(const Model&) = default;
    Model& operator=(Model&& other) noexcept { return *this = static_cast<const Model&>(other); }
    ~Model() = default;
    const State& state() const { return *state_; }

  private:
    std::shared_ptr<const State> state_;
};

/// A weights file: torch.save's, .safetensors, float .onnx, or adaq's .bin, told apart by content. Throws DataError,
/// and UsageError for an `arch` that adaq does not build.
Model load(const std::string& path, const LoadOptions& options = {}, Workspace* workspace = nullptr);

/// As .bin (weights/FORMAT.md), .safetensors or .onnx, by the path's ending; options are for .onnx alone. Equal models
/// give equal files. Comes back with sentences: what a runtime will do otherwise than one might expect. Throws
/// UsageError for another ending or option, DataError where the disk refuses or the network cannot be written for the
/// runtime; nothing is left there then.
std::vector<std::string> save(const Model& model, const std::string& path, const SaveOptions& options = {});

/// Throws UsageError for what save() refuses whatever the model.
void check_save(const std::string& path, const SaveOptions& options);

}  // namespace adaq
