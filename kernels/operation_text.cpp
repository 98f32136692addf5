#include "kernels/operation_text.h"

#include "kernels/arena.h"

namespace adaq {
namespace {

struct NameOf {
    const char* operator()(const Convolution&) const { return "convolution"; }
    const char* operator()(const ConvolutionToData&) const { return "convolution's gradient to data"; }
    const char* operator()(const ConvolutionToWeights&) const { return "convolution's gradient to weights"; }
    const char* operator()(const Linear&) const { return "fully connected layer"; }
    const char* operator()(const LinearToData&) const { return "fully connected layer's gradient to data"; }
    const char* operator()(const LinearToWeights&) const { return "fully connected layer's gradient to weights"; }
    const char* operator()(const BatchNorm&) const { return "batch norm"; }
    const char* operator()(const BatchNormGradient&) const { return "batch norm's gradient"; }
    const char* operator()(const MaxPool&) const { return "max pool"; }
    const char* operator()(const MaxPoolGradient&) const { return "max pool's gradient"; }
    const char* operator()(const GlobalAveragePool&) const { return "global average pool"; }
    const char* operator()(const GlobalAveragePoolGradient&) const { return "global average pool's gradient"; }
    const char* operator()(const AddRelu&) const { return "addition"; }
    const char* operator()(const ActivationBackward&) const { return "activation's gradient"; }
    const char* operator()(const FakeQuantise&) const { return "fake quantisation"; }
    const char* operator()(const FakeQuantiseChannels&) const { return "fake quantisation by channels"; }
    const char* operator()(const FakeQuantiseChannelsGradient&) const {
        return "gradient of the fake quantisation by channels";
    }
    const char* operator()(const RoundWeights&) const { return "rounding of weights"; }
    const char* operator()(const RoundingStep&) const { return "step of the rounding"; }
    const char* operator()(const ChannelScaleGradient&) const { return "gradient of the channels' scales"; }
    const char* operator()(const ChannelShiftGradient&) const { return "gradient of the channels' shifts"; }
    const char* operator()(const AdamStep&) const { return "step of Adam"; }
    const char* operator()(const SquaredError&) const { return "squared error"; }
    const char* operator()(const KlDivergence&) const { return "Kullback-Leibler divergence"; }
    const char* operator()(const StatisticsLoss&) const { return "distance of statistics"; }
    const char* operator()(const AdvanceStep&) const { return "advance of the step state"; }
    const char* operator()(const DrawBatch&) const { return "draw of a batch"; }
    const char* operator()(const TakeBatch&) const { return "choice of a batch"; }
    const char* operator()(const Gather&) const { return "gather"; }
};

}  // namespace

std::string describe(const Program& program, const Operation& operation) {
    std::string text = std::visit(NameOf(), operation);
    const char* between = " of ";
    for (TensorId id : tensors_of(operation)) {
        if (id == kNone) continue;
        text += between + to_string(program.shape(id));
        between = ", ";
    }
    return text;
}

std::string describe(const Program& program, size_t index) {
    return "operation " + std::to_string(index + 1) + " of " + std::to_string(program.operations().size()) + ", " +
           describe(program, program.operations()[index]);
}

}  // namespace adaq
