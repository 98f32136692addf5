// See batch_stream.h. Threads take image after image (not batch after batch, so that the batch that is due is ready as
// early as can be); a batch must have a free place in the ring before anyone starts on its images. What is shared is
// under one mutex, held only to take a number or to hand one in; all waiting is on condition variables.
#include "loaders/batch_stream.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#include "engine/error.h"

namespace adaq {

namespace {

constexpr std::chrono::milliseconds kBetweenPolls{50};

int thread_count(const BatchOptions& options, int64_t images) {
    const int wanted = options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency());
    return static_cast<int>(std::clamp<int64_t>(wanted, 1, std::max<int64_t>(images, 1)));
}

}  // namespace

struct BatchStream::State {
    /// One place of the ring. `batch` belongs to the threads from the batch's start until `unfinished` is 0, then to
    /// the consumer.
    struct Slot {
        Batch batch;
        int unfinished = 0;                    // images still to be made
        std::exception_ptr failure = nullptr;  // of the first image that failed,
        int64_t failed_image = 0;              // which is this one
    };

    const Dataset& dataset;
    const std::vector<int64_t> items;
    const BatchOptions options;
    ImageSize size;
    Shape shape;

    std::mutex mutex;
    std::condition_variable work, ready;  // a batch has got a place; a batch is complete
    std::vector<Slot> ring;
    int64_t next_image = 0;       // to be taken by a thread
    int64_t started_batches = 0;  // those that have, or had, a place in the ring
    int64_t next_batch = 0;       // to be delivered
    bool stopping = false;
    std::vector<std::thread> threads;

    State(const Dataset& d, std::vector<int64_t> i, const BatchOptions& o)
        : dataset(d), items(std::move(i)), options(o) {}
    ~State();

    int64_t image_count() const { return static_cast<int64_t>(items.size()); }
    int64_t batch_count() const { return (image_count() + options.batch - 1) / options.batch; }
    Slot& slot_of(int64_t batch) { return ring[batch % ring.size()]; }

    void start();
    void prepare(int64_t batch);
    int64_t take_image();
    void make_images();
    void make_image(InputMaker& maker, int64_t image);
    void hand_in(int64_t image, const std::exception_ptr& failure);
    void wait_for(const Slot& slot, const std::function<void()>& poll);
};

void BatchStream::State::start() {
    require(options.batch > 0, "BatchStream: batches of {}", options.batch);
    if (!items.empty()) size = input_size(dataset, items.front(), options);
    shape = {options.batch, size.height, size.width, options.channels};
    const Normaliser checked(options.preprocessing, options.channels);  // here rather than in a thread
    const int workers = thread_count(options, image_count());
    // While the consumer works on one batch, one is being made and the next may be begun; small batches need more
    // places to keep all threads at work.
    const int64_t places = 1 + (workers + options.batch - 1) / options.batch;
    ring.resize(std::min(places, batch_count()));
    for (int64_t batch = 0; batch < static_cast<int64_t>(ring.size()); ++batch) prepare(batch);
    started_batches = static_cast<int64_t>(ring.size());
    if (items.empty()) return;
    for (int i = 0; i < workers; ++i) threads.emplace_back([this] { make_images(); });
}

BatchStream::State::~State() {
    {
        const std::lock_guard lock(mutex);
        stopping = true;
    }
    work.notify_all();
    for (std::thread& thread : threads) thread.join();
}

/// Makes the place of `batch` ready for the threads. Its buffers are new, or whatever the consumer gave back.
void BatchStream::State::prepare(int64_t batch) {
    Slot& slot = slot_of(batch);
    const int64_t first = batch * options.batch;
    const int count = static_cast<int>(std::min<int64_t>(options.batch, image_count() - first));
    const auto image_floats = element_count(shape) / options.batch;
    slot.batch.count = slot.unfinished = count;
    slot.failure = nullptr;
    slot.batch.images.shape = shape;
    slot.batch.images.values.resize(element_count(shape));
    std::fill(slot.batch.images.values.begin() + count * image_floats, slot.batch.images.values.end(), 0.0f);
    slot.batch.labels.assign(options.batch, Dataset::kNoLabel);
    for (int i = 0; i < count; ++i) {
        slot.batch.labels[i] = dataset.label(items[first + i]);
    }
}

/// The number of the next image to make, or -1 if there is none.
int64_t BatchStream::State::take_image() {
    std::unique_lock lock(mutex);
    work.wait(lock,
              [&] { return stopping || next_image >= image_count() || next_image / options.batch < started_batches; });
    return stopping || next_image >= image_count() ? -1 : next_image++;
}

void BatchStream::State::make_images() {
    InputMaker maker(dataset, options, size);
    for (int64_t image = take_image(); image >= 0; image = take_image()) {
        try {
            make_image(maker, image);
            hand_in(image, nullptr);
        } catch (...) {
            hand_in(image, std::current_exception());
        }
    }
}

void BatchStream::State::make_image(InputMaker& maker, int64_t image) {
    Tensor& images = slot_of(image / options.batch).batch.images;
    const int64_t image_floats = element_count(shape) / options.batch;
    maker.make(items[image], images.values.data() + image % options.batch * image_floats);
}

void BatchStream::State::hand_in(int64_t image, const std::exception_ptr& failure) {
    const std::lock_guard lock(mutex);
    Slot& slot = slot_of(image / options.batch);
    if (failure && (!slot.failure || image < slot.failed_image)) {
        slot.failure = failure;
        slot.failed_image = image;
    }
    if (--slot.unfinished == 0) ready.notify_one();
}

void BatchStream::State::wait_for(const Slot& slot, const std::function<void()>& poll) {
    const auto finished = [&] { return slot.unfinished == 0; };
    std::unique_lock lock(mutex);
    if (!poll) return ready.wait(lock, finished);
    while (!ready.wait_for(lock, kBetweenPolls, finished)) {
        lock.unlock();
        poll();
        lock.lock();
    }
}

BatchStream::BatchStream(const Dataset& dataset, std::vector<int64_t> items, const BatchOptions& options)
    : state_(std::make_unique<State>(dataset, std::move(items), options)) {
    state_->start();
}

BatchStream::~BatchStream() = default;

const Shape& BatchStream::shape() const { return state_->shape; }
int64_t BatchStream::image_count() const { return state_->image_count(); }

bool BatchStream::next(Batch& batch, const std::function<void()>& poll) {
    State& state = *state_;
    if (state.next_batch >= state.batch_count()) return false;
    State::Slot& slot = state.slot_of(state.next_batch);
    state.wait_for(slot, poll);
    if (slot.failure) {
        state.next_batch = state.batch_count();  // nothing more after an error
        std::rethrow_exception(slot.failure);
    }
    std::swap(batch, slot.batch);
    ++state.next_batch;
    const int64_t following = state.next_batch - 1 + static_cast<int64_t>(state.ring.size());
    if (following < state.batch_count()) {
        state.prepare(following);
        {
            const std::lock_guard lock(state.mutex);
            ++state.started_batches;
        }
        state.work.notify_all();
    }
    return true;
}

}  // namespace adaq
