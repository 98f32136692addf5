// The few declarations that are needed are made here, by cuDNN's documented interface (versions 8 and 9): adaq is built
// without it.
#include "tools/bench/cuda/cudnn.h"

#include <fmt/core.h>

#include <memory>

#include "tools/bench/cuda/library.h"
#include "tools/bench/cuda/random_memory.h"

namespace adaq::cuda {
namespace {

using Handle = void*;
using Descriptor = void*;
enum DataType { kFloat = 0, kBf16 = 9 };                            // cudnnDataType_t
enum MathType { kDefaultMath = 0, kTensorMath = 1, kFmaMath = 3 };  // cudnnMathType_t
constexpr int kNhwc = 1, kCrossCorrelation = 1;

/// cudnnConvolution...AlgoPerf_t, alike for the three directions.
struct Found {
    int algorithm, status;
    float time;
    size_t memory;
    int determinism, math;
    int reserved[3];
};

struct Functions {
    Library library{"libcudnn.so.9", "libcudnn.so.8", "libcudnn.so"};
    size_t (*version)() = nullptr;
    int (*create)(Handle*) = nullptr;
    int (*create_tensor)(Descriptor*) = nullptr;
    int (*create_filter)(Descriptor*) = nullptr;
    int (*create_convolution)(Descriptor*) = nullptr;
    int (*set_tensor)(Descriptor, int, DataType, int, int, int, int) = nullptr;
    int (*set_filter)(Descriptor, DataType, int, int, int, int, int) = nullptr;
    int (*set_convolution)(Descriptor, int, int, int, int, int, int, int, DataType) = nullptr;
    int (*set_math)(Descriptor, MathType) = nullptr;
    using Find = int(Handle, Descriptor, const void*, Descriptor, const void*, Descriptor, Descriptor, void*, int, int*,
                     Found*, void*, size_t);
    using Run = int(Handle, const void*, Descriptor, const void*, Descriptor, const void*, Descriptor, int, void*,
                    size_t, const void*, Descriptor, void*);
    Find *find_forward = nullptr, *find_data = nullptr, *find_weights = nullptr;
    Run *forward = nullptr, *data = nullptr, *weights = nullptr;

    Functions() {
        if (!library) return;
        library.find(version, "cudnnGetVersion");
        library.find(create, "cudnnCreate");
        library.find(create_tensor, "cudnnCreateTensorDescriptor");
        library.find(create_filter, "cudnnCreateFilterDescriptor");
        library.find(create_convolution, "cudnnCreateConvolutionDescriptor");
        library.find(set_tensor, "cudnnSetTensor4dDescriptor");
        library.find(set_filter, "cudnnSetFilter4dDescriptor");
        library.find(set_convolution, "cudnnSetConvolution2dDescriptor");
        library.find(set_math, "cudnnSetConvolutionMathType");
        library.find(find_forward, "cudnnFindConvolutionForwardAlgorithmEx");
        library.find(find_data, "cudnnFindConvolutionBackwardDataAlgorithmEx");
        library.find(find_weights, "cudnnFindConvolutionBackwardFilterAlgorithmEx");
        library.find(forward, "cudnnConvolutionForward");
        library.find(data, "cudnnConvolutionBackwardData");
        library.find(weights, "cudnnConvolutionBackwardFilter");
    }
    bool complete() const {
        return version && create && create_tensor && create_filter && create_convolution && set_tensor && set_filter &&
               set_convolution && set_math && find_forward && find_data && find_weights && forward && data && weights;
    }
};

const Functions& cudnn() {
    static const Functions functions;
    return functions;
}

constexpr size_t kWorkspace = size_t{1} << 30;

/// One convolution with its memory. Which tensor is `first`, `second` and `result` depends on the direction, in the
/// order in which cuDNN takes them.
struct Convolving {
    Handle handle = nullptr;
    Descriptor x = nullptr, w = nullptr, y = nullptr, convolution = nullptr;
    DeviceMemory x_memory, w_memory, y_memory, workspace{kWorkspace};

