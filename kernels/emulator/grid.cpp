// Runs a launch: blocks one after the other, a block's threads as fibers that change places only where they meet. Each
// round lets every thread that can go on run until it meets others or ends, in shuffled order, and then sees which
// meetings are complete. Where none is and threads still wait, they would wait for ever: that is reported.
#include <algorithm>
#include <boost/context/detail/fcontext.hpp>
#include <cstdlib>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>

#include "kernels/emulator/copies.h"
#include "kernels/emulator/indices.h"
#include "kernels/emulator/launch.h"
#include "kernels/emulator/misuse.h"
#include "kernels/emulator/releases.h"
#include "kernels/emulator/running.h"
#include "kernels/emulator/sanitizer.h"
#include "kernels/emulator/shared_memory.h"
#include "kernels/emulator/shared_pieces.h"
#include "kernels/emulator/stacks.h"
#include "kernels/emulator/threads.h"
#include "kernels/emulator/wgmma.h"

namespace adaq::emulator {

constinit thread_local Running running;

namespace {

using boost::context::detail::fcontext_t;
using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

constexpr size_t kLanes = 32;

struct Thread {
    fcontext_t context = nullptr;
    uint3 index;
    std::byte* stack = nullptr;
    void* fake_stack = nullptr;         // AddressSanitizer's
    const Meeting* waits_in = nullptr;  // null: can run, or has ended
    bool ended = false;
    uint32_t fenced_epoch = 0;
    Copies copies;
    WarpgroupProducts products;
};

uint64_t chosen_seed() {
    const char* text = std::getenv("ADAQ_EMULATOR_SEED");
    return text ? std::strtoull(text, nullptr, 10) : 1;
}

std::string place(const std::source_location& where) {
    const std::string file = where.file_name();
    return fmt::format("{}:{}", file.substr(file.rfind('/') + 1), where.line());
}

std::string triple(const uint3& i) { return fmt::format("({}, {}, {})", i.x, i.y, i.z); }

/// The one grid that runs.
class Grid {
  public:
    void run(const Launch& launch);
    void meet(const Meeting& meeting);
    [[noreturn]] void fail(std::string what);
    Copies& copies() { return threads_[current_].copies; }
    WarpgroupProducts& products() { return threads_[current_].products; }

  private:
    void check_limits() const;
    void start(const Launch& launch);
    void run_block(const uint3& index);
    void start_threads();
    void resume(size_t number);
    void leave();
    static void enter(transfer_t from);
    void finish_meetings();
    bool finish_warp(size_t warp);
    bool finish_block();
    bool complete(size_t first_thread, const Meeting& meeting) const;
    void release(const Meeting& meeting, size_t first, std::span<void* const> brought);
    [[noreturn]] void report_waiting();
    std::string whereabouts(size_t number) const;
    std::string context(std::optional<size_t> thread) const;

