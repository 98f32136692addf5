#include "engine/program/limits.h"

#include <algorithm>

#include "engine/error.h"
#include "engine/program/program.h"

namespace adaq {
namespace {

struct Beyond {
    int64_t found = 0, most = 0;
    const char* what = nullptr;
};

/// What an operation's own settings have beyond a limit.
struct SettingBeyond {
    const DeviceLimits& limits;

    Beyond operator()(const MaxPool& op) const { return of(op.window); }
    Beyond operator()(const MaxPoolGradient& op) const { return of(op.window); }
    Beyond operator()(const ConvolutionToData& op) const {
        return {std::max(op.window.stride_h, op.window.stride_w), limits.convolution_stride, "a stride"};
    }
    Beyond operator()(const BeginIteration& op) const {
        return {static_cast<int64_t>(op.losses.size()), limits.losses, "a number of losses"};
    }
    template <typename WithoutLimits>
    Beyond operator()(const WithoutLimits&) const {
        return {};
    }
    Beyond of(const PoolingWindow& window) const {
        return {std::max(window.kernel_h, window.kernel_w), limits.pooling_window, "a window"};
    }
};

int64_t most_elements(const Program& program, const Operation& operation) {
    int64_t most = 0;
    for_each_tensor(operation, [&](TensorId id, const TensorUse& use) {
        if (use.extent != Extent::cache) most = std::max(most, element_count(program.shape(id)));
    });
    return most;
}

}  // namespace

void check_limits(const Program& program, const DeviceLimits& limits) {
    for (size_t i = 0; i < program.operations().size(); ++i) {
        const Operation& operation = program.operations()[i];
        const int64_t elements = most_elements(program, operation);
        if (elements > limits.elements)
            data_error("{}: a tensor of {} elements, expected at most {}; smaller batches or images have fewer",
                       describe(program, i), elements, limits.elements);
        const Beyond setting = std::visit(SettingBeyond{limits}, operation);
        if (setting.found > setting.most)
            data_error("{}: {} of {}, expected at most {} on this device", describe(program, i), setting.what,
                       setting.found, setting.most);
    }
}

}  // namespace adaq