    bool prepare(const ConvolutionSizes& s, Math math) {
        const Functions& f = cudnn();
        const DataType type = math == Math::bf16 ? kBf16 : kFloat;
        const MathType arithmetic = math == Math::f32 ? kFmaMath : kTensorMath;
        const auto n = [](int64_t extent) { return static_cast<int>(extent); };
        const bool made = f.create(&handle) == 0 && f.create_tensor(&x) == 0 && f.create_tensor(&y) == 0 &&
                          f.create_filter(&w) == 0 && f.create_convolution(&convolution) == 0 &&
                          f.set_tensor(x, kNhwc, type, n(s.batch), n(s.x[2]), n(s.x[0]), n(s.x[1])) == 0 &&
                          f.set_tensor(y, kNhwc, type, n(s.batch), n(s.y[2]), n(s.y[0]), n(s.y[1])) == 0 &&
                          f.set_filter(w, type, kNhwc, n(s.w[0]), n(s.w[3]), n(s.w[1]), n(s.w[2])) == 0 &&
                          f.set_convolution(convolution, s.window.top, s.window.left, s.window.stride_h,
                                            s.window.stride_w, 1, 1, kCrossCorrelation, kFloat) == 0 &&
                          f.set_math(convolution, arithmetic) == 0;
        if (!made) return false;
        const bool as_bf16 = math == Math::bf16;
        x_memory = random_memory(s.batch * element_count(s.x), as_bf16, 1);
        w_memory = random_memory(element_count(s.w), as_bf16, 2);
        y_memory = random_memory(s.batch * element_count(s.y), as_bf16, 3);
        return true;
    }
};

/// The algorithm that cuDNN's own search finds fastest, bound to its arguments.
std::function<int()> fastest(const std::shared_ptr<Convolving>& c, Direction direction) {
    struct Tensor {
        Descriptor descriptor;
        void* memory;
    };
    const Tensor x{c->x, c->x_memory.get()}, w{c->w, c->w_memory.get()}, y{c->y, c->y_memory.get()};
    const bool forward = direction == Direction::forward, to_data = direction == Direction::data;
    const Tensor first = to_data ? w : x, second = forward ? w : y, result = forward ? y : to_data ? x : w;
    const Functions& f = cudnn();
    auto* const find = forward ? f.find_forward : to_data ? f.find_data : f.find_weights;
    auto* const run = forward ? f.forward : to_data ? f.data : f.weights;
    Found found[8] = {};
    int count = 0;
    const int status = find(c->handle, first.descriptor, first.memory, second.descriptor, second.memory, c->convolution,
                            result.descriptor, result.memory, 8, &count, found, c->workspace.get(), kWorkspace);
    if (status != 0 || count == 0 || found[0].status != 0) return {};
    cudnn().set_math(c->convolution, static_cast<MathType>(found[0].math));
    const int algorithm = found[0].algorithm;
    return [=] {
        constexpr float kOne = 1.0f, kZero = 0.0f;
        return run(c->handle, &kOne, first.descriptor, first.memory, second.descriptor, second.memory, c->convolution,
                   algorithm, c->workspace.get(), kWorkspace, &kZero, result.descriptor, result.memory);
    };
}

}  // namespace

std::string cudnn_version() {
    if (!cudnn().complete()) return "";
    const size_t version = cudnn().version(), major = version >= 90000 ? version / 10000 : version / 1000,
                 rest = version >= 90000 ? version % 10000 : version % 1000;
    return fmt::format("{}.{}.{}", major, rest / 100, rest % 100);
}

std::function<void()> cudnn_alone(const ConvolutionSizes& sizes, Direction direction, Math math, int replays) {
    if (!cudnn().complete()) return {};
    const auto convolving = std::make_shared<Convolving>();
    if (!convolving->prepare(sizes, math)) return {};
    const auto run = fastest(convolving, direction);
    if (!run || run() != 0) return {};
    return [=] {
        for (int i = 0; i < replays; ++i) run();
    };
}

}  // namespace adaq::cuda