    const Launch* launch_ = nullptr;
    uint64_t seed_ = 0;
    std::mt19937_64 random_;
    uint3 block_;
    size_t count_ = 0;  // of the block's threads
    std::vector<Thread> threads_;
    std::vector<uint16_t> warp_epochs_;
    std::vector<size_t> ready_;
    size_t current_ = 0;
    fcontext_t scheduler_ = nullptr;
    void* scheduler_fake_stack_ = nullptr;
    const void* scheduler_stack_ = nullptr;
    size_t scheduler_stack_bytes_ = 0;
    uint32_t epoch_ = kHostEpoch + 1;
    uint32_t launch_epoch_ = 0, block_epoch_ = 0;
    std::optional<std::string> failure_;
    Stacks stacks_;
};

Grid& grid() {
    static Grid one;
    return one;
}

void Grid::check_limits() const {
    const auto& l = *launch_;
    const size_t threads = size_t{l.block.x} * l.block.y * l.block.z;
    if (threads == 0 || l.grid.x == 0 || l.grid.y == 0 || l.grid.z == 0)
        throw Misuse(context({}) + "a grid without threads");
    if (threads > kMaxThreads)
        throw Misuse(context({}) + fmt::format("{} threads a block; a card has {}", threads, kMaxThreads));
    if (l.shared_bytes > kMaxSharedBytes) {
        throw Misuse(context({}) +
                     fmt::format("{} bytes of shared memory; a card has {}", l.shared_bytes, kMaxSharedBytes));
    }
    if (l.grid.y > 65535 || l.grid.z > 65535 || l.grid.x > 2147483647u)
        throw Misuse(context({}) + "a grid's extent beyond CUDA's limits");
}

void Grid::start(const Launch& launch) {
    launch_ = &launch;
    seed_ = chosen_seed();
    // By the place in the source as well, so that different kernels see different orders; the seed alone repeats them.
    random_.seed(seed_ * 1000003 + launch.where.line());
    failure_.reset();
    check_limits();
    count_ = size_t{launch.block.x} * launch.block.y * launch.block.z;
    if (threads_.size() < count_) threads_.resize(count_);
    warp_epochs_.assign((count_ + kLanes - 1) / kLanes, 0);
    set_extents(launch.grid, launch.block);
    launch_epoch_ = epoch_ + 1;
    running.parameters = reinterpret_cast<uintptr_t>(launch.parameters.get());
    running.parameter_bytes = launch.parameter_bytes;
    releases().start_launch();
}

void Grid::run(const Launch& launch) {
    struct Ended {
        Grid& grid;
        ~Ended() { grid.launch_ = nullptr; }
    } ended{*this};
    start(launch);
    const dim3& extent = launch.grid;
    std::vector<size_t> blocks(size_t{extent.x} * extent.y * extent.z);
    std::iota(blocks.begin(), blocks.end(), size_t{0});
    std::shuffle(blocks.begin(), blocks.end(), random_);
    for (const size_t block : blocks) {
        const size_t row = block / extent.x;
        run_block({static_cast<unsigned>(block % extent.x), static_cast<unsigned>(row % extent.y),
                   static_cast<unsigned>(row / extent.y)});
    }
}

void Grid::run_block(const uint3& index) {
    block_ = index;
    set_block_index(index);
    block_epoch_ = ++epoch_;
    std::fill(warp_epochs_.begin(), warp_epochs_.end(), uint16_t{0});
    shared_pieces().start_block(launch_->shared_bytes);
    releases().start_block();
    start_threads();
    while (!ready_.empty()) {
        std::shuffle(ready_.begin(), ready_.end(), random_);
        for (const size_t number : ready_) {
            resume(number);
            if (failure_) throw Misuse(*failure_);
        }
        ready_.clear();
        finish_meetings();
    }
}

void Grid::start_threads() {
    const dim3& extent = launch_->block;
    ready_.clear();
    for (size_t i = 0; i < count_; ++i) {
        Thread& thread = threads_[i];
        const size_t row = i / extent.x;
        thread.index = {static_cast<unsigned>(i % extent.x), static_cast<unsigned>(row % extent.y),
                        static_cast<unsigned>(row / extent.y)};
        thread.stack = stacks_.get(i);
        unpoison(thread.stack, Stacks::kBytes);  // of what a kernel that was given up left there
        thread.context = make_fcontext(thread.stack + Stacks::kBytes, Stacks::kBytes, &Grid::enter);
        thread.fake_stack = nullptr;
        thread.waits_in = nullptr;
        thread.ended = false;
        thread.fenced_epoch = 0;
        thread.copies.clear();
        thread.products.clear();
        ready_.push_back(i);
    }
}

/// Lets a thread run until it waits or ends.
void Grid::resume(size_t number) {
    Thread& thread = threads_[number];
    current_ = number;
    set_thread_index(thread.index);
    running.stack = reinterpret_cast<uintptr_t>(thread.stack);
    running.stack_bytes = Stacks::kBytes;
    running.me = {epoch_, warp_epochs_[number / kLanes], static_cast<uint16_t>(number)};
    running.launch_epoch = launch_epoch_;
    running.block_epoch = block_epoch_;
    running.fenced_epoch = thread.fenced_epoch;
    running.kernel = true;
    running.failing = false;
    start_switch(&scheduler_fake_stack_, thread.stack, Stacks::kBytes);
    thread.context = jump_fcontext(thread.context, this).fctx;
    finish_switch(scheduler_fake_stack_, nullptr, nullptr);
    running.kernel = false;
    thread.fenced_epoch = running.fenced_epoch;
}

/// From the running thread back to resume().
void Grid::leave() {
    Thread& thread = threads_[current_];
    start_switch(thread.ended ? nullptr : &thread.fake_stack, scheduler_stack_, scheduler_stack_bytes_);
    scheduler_ = jump_fcontext(scheduler_, nullptr).fctx;
    finish_switch(threads_[current_].fake_stack, &scheduler_stack_, &scheduler_stack_bytes_);
}

/// Where every thread begins.
void Grid::enter(transfer_t from) {
    Grid& self = *static_cast<Grid*>(from.data);
    self.scheduler_ = from.fctx;
    finish_switch(nullptr, &self.scheduler_stack_, &self.scheduler_stack_bytes_);
    self.launch_->call(self.launch_->parameters.get());
    self.threads_[self.current_].ended = true;
    self.leave();
}

void Grid::meet(const Meeting& meeting) {
    if (!running.kernel) throw Misuse(fmt::format("{} outside a kernel", meeting.name));
    const auto lane = static_cast<unsigned>(current_ % kLanes);
    if (!meeting.whole_block && !(meeting.lanes >> lane & 1u)) {
        fail(fmt::format("{} at {}: the mask {:#010x} does not name lane {}, which calls it", meeting.name,
                         place(meeting.where), meeting.lanes, lane));
    }
    threads_[current_].waits_in = &meeting;
    leave();
}

/// Whether all threads that a meeting names wait in the same one.
bool Grid::complete(size_t first_thread, const Meeting& meeting) const {
    const size_t lanes = meeting.whole_block ? count_ : kLanes;
    for (size_t i = 0; i < lanes; ++i) {
        if (!meeting.whole_block && !(meeting.lanes >> i & 1u)) continue;
        if (first_thread + i >= count_) return false;
        const Meeting* other = threads_[first_thread + i].waits_in;
        if (!other || other->resolve != meeting.resolve || other->whole_block != meeting.whole_block ||
            other->lanes != meeting.lanes) {
            return false;
        }
    }
    return true;
}

/// Resolves a complete meeting; its threads can go on.
void Grid::release(const Meeting& meeting, size_t first, std::span<void* const> brought) {
    meeting.resolve(brought);
    for (size_t i = 0; i < brought.size(); ++i) {
        if (!meeting.whole_block && !(meeting.lanes >> i & 1u)) continue;
        threads_[first + i].waits_in = nullptr;
        ready_.push_back(first + i);
    }
}

bool Grid::finish_warp(size_t warp) {
    const size_t first = warp * kLanes;
    bool any = false;
    for (size_t i = first; i < std::min(first + kLanes, count_); ++i) {
        const Meeting* meeting = threads_[i].waits_in;
        if (!meeting || meeting->whole_block || !complete(first, *meeting)) continue;
        void* brought[kLanes] = {};
        for (size_t l = 0; l < kLanes; ++l) {
            if (meeting->lanes >> l & 1u) brought[l] = threads_[first + l].waits_in->data;
        }
        // Named lanes only are ordered; a part of a warp is not worth a clock of its own.
        const unsigned all = count_ - first >= kLanes ? ~0u : (1u << (count_ - first)) - 1;
        if (meeting->orders && meeting->lanes == all && ++warp_epochs_[warp] == 0) {
            throw Misuse("more __syncwarps between two barriers than the emulator can count");
        }
        release(*meeting, first, brought);
        any = true;
    }
    return any;
}

bool Grid::finish_block() {
    const Meeting* meeting = threads_[0].waits_in;
    if (!meeting || !meeting->whole_block || !complete(0, *meeting)) return false;
    std::vector<void*> brought(count_);
    for (size_t i = 0; i < count_; ++i) brought[i] = threads_[i].waits_in->data;
    ++epoch_;
    std::fill(warp_epochs_.begin(), warp_epochs_.end(), uint16_t{0});
    release(*meeting, 0, brought);
    return true;
}

void Grid::finish_meetings() {
    bool any = false;
    for (size_t warp = 0; warp < warp_epochs_.size(); ++warp) any |= finish_warp(warp);
    if (any || finish_block()) return;
    const bool waiting = std::any_of(threads_.begin(), threads_.begin() + static_cast<std::ptrdiff_t>(count_),
                                     [](const Thread& t) { return t.waits_in != nullptr; });
    if (waiting) report_waiting();
}

std::string Grid::whereabouts(size_t number) const {
    if (number >= count_) return fmt::format("thread {} does not exist", number);
    const Thread& thread = threads_[number];
    if (thread.ended) return fmt::format("thread {} has ended", triple(thread.index));
    const Meeting& meeting = *thread.waits_in;
    const std::string lanes = meeting.whole_block ? "" : fmt::format(" for lanes {:#010x}", meeting.lanes);
    return fmt::format("thread {} waits in {} at {}{}", triple(thread.index), meeting.name, place(meeting.where),
                       lanes);
}

/// Nobody can go on: names one who waits, and one for whom it waits in vain. Warps first: a barrier may wait for them.
void Grid::report_waiting() {
    for (const bool whole_block : {false, true}) {
        for (size_t i = 0; i < count_; ++i) {
            const Meeting* meeting = threads_[i].waits_in;
            if (!meeting || meeting->whole_block != whole_block) continue;
            const size_t first = whole_block ? 0 : i / kLanes * kLanes;
            for (size_t j = 0; j < (whole_block ? count_ : kLanes); ++j) {
                if (!whole_block && !(meeting->lanes >> j & 1u)) continue;
                const Meeting* other = first + j < count_ ? threads_[first + j].waits_in : nullptr;
                if (other && other->resolve == meeting->resolve && other->lanes == meeting->lanes &&
                    other->whole_block == whole_block) {
                    continue;
                }
                throw Misuse(context(i) +
                             fmt::format("divergence: {}, but {}", whereabouts(i), whereabouts(first + j)));
            }
        }
    }
    throw Misuse(context({}) + "threads wait for each other");
}

std::string Grid::context(std::optional<size_t> thread) const {
    std::string text = fmt::format("kernel launched at {} ({})", place(launch_->where), launch_->where.function_name());
    text += fmt::format(", ADAQ_EMULATOR_SEED={}, block {}", seed_, triple(block_));
    if (thread) text += fmt::format(", thread {}", triple(threads_[*thread].index));
    return text + ": ";
}

void Grid::fail(std::string what) {
    if (!launch_) throw Misuse(what);
    if (!running.kernel) throw Misuse(context({}) + what);
    failure_ = context(current_) + what;
    std::string().swap(what);  // nothing that is on this stack will be destroyed
    leave();
    std::abort();  // nobody resumes it
}

}  // namespace

void fail(std::string what) { grid().fail(std::move(what)); }

void meet(const Meeting& meeting) { grid().meet(meeting); }

Copies& copies_of_thread() { return grid().copies(); }
WarpgroupProducts& products_of_thread() { return grid().products(); }

void run(const Launch& launch) {
    static std::mutex one_at_a_time;
    const std::lock_guard lock(one_at_a_time);
    grid().run(launch);
}

}  // namespace adaq::emulator
