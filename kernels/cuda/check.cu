#include "kernels/cuda/check.h"

#include <cstdlib>

#include "engine/error.h"

namespace adaq::cuda {

bool waits_for_each_operation() {
    const char* value = std::getenv("ADAQ_CUDA_SYNC");
    return value && *value && std::string(value) != "0";
}

std::string message_of(cudaError_t status, const std::source_location& where) {
    const std::string file = where.file_name();
    return fmt::format("CUDA: {} ({}:{})", cudaGetErrorString(status), file.substr(file.rfind('/') + 1), where.line());
}

void check_cuda(cudaError_t status, std::source_location where) {
    if (status != cudaSuccess) data_error("{}", message_of(status, where));
}

void check_finished(cudaError_t status, std::source_location where) {
    if (status == cudaSuccess) return;
    data_error("{}{}", message_of(status, where),
               waits_for_each_operation() ? "" : "; with ADAQ_CUDA_SYNC=1 in the environment the operation is named");
}

}  // namespace adaq::cuda
