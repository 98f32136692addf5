// One factory an operation of training, each in the file of its name. A step works on the whole batch.
#pragma once

#include <memory>

#include "kernels/cpu/constants.h"
#include "kernels/cpu/step.h"

namespace adaq::cpu {

struct TrainingSetting {
    int threads = 1;
    Math math = Math::f32;
    Halves halves = {};        // which tensors are stored as bf16
    Constants constants = {};  // which weights stay as they are
};

std::unique_ptr<Step> make_training_step(const Program&, const Convolution&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const ConvolutionToData&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const ConvolutionToWeights&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const Linear&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const LinearToData&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const LinearToWeights&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const BatchNorm&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const BatchNormGradient&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const MaxPool&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const MaxPoolGradient&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const GlobalAveragePool&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const GlobalAveragePoolGradient&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const AddRelu&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const ActivationBackward&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const FakeQuantise&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const FakeQuantiseChannels&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const FakeQuantiseChannelsGradient&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const RoundWeights&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const RoundingStep&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const ChannelScaleGradient&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const ChannelShiftGradient&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const AdamStep&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const SquaredError&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const KlDivergence&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const StatisticsLoss&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const AdvanceStep&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const DrawBatch&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const TakeBatch&, const TrainingSetting&);
std::unique_ptr<Step> make_training_step(const Program&, const Gather&, const TrainingSetting&);

}  // namespace adaq::cpu
