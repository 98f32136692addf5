#include "kernels/cpu/lanes.h"

#include <omp.h>

#include <algorithm>
#include <utility>

#include "kernels/cpu/thread_count.h"

namespace adaq::cpu {

Lanes::Lanes(int count) {
    try {
        for (int lane = 1; lane < count; ++lane) threads_.emplace_back([this, lane] { serve(lane); });
        // Until they wait for work: OpenMP takes memory for a thread when it comes to know it.
        std::unique_lock lock(mutex_);
        end_.wait(lock, [&] { return waiting_ == threads_.size(); });
    } catch (...) {  // the system allows no more
        stop();
        throw;
    }
}

Lanes::~Lanes() { stop(); }

void Lanes::stop() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    begin_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void Lanes::run(int64_t items, const Work& work, First first) {
    const std::lock_guard one_at_a_time(one_run_);
    {
        const std::lock_guard lock(mutex_);
        work_ = &work;
        items_ = items;
        dealt_ = first == First::each ? std::min<int64_t>(items, count()) : 0;
        next_ = dealt_;
        busy_ = threads_.size();
        ++runs_;
    }
    begin_.notify_all();
    {
        const ThreadCount inside(1);
        take_items(0);
    }
    std::unique_lock lock(mutex_);
    end_.wait(lock, [this] { return busy_ == 0; });
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void Lanes::serve(int lane) {
    omp_set_num_threads(1);
    {
        const std::lock_guard lock(mutex_);
        ++waiting_;
        end_.notify_all();
    }
    for (uint64_t seen = 0;; ++seen) {
        std::unique_lock lock(mutex_);
        begin_.wait(lock, [&] { return stop_ || runs_ > seen; });
        if (stop_) return;
        lock.unlock();
        take_items(lane);
        lock.lock();
        if (--busy_ == 0) end_.notify_all();
    }
}

void Lanes::take_items(int lane) {
    if (lane < dealt_) do_item(lane, lane);
    while (true) {
        int64_t item;
        {
            const std::lock_guard lock(mutex_);
            if (next_ >= items_ || error_) return;
            item = next_++;
        }
        do_item(lane, item);
    }
}

void Lanes::do_item(int lane, int64_t item) {
    try {
        (*work_)(lane, item);
    } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
    }
}

}  // namespace adaq::cpu
