// Batches of network inputs in order: decoded anew each time, or kept in memory behind the first time where several
// runs want the same ones and they fit.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adaq/data/opened_set.h"
#include "loaders/batch_stream.h"

namespace adaq {

/// Decoded images of several runs, by data set and what makes them equal. Holds up to `limit` bytes; what does not fit
/// is not kept.
class BatchCache {
  public:
    explicit BatchCache(int64_t limit) : limit_(limit) {}
    int64_t bytes() const { return bytes_; }

  private:
    friend class BatchSource;
    using Key = std::pair<std::shared_ptr<const OpenedSet>, std::string>;
    std::map<Key, std::vector<Batch>> whole_;  // every batch of a pass that came to its end
    int64_t limit_, bytes_ = 0;
};

class BatchSource {
  public:
    /// The cache must outlive the source. Throws as BatchStream does.
    BatchSource(std::shared_ptr<const OpenedSet> set, std::vector<int64_t> items, const BatchOptions& options,
                BatchCache& cache);

    /// Shape of Batch::images.
    const Shape& shape() const { return shape_; }
    int64_t image_count() const { return image_count_; }

    /// As BatchStream::next.
    bool next(Batch& batch, const std::function<void()>& poll = {});

  private:
    void remember(const Batch& batch);

    std::shared_ptr<const OpenedSet> set_;
    BatchCache& cache_;
    BatchCache::Key key_;
    int64_t image_count_;
    Shape shape_;
    const std::vector<Batch>* kept_ = nullptr;  // decoded by an earlier pass
    size_t position_ = 0;                       // in them
    std::unique_ptr<BatchStream> stream_;       // else
    std::vector<Batch> copies_;                 // of what the stream gave so far
    int64_t copied_bytes_ = 0;
    bool remembering_ = false;
};

}  // namespace adaq
