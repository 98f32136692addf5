// The few declarations that are needed are made here, by cuBLAS's documented interface: adaq is built without it.
#include "tools/bench/cuda/cublas.h"

#include <algorithm>
#include <chrono>

#include "tools/bench/cuda/library.h"
#include "tools/bench/cuda/random_memory.h"

namespace adaq::cuda {
namespace {

using Handle = void*;
enum DataType { kFloat = 0, kBf16 = 14 };                          // cudaDataType_t
enum ComputeType { kFloat32 = 68, kTf32 = 77, kPedantic32 = 69 };  // cublasComputeType_t
constexpr int kNoTranspose = 0, kDefaultAlgorithm = -1;

struct Functions {
    Library library{"libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "libcublas.so"};
    int (*create)(Handle*) = nullptr;
    int (*destroy)(Handle) = nullptr;
    int (*gemm)(Handle, int, int, int, int, int, const void*, const void*, DataType, int, const void*, DataType, int,
                const void*, void*, DataType, int, ComputeType, int) = nullptr;

    Functions() {
        if (!library) return;
        library.find(create, "cublasCreate_v2");
        library.find(destroy, "cublasDestroy_v2");
        library.find(gemm, "cublasGemmEx");
    }
    bool complete() const { return create && destroy && gemm; }
};

}  // namespace

double cublas_flops(Math math) {
    static const Functions cublas;
    Handle handle = nullptr;
    if (!cublas.complete() || cublas.create(&handle) != 0) return 0.0;
    constexpr int kSize = 8192, kProducts = 5, kRounds = 4;
    const DataType type = math == Math::bf16 ? kBf16 : kFloat;
    const ComputeType compute = math == Math::f32 ? kPedantic32 : math == Math::tf32 ? kTf32 : kFloat32;
    const size_t count = size_t{kSize} * kSize;
    const DeviceMemory a = random_memory(count, type == kBf16, 1), b = random_memory(count, type == kBf16, 2),
                       c(count * sizeof(float));
    const float one = 1.0f, zero = 0.0f;
    double best = 0.0;
    for (int round = 0; round < kRounds; ++round) {
        check_cuda(cudaDeviceSynchronize());
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < kProducts; ++i) {
            if (cublas.gemm(handle, kNoTranspose, kNoTranspose, kSize, kSize, kSize, &one, a.get(), type, kSize,
                            b.get(), type, kSize, &zero, c.get(), kFloat, kSize, compute, kDefaultAlgorithm) != 0)
                return 0.0;
        }
        check_cuda(cudaDeviceSynchronize());
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        best = std::max(best, 2.0 * kSize * kSize * static_cast<double>(kSize) * kProducts / took.count());
    }
    cublas.destroy(handle);
    return best;
}

}  // namespace adaq::cuda
