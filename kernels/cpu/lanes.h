// Threads that share out items of work. They sleep while there is none: OpenMP's would spin, and take the cores from
// the threads that load the next images.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace adaq::cpu {

class Lanes {
  public:
    using Work = std::function<void(int lane, int64_t item)>;

    /// The caller of run() is lane 0; there are count - 1 threads beside it.
    explicit Lanes(int count);
    ~Lanes();
    Lanes(const Lanes&) = delete;
    Lanes& operator=(const Lanes&) = delete;

    int count() const { return static_cast<int>(threads_.size()) + 1; }

    /// Who gets the first items: whoever comes first, or each lane one, however long it takes to wake.
    enum class First { whoever, each };

    /// work(lane, item) for every item in [0, items), each lane taking the next when it is done with one. Inside,
    /// OpenMP regions have one thread. Throws what the work threw first, after all lanes have stopped.
    void run(int64_t items, const Work& work, First first = First::whoever);

  private:
    void stop();
    void serve(int lane);
    void take_items(int lane);
    void do_item(int lane, int64_t item);

    std::mutex one_run_, mutex_;
    std::condition_variable begin_, end_;
    const Work* work_ = nullptr;
    int64_t items_ = 0, dealt_ = 0, next_ = 0;  // the first `dealt_` are lanes' own
    uint64_t runs_ = 0;
    size_t busy_ = 0, waiting_ = 0;
    bool stop_ = false;
    std::exception_ptr error_;
    std::vector<std::thread> threads_;
};

}  // namespace adaq::cpu
