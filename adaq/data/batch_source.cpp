// See batch_source.h.
#include "adaq/data/batch_source.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "loaders/weights/flat_header.h"

namespace adaq {
namespace {

/// All that decides what the batches of a data set hold.
std::string key_of(const std::vector<int64_t>& items, const BatchOptions& o) {
    return fmt::format("items {} {:08x} resize {} {} crop {} mean {} std {} channels {} batch {} augment {} view {} {}",
                       items.size(), crc32_of(std::as_bytes(std::span(items))), o.preprocessing.resize,
                       name_of(o.preprocessing.interpolation), o.preprocessing.crop, o.preprocessing.mean,
                       o.preprocessing.std, o.channels, o.batch,
                       o.augment_seed ? std::to_string(*o.augment_seed) : "no", o.view, o.view_seed);
}

}  // namespace

BatchSource::BatchSource(std::shared_ptr<const OpenedSet> set, std::vector<int64_t> items, const BatchOptions& options,
                         BatchCache& cache)
    : set_(std::move(set)),
      cache_(cache),
      key_(set_, key_of(items, options)),
      image_count_(static_cast<int64_t>(items.size())) {
    const auto found = cache.whole_.find(key_);
    if (found != cache.whole_.end()) {
        kept_ = &found->second;
        shape_ = kept_->front().images.shape;
        return;
    }
    stream_ = std::make_unique<BatchStream>(set_->dataset(), std::move(items), options);
    shape_ = stream_->shape();
    remembering_ = image_count_ > 0;
}

bool BatchSource::next(Batch& batch, const std::function<void()>& poll) {
    if (kept_) {
        if (position_ == kept_->size()) return false;
        batch = (*kept_)[position_++];
        return true;
    }
    if (stream_->next(batch, poll)) {
        if (remembering_) remember(batch);
        return true;
    }
    if (remembering_) {
        cache_.bytes_ += copied_bytes_;
        cache_.whole_.emplace(key_, std::move(copies_));
        remembering_ = false;
    }
    return false;
}

void BatchSource::remember(const Batch& batch) {
    copied_bytes_ += static_cast<int64_t>(batch.images.values.size() * sizeof(float));
    remembering_ = cache_.bytes_ + copied_bytes_ <= cache_.limit_;
    if (remembering_)
        copies_.push_back(batch);
    else
        copies_ = {};
}

}  // namespace adaq
