// See model.h.
#include "adaq/state/model_state.h"

#include <filesystem>

#include "adaq/data/fingerprints.h"
#include "adaq/settings/save_settings.h"
#include "adaq/state/guarded.h"
#include "adaq/state/workspace_state.h"
#include "engine/error.h"
#include "loaders/architectures/adaptive_pool.h"
#include "loaders/onnx/onnx.h"
#include "loaders/weights/weights.h"

namespace adaq {

const Network& Model::State::network(bool fold) const {
    const std::lock_guard lock(mutex_);
    auto found = networks_.find(fold);
    if (found == networks_.end()) found = networks_.emplace(fold, make_network(stored, fold)).first;
    return found->second;
}

const std::string& Model::State::crc32() const {
    const std::lock_guard lock(mutex_);
    if (crc32_.empty()) crc32_ = crc32_of_weights(stored);
    return crc32_;
}

const std::string& Model::description() const { return state_->stored.graph.description; }
const std::string& Model::file() const { return state_->file; }
bool Model::quantised() const { return state_->stored.quantisation.has_value(); }
int Model::classes() const { return static_cast<int>(classes_of(state_->stored.graph)); }
int Model::input_channels() const { return static_cast<int>(state_->stored.graph.input_channels); }
const std::optional<Preprocessing>& Model::preprocessing() const { return state_->stored.preprocessing; }
const std::vector<std::string>& Model::class_names() const { return state_->stored.class_names; }
const std::vector<std::string>& Model::notes() const { return state_->notes; }

Model load(const std::string& path, const LoadOptions& options, Workspace* workspace) {
    return guarded([&] {
        const auto open = [&] {
            FoundModel found =
                about("weights", [&] { return find_weights(path, options.checkpoint_key, options.arch); });
            auto state = std::make_shared<Model::State>();
            state->path = path;
            state->file = std::filesystem::path(path).filename();
            state->stored = std::move(found.model);
            state->notes = std::move(found.notes);
            return Model(std::move(state));
        };
        return workspace ? workspace->state().model(path, options, open) : open();
    });
}

Model fitted_to(const Model& model, int height, int width) {
    const Model::State& given = model.state();
    if (height <= 0 || width <= 0 || !needs_fitting(given.stored.graph, height, width)) return model;
    auto state = std::make_shared<Model::State>();
    state->path = given.path;
    state->file = given.file;
    state->notes = given.notes;
    state->stored = given.stored;
    state->stored.graph = fitted(given.stored.graph, height, width);
    return Model(std::move(state));
}

void check_save(const std::string& path, const SaveOptions& options) {
    guarded([&] {
        const std::string extension = std::filesystem::path(path).extension();
        if (extension != ".bin" && extension != ".safetensors" && extension != ".onnx")
            usage_error("`save` {}: expected a .bin, .safetensors or .onnx file", path);
        (void)onnx_options(options);
        if (extension != ".onnx" && options != SaveOptions{})
            usage_error("`save` {}: `target`, `onnx_input`, `pack` and `encodings` are for .onnx files alone", path);
    });
}

std::vector<std::string> save(const Model& model, const std::string& path, const SaveOptions& options) {
    check_save(path, options);
    return guarded([&] {
        return about("save", [&]() -> std::vector<std::string> {
            const StoredModel& stored = model.state().stored;
            if (path.ends_with(".onnx")) return save_onnx(path, stored, onnx_options(options));
            if (path.ends_with(".bin"))
                save_bin(path, stored);
            else
                save_safetensors(path, stored);
            return {};
        });
    });
}

}  // namespace adaq
