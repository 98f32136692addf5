// Batches of network inputs, made by several threads and delivered in order. A bounded ring of batches is all that is
// held, whatever the number of images; its buffers are exchanged with the consumer's and used again.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/tensor.h"
#include "loaders/input_maker.h"

namespace adaq {

struct BatchOptions : InputOptions {
    int batch = 32;
    int threads = 0;  // decoding threads; 0: one for each processor
};

struct Batch {
    Tensor images;            // [batch, height, width, channels]; rows beyond `count` are zero
    std::vector<int> labels;  // [batch]; Dataset::kNoLabel where there is none, and beyond `count`
    int count = 0;            // images in this batch: `batch`, but for the last
};

class BatchStream {
  public:
    /// Starts making batches of `items` in that order. The data set must outlive the stream. Throws DataError if the
    /// first item's header cannot be read or the preprocessing does not fit the channels.
    BatchStream(const Dataset& dataset, std::vector<int64_t> items, const BatchOptions& options);

    /// Stops the threads, however far they are.
    ~BatchStream();
    BatchStream(const BatchStream&) = delete;
    BatchStream& operator=(const BatchStream&) = delete;

    /// Shape of Batch::images.
    const Shape& shape() const;
    int64_t image_count() const;

    /// Waits for the next batch and puts it into `batch`, whose buffers are recycled; false after the last. An item
    /// that cannot be read throws its DataError when its batch is due: the first in order, whatever the threads did.
    /// poll: asked several times a second while the batch is waited for; may throw, and then the batch is still due.
    bool next(Batch& batch, const std::function<void()>& poll = {});

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace adaq
