// Streams that are being captured, and what CUDA forbids meanwhile: allocating, freeing, and whatever waits for the
// card. As in CUDA such a call gives an error, does nothing, and spoils the capture, so that cudaStreamEndCapture gives
// an error, too, and no graph. (A free in a destructor, whose status nobody reads, is found there.)
//
// Stricter than CUDA: copies from or to pageable memory of the host are forbidden in a captured stream, for a graph
// would read and write that memory whenever it is launched.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "kernels/emulator/runtime.h"

namespace adaq::emulator {

using Work = std::function<void()>;

/// What a stream records from cudaStreamBeginCapture to cudaStreamEndCapture.
class Capture {
  public:
    Capture(cudaStreamCaptureMode mode, bool blocking_stream);
    ~Capture();
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;

    void record(Work one) { work_.push_back(std::move(one)); }
    std::vector<Work> take_work() { return std::move(work_); }
    bool spoilt() const { return spoilt_; }
    void spoil() { spoilt_ = true; }
    /// Whether this thread may end it.
    bool ends_here() const;

  private:
    friend cudaError_t refuse_while_capturing(const char* call);
    friend cudaError_t refuse_in_default_stream(const char* call);

    const cudaStreamCaptureMode mode_;
    const bool blocking_stream_;
    const std::thread::id thread_;
    bool spoilt_ = false;
    std::vector<Work> work_;
};

/// Where this thread captures a stream, or another does so for all threads, spoils the capture and gives its error;
/// else cudaSuccess. `call`: what is refused, for cudaGetErrorString.
cudaError_t refuse_while_capturing(const char* call);

/// The same for work in the default stream, which waits for streams that were made without cudaStreamNonBlocking.
cudaError_t refuse_in_default_stream(const char* call);

/// For a call that a captured stream itself does not take.
cudaError_t refuse_in_capture(Capture& capture, const char* call);

/// CUDA's words for an error; behind those of captures stands the call that this thread was refused last.
const char* words_of(cudaError_t error);

}  // namespace adaq::emulator
