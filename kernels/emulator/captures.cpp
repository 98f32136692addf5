#include "kernels/emulator/captures.h"

#include <algorithm>
#include <mutex>
#include <string>

namespace adaq::emulator {
namespace {

std::mutex captures_mutex;
std::vector<Capture*> captures;  // under way

thread_local const char* refused = "";

cudaError_t refuse(Capture& capture, const char* call, cudaError_t error) {
    refused = call;
    capture.spoil();
    return error;
}

}  // namespace

Capture::Capture(cudaStreamCaptureMode mode, bool blocking_stream)
    : mode_(mode), blocking_stream_(blocking_stream), thread_(std::this_thread::get_id()) {
    const std::lock_guard lock(captures_mutex);
    captures.push_back(this);
}

Capture::~Capture() {
    const std::lock_guard lock(captures_mutex);
    std::erase(captures, this);
}

bool Capture::ends_here() const {
    return mode_ == cudaStreamCaptureModeRelaxed || thread_ == std::this_thread::get_id();
}

cudaError_t refuse_while_capturing(const char* call) {
    const std::lock_guard lock(captures_mutex);
    cudaError_t error = cudaSuccess;
    for (Capture* capture : captures) {
        const bool mine = capture->thread_ == std::this_thread::get_id();
        if (capture->mode_ == cudaStreamCaptureModeGlobal ||
            (capture->mode_ == cudaStreamCaptureModeThreadLocal && mine))
            error = refuse(*capture, call, cudaErrorStreamCaptureUnsupported);
    }
    return error;
}

cudaError_t refuse_in_default_stream(const char* call) {
    const std::lock_guard lock(captures_mutex);
    cudaError_t error = cudaSuccess;
    for (Capture* capture : captures) {
        if (capture->blocking_stream_) error = refuse(*capture, call, cudaErrorStreamCaptureImplicit);
    }
    return error;
}

cudaError_t refuse_in_capture(Capture& capture, const char* call) {
    const std::lock_guard lock(captures_mutex);
    return refuse(capture, call, cudaErrorStreamCaptureUnsupported);
}

const char* words_of(cudaError_t error) {
    static thread_local std::string words;
    switch (error) {
        case cudaSuccess:
            return "no error";
        case cudaErrorInvalidValue:
            return "invalid argument";
        case cudaErrorMemoryAllocation:
            return "out of memory";
        case cudaErrorNotReady:
            return "device not ready";
        case cudaErrorIllegalAddress:
            return "an illegal memory access was encountered";
        case cudaErrorStreamCaptureUnsupported:
            words = "operation not permitted when stream is capturing";
            break;
        case cudaErrorStreamCaptureInvalidated:
            words = "operation failed due to a previous error during capture";
            break;
        case cudaErrorStreamCaptureImplicit:
            words = "operation would make the legacy stream depend on a capturing blocking stream";
            break;
        case cudaErrorCapturedEvent:
            return "operation not permitted on an event last recorded in a capturing stream";
        case cudaErrorStreamCaptureWrongThread:
            return "attempt to terminate a thread-local capture sequence from another thread";
    }
    words += std::string(" (") + refused + ")";
    return words.c_str();
}

}  // namespace adaq::emulator
