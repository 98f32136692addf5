// See workspace.h and workspace_state.h.
#include "adaq/workspace.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "adaq/data/fingerprints.h"
#include "adaq/settings/option_table.h"
#include "adaq/settings/settings.h"
#include "adaq/state/workspace_state.h"

namespace adaq {
namespace {

constexpr int64_t kImageBytes = int64_t{1} << 30;  // of decoded images: 5,000 of 64 x 64 are a quarter of that

/// Changes where the file does; empty where there is none.
std::string state_of_file(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return "";
    return fmt::format("{} {} {} {}.{:09}", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec);
}

/// The element under a key, made where it is missing.
template <typename Map, typename Key, typename Make>
typename Map::mapped_type& found_or_made(Map& map, const Key& key, Make make) {
    auto found = map.find(key);
    if (found == map.end()) found = map.emplace(key, make()).first;
    return found->second;
}

}  // namespace

Workspace::Workspace() : state_(std::make_unique<State>(true)) {}
Workspace::~Workspace() = default;

Workspace::State::State(bool keeps) : keeps_(keeps), images_(keeps ? kImageBytes : 0) {}

Device& Workspace::State::device(const DeviceOptions& o) {
    check_number("batch", o.batch);
    const int threads = thread_count(o.threads);
    return *found_or_made(devices_, std::tuple(o.device, threads, o.math),
                          [&] { return make_device(o.device, threads, math_named(o.math)); });
}

Model Workspace::State::model(const std::string& path, const LoadOptions& options, const std::function<Model()>& open) {
    const std::string file = state_of_file(path);
    const std::tuple key(path, options.checkpoint_key, options.arch);
    const auto found = models_.find(key);
    if (found != models_.end() && found->second.file == file) return found->second.model;
    return models_.insert_or_assign(key, OpenedModel{file, open()}).first->second.model;
}

std::shared_ptr<const OpenedSet> Workspace::State::dataset(const std::string& path, const DatasetOptions& options) {
    return found_or_made(datasets_, std::pair(path, options), [&] {
        return std::make_shared<const OpenedSet>(path, open_dataset(path, options), crc32_of_images);
    });
}

const PreprocessingChoice& Workspace::State::preprocessing(const std::vector<std::shared_ptr<const OpenedSet>>& sets) {
    return found_or_made(preprocessings_, sets, [&] {
        std::vector<const Dataset*> datasets;
        for (const auto& set : sets) datasets.push_back(&set->dataset());
        return choose_preprocessing(datasets);
    });
}

const EvaluatedNetwork* Workspace::State::evaluated(const std::string& key) const {
    const auto found = evaluated_.find(key);
    return found == evaluated_.end() ? nullptr : &found->second;
}

void Workspace::State::keep(const std::string& key, EvaluatedNetwork network) {
    evaluated_.insert_or_assign(key, std::move(network));
}

FloatValues& Workspace::State::float_values(const std::string& key, int64_t limit_bytes) {
    if (!float_values_ || float_values_->first != key) {
        float_values_.reset();  // before others take its place
        float_values_.emplace(key, FloatValues(limit_bytes));
    }
    return float_values_->second;
}

}  // namespace adaq
