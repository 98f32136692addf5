// See shared.h.
#include "tools/run/shared.h"

#include "tools/run/bundled.h"
#include "tools/run/identity.h"

namespace adaq {
namespace {

constexpr int64_t kImageBytes = int64_t{1} << 30;  // of decoded images: 5,000 of 64 x 64 are a quarter of that

/// The element under a key, made where it is missing.
template <typename Map, typename Key, typename Make>
typename Map::mapped_type& found_or_made(Map& map, const Key& key, Make make) {
    auto found = map.find(key);
    if (found == map.end()) found = map.emplace(key, make()).first;
    return found->second;
}

}  // namespace

WeightsSource weights_source(const RunOptions& options) {
    return {options.weights.empty() ? bundled_weights() : options.weights, options.checkpoint_key};
}

Shared::Shared(Use use) : use_(use), images_(use == Use::again ? kImageBytes : 0) {}

Device& Shared::device(const RunOptions& o) {
    return *found_or_made(devices_, std::tuple(o.device, o.threads, o.math),
                          [&] { return make_device(o.device, o.threads, o.math); });
}

const FoundModel& Shared::model(const WeightsSource& source) {
    return found_or_made(models_, source, [&] { return find_weights(source.path, source.checkpoint_key); });
}

const Network& Shared::network(const WeightsSource& source, bool fold) {
    return found_or_made(networks_, std::pair(source, fold), [&] { return make_network(model(source).model, fold); });
}

const Dataset& Shared::dataset(const std::string& path, const DatasetOptions& options) {
    return *found_or_made(datasets_, std::pair(path, options), [&] { return open_dataset(path, options); });
}

const PreprocessingChoice& Shared::preprocessing(const std::vector<const Dataset*>& sets) {
    return found_or_made(preprocessings_, sets, [&] { return choose_preprocessing(sets); });
}

std::string Shared::images_crc32(const std::string& path, const Dataset& dataset) {
    return found_or_made(image_crcs_, std::pair(path, &dataset), [&] { return crc32_of_images(dataset, path); });
}

std::string Shared::weights_crc32(const WeightsSource& source) {
    return found_or_made(weight_crcs_, source, [&] { return crc32_of_weights(model(source).model); });
}

const EvaluatedNetwork* Shared::evaluated(const std::string& key) const {
    const auto found = evaluated_.find(key);
    return found == evaluated_.end() ? nullptr : &found->second;
}

void Shared::keep(const std::string& key, EvaluatedNetwork network) {
    evaluated_.insert_or_assign(key, std::move(network));
}

FloatValues& Shared::float_values(const std::string& key, int64_t limit_bytes) {
    if (!float_values_ || float_values_->first != key) {
        float_values_.reset();  // before others take its place
        float_values_.emplace(key, FloatValues(limit_bytes));
    }
    return float_values_->second;
}

}  // namespace adaq
